"""Pieces of memory beside the machine's own, and huge pages: their sizes add up and are in whole blocks."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import rule, warning
from webhook.declare import kib, shown
from webhook.declare.quantity import written
from webhook.findings import Finding
from webhook.trees import Tree

# libvirt's least block of virtio-mem, that of a transparent huge page of x86 and ARM (src/qemu/qemu_domain.c).
_LEAST_BLOCK = 2048
# The smallest huge page that a VM can ask for (webhook/features/hugepages.py), in KiB.
_SMALLEST_PAGE = 2048
_VIRTIO_MEM = "virtio-mem"
# Linux adds memory in sections, of 128 MiB on x86 and on ARM with pages of 4 KiB (SECTION_SIZE_BITS).
_SECTION = 128 * 1024


@rule
def memory_devices_fit_the_maximum(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses pieces of memory that are together more than there may be (src/conf/domain_conf.c)."""
    most = kib(domain.get("maxmemory", {}).get("size"))
    cells = domain.get("cpu", {}).get("numa", ())
    # libvirt takes the sum of the cells as the memory, whatever its size states.
    size = sum(kib(cell.get("memory")) or 0 for cell in cells) or kib(domain.get("memory", {}).get("size"))
    pieces = [kib(piece.get("target", {}).get("size")) or 0 for piece in _pieces(domain)]
    if most is None or size is None or not (pieces or cells) or size + sum(pieces) <= most:
        return
    total = written(size + sum(pieces))
    problem = f"`{shown(domain['maxmemory']['size'])}` is less than the memory with all its pieces, `{total}`"
    yield Finding(f"{path}.maxmemory.size", problem, f"state at least `{total}`", "memory")


@rule
def virtio_mem_is_in_whole_blocks(domain: Tree, path: str) -> Iterator[Finding]:
    """Blocks are powers of two from 2 MiB on; size and what is plugged are whole blocks (libvirt: qemu_validate.c)."""
    for index, piece in enumerate(_pieces(domain)):
        if piece.get("model") != _VIRTIO_MEM:
            continue
        where, target = f"{path}.devices.memories[{index}].target", piece.get("target", {})
        block, size, requested = (kib(target.get(name)) for name in ("block", "size", "requested"))
        if block is not None and (block < _LEAST_BLOCK or block & (block - 1)):
            problem = f"`{shown(target['block'])}` is no power of two from 2Mi on"
            yield Finding(f"{where}.block", problem, "state `2Mi`", "memory")
        elif block and requested is not None and requested % block:
            problem = f"`{shown(target['requested'])}` is not in whole blocks of `{shown(target['block'])}`"
            yield Finding(f"{where}.requested", problem, f"state `{written(requested // block * block)}`", "memory")
        elif block and size is not None and size % block:
            # QEMU starts no VM with it (hw/virtio/virtio-mem.c).
            problem = f"`{shown(target['size'])}` is not in whole blocks of `{shown(target['block'])}`"
            yield Finding(f"{where}.size", problem, f"state `{written((size // block + 1) * block)}`", "memory")
        if size is not None and requested is not None and requested > size:
            problem = f"`{shown(target['requested'])}` is more than the size, `{shown(target['size'])}`"
            yield Finding(f"{where}.requested", problem, "state at most `target.size`", "memory")


@rule
def memory_is_in_whole_huge_pages(domain: Tree, path: str) -> Iterator[Finding]:
    """A node gives huge pages as a whole: memory that ends within one does not start (qemu: hostmem-file)."""
    wanted = domain.get("goals", {}).get("hugepages")
    page = kib(wanted)
    if not page:
        return
    # Those of a feature stand in the domain's goals, too, and are changed where they were asked for.
    smaller = f", or smaller pages: `2Mi` in `spec.features.hugepages`, or in `{path}.goals.hugepages`"
    smaller = smaller if page > _SMALLEST_PAGE else ""
    cells = domain.get("cpu", {}).get("numa", ())
    sizes = [(f"cpu.numa[{index}].memory", cell.get("memory")) for index, cell in enumerate(cells)]
    # A single cell is the service's own, of all the memory.
    if len(sizes) < 2:
        sizes = [("memory.size", cells[0].get("memory") if cells else domain.get("memory", {}).get("size"))]
    sizes += [
        (f"devices.memories[{index}].target.size", piece.get("target", {}).get("size"))
        for index, piece in enumerate(_pieces(domain))
    ]
    for place, size in sizes:
        amount = kib(size)
        if amount is not None and amount % page:
            problem = f"`{shown(size)}` is not in whole huge pages of `{wanted}`"
            way = f"state `{written((amount // page + 1) * page)}`{smaller}"
            yield Finding(f"{path}.{place}", problem, way, "hugepages")


def _pieces(domain: Tree) -> list[Tree]:
    found: list[Tree] = domain.get("devices", {}).get("memories", [])
    return found


@warning
def huge_pages_stay_with_the_guest(domain: Tree, path: str) -> Iterator[Finding]:
    """A huge page that the guest gives back is another's when it is wanted again (QEMU: virtio-balloon discards it)."""
    balloon = domain.get("devices", {}).get("memballoon") or {}
    if balloon.get("freePageReporting") and domain.get("goals", {}).get("hugepages"):
        way = "say `freePageReporting: false`, which holds from the next cold boot on"
        place = f"{path}.devices.memballoon.freePageReporting"
        yield Finding(place, "gives huge pages of the guest back to the host", way, "memory")


@warning
def dimms_are_in_whole_sections(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU has a DIMM of any size, of which Linux takes none that is not in whole 128 MiB (mm/memory_hotplug.c)."""
    for index, piece in enumerate(_pieces(domain)):
        size = piece.get("target", {}).get("size")
        amount = kib(size) if piece.get("model") == "dimm" else None
        if amount is not None and amount % _SECTION:
            problem = f"`{shown(size)}` is no multiple of `128Mi`; a Linux guest does not take the DIMM"
            way = f"state `{(amount // _SECTION + 1) * _SECTION // 1024}Mi`, unless the guest is another"
            yield Finding(f"{path}.devices.memories[{index}].target.size", problem, way, "memory")
