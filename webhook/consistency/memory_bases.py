"""Where memory devices begin, where that is stated: QEMU has a region for them, behind the machine's own memory."""

from __future__ import annotations

from collections.abc import Iterator

from webhook import machines
from webhook.consistency.rule import rule
from webhook.declare import kib
from webhook.domain.address import parts_of
from webhook.findings import Finding
from webhook.trees import Tree

_GIB = 1024 * 1024
# What a PC has below 4 GiB, by its family, and from which memory on it is no more than that, in KiB
# (QEMU: pc_q35_init and pc_init1 of hw/i386).
_LOW = {"q35": (2 * _GIB, 0xB0000000 // 1024), "i440fx": (3 * _GIB, 0xE0000000 // 1024)}


@rule
def memory_devices_begin_behind_memory(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU refuses a memory device below their region, a GiB's multiple behind all memory (hw/i386/pc.c)."""
    pieces = domain.get("devices", {}).get("memories", ())
    first = _first(domain) if pieces else None
    if first is None:
        return
    for index, piece in enumerate(pieces):
        for field, base in (
            ("address", parts_of(piece).get("base")),
            ("target.base", piece.get("target", {}).get("base")),
        ):
            if base is not None and base < first:
                problem = f"begins at `{base:#x}`, where the memory of the machine is, {_size(domain)} MiB"
                way = f"leave the base out, or state at least `{first:#x}`"
                yield Finding(f"{path}.devices.memories[{index}].{field}", problem, way, "memory")


def _first(domain: Tree) -> int | None:
    """The first byte of the region of memory devices; None where the machine is no PC."""
    kind, amount = domain.get("os", {}).get("type", {}), _size(domain)
    low = _LOW.get(machines.family(kind.get("arch", ""), kind.get("machine", "")))
    if low is None or not amount:
        return None
    below, bound = low
    above = amount * 1024 - below if amount * 1024 >= bound else 0
    return (4 * _GIB + -(-above // _GIB) * _GIB) * 1024


def _size(domain: Tree) -> int:
    """The machine's own memory in MiB: that of its cells, as libvirt takes it."""
    cells = domain.get("cpu", {}).get("numa", ())
    amount = sum(kib(cell.get("memory")) or 0 for cell in cells) or kib(domain.get("memory", {}).get("size")) or 0
    return amount // 1024
