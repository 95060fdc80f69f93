"""What is free on the nodes of a host, and which part of it each of a VM's cells gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.libvirt.host.cells import Cell
from webhook.libvirt.host.facts import PAGES, Host, Node

Cores = list[tuple[int, ...]]
# More KiB than any VM can have: of a node whose free memory is not known.
_UNKNOWN = 2**62


@dataclass(frozen=True, slots=True)
class Share:
    """What one cell has: a node (None: it is spread over several), and CPUs, the vCPUs' first."""

    node: int | None
    cpus: tuple[int, ...]


class Room:
    """The free part of a host: whole cores where they are `exclusive`, else all CPUs; pages of the size `page`."""

    def __init__(self, host: Host, *, exclusive: bool, page: str) -> None:
        self.nodes = host.nodes
        self.exclusive = exclusive
        self.page = page
        self._cores = {node.id: [*_free(node, host.taken, exclusive)] for node in host.nodes}

    def count(self, node: Node) -> str:
        """What is free of a node, in words."""
        cpus = sum(map(len, self._cores[node.id]))
        memory = "" if node.free is None else f" and {node.free // 1024} MiB"
        return f"{cpus} CPUs{memory}"

    def place(self, cells: list[Cell]) -> list[Share] | None:
        """A node for each cell: one of its own where there is, the smallest in which it fits. None: there is no room.

        The first cell also has a CPU for QEMU's own threads where the CPUs are exclusive.
        """
        cores = {node: list(free) for node, free in self._cores.items()}
        memory = {node.id: self._memory(node) for node in self.nodes}
        shares: dict[int, Share] = {}
        order = sorted(range(len(cells)), key=lambda index: (-cells[index].memory, -len(cells[index].at_boot), index))
        for index in order:
            cell, beside = cells[index], int(index == 0)
            used = {share.node for share in shares.values()}
            fitting = [
                node.id
                for node in self.nodes
                if memory[node.id] >= cell.memory and sum(map(len, cores[node.id])) >= self._wanted(cell, beside)
            ]
            if not fitting:
                return None
            node = min(fitting, key=lambda one: (one in used, sum(map(len, cores[one])), one))
            shares[index] = Share(node, self._take(cores[node], self._wanted(cell, beside)))
            memory[node] -= cell.memory
        return [shares[index] for index in range(len(cells))]

    def spread(self, cells: list[Cell]) -> list[Share] | None:
        """CPUs of several nodes, those of the emptiest first, and memory of anywhere; None where there are too few."""
        cores = [
            core
            for node in sorted(self.nodes, key=lambda node: (-len(self._cores[node.id]), node.id))
            for core in self._cores[node.id]
        ]
        shares = []
        for index, cell in enumerate(cells):
            wanted = self._wanted(cell, int(index == 0))
            if sum(map(len, cores)) < wanted:
                return None
            shares.append(Share(None, self._take(cores, wanted)))
        return shares

    def _wanted(self, cell: Cell, beside: int) -> int:
        """How many CPUs a cell takes: its own, or any number where others may have them too."""
        return len(cell.at_boot) + beside if self.exclusive else min(1, len(cell.at_boot))

    def _take(self, cores: Cores, count: int) -> tuple[int, ...]:
        """The CPUs of so many whole cores, which are then no longer free; all of them where they are shared."""
        if not self.exclusive:
            return tuple(cpu for core in cores for cpu in core)
        taken: list[int] = []
        while len(taken) < count:
            taken += cores.pop(0)
        return tuple(taken)

    def _memory(self, node: Node) -> int:
        """What a node can give, in KiB: of its huge pages where the VM is in such."""
        if self.page:
            return node.pages.get(self.page, 0) * PAGES[self.page]
        return _UNKNOWN if node.free is None else node.free


def _free(node: Node, taken: frozenset[int], exclusive: bool) -> Iterator[tuple[int, ...]]:
    """A node's cores, or what of them is not taken."""
    for core in node.cores:
        free = tuple(cpu for cpu in core if cpu not in taken)
        if free and (free == core or not exclusive):
            yield free
