"""The guest's NUMA cells: those of a domain, or the ones that a host's nodes suggest."""

from __future__ import annotations

from dataclasses import dataclass

from webhook.declare import as_ranges, kib, members, written
from webhook.trees import Tree

_MIB = 1024
# What a NUMA cell's memory is a multiple of, so that it is whole huge pages: 1 GiB where there is enough, else 2 MiB.
_STEPS = (1024, 2, 1)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its number, its vCPUs, those of them that are there at boot, its memory in KiB."""

    id: int
    vcpus: tuple[int, ...]
    at_boot: tuple[int, ...]
    memory: int

    def as_tree(self) -> Tree:
        """The cell in the API's fields."""
        return {"cell": self.id, "cpus": as_ranges(self.vcpus), "memory": written(self.memory)}


def cells_of(domain: Tree) -> list[Cell]:
    """The cells that a domain states."""
    booted = _at_boot(domain)
    made = []
    for number, cell in enumerate((domain.get("cpu") or {}).get("numa") or ()):
        vcpus = tuple(members(cell.get("cpus") or []))
        there = tuple(vcpu for vcpu in vcpus if vcpu in booted)
        identity = number if cell.get("cell") is None else cell["cell"]
        made.append(Cell(identity, vcpus, there, kib(cell.get("memory")) or 0))
    return made


def matched(domain: Tree, most: int) -> list[list[Cell]]:
    """The cells that a domain can have on so many nodes: one, two, … of equal size, while it has cores for them."""
    count = (domain.get("vcpu") or {}).get("count", 1)
    threads = ((domain.get("cpu") or {}).get("topology") or {}).get("threads") or 1
    memory = (kib((domain.get("memory") or {}).get("size")) or 0) // _MIB
    booted = _at_boot(domain)
    ways = []
    for number in range(1, min(most, max(1, count // threads), max(1, memory)) + 1):
        cores = -(-count // threads)
        made, first, rest = [], 0, memory
        for cell in range(number):
            left = number - cell
            last = min(count, first + -(-cores // left) * threads)
            part = _part(rest, left)
            vcpus = tuple(range(first, last))
            there = tuple(vcpu for vcpu in vcpus if vcpu in booted)
            made.append(Cell(cell, vcpus, there, part * _MIB))
            cores, first, rest = cores - -(-cores // left), last, rest - part
        ways.append(made)
    return ways


def _part(memory: int, among: int) -> int:
    """An equal part of so many MiB; the last one takes what is left."""
    if among == 1:
        return memory
    step = next(step for step in _STEPS if memory >= step * among)
    return memory // among // step * step


def _at_boot(domain: Tree) -> frozenset[int]:
    """The vCPUs that are there at boot: those that are said to be, or the first ones."""
    said = domain.get("vcpus")
    if said:
        return frozenset(entry["id"] for entry in said if entry.get("enabled"))
    vcpu = domain.get("vcpu") or {}
    return frozenset(range(vcpu.get("current") or vcpu.get("count", 1)))
