"""Memory, vCPUs and NUMA cells add up."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import rule, warning
from webhook.declare import kib, members
from webhook.findings import Finding
from webhook.trees import Tree


@rule
def memory_sizes_ascend(domain: Tree, path: str) -> Iterator[Finding]:
    """current ≤ size ≤ maximum; libvirt's `currentMemory` counts memory devices too."""
    memory = domain.get("memory", {})
    size, current = kib(memory.get("size")), kib(memory.get("current"))
    most = kib(domain.get("maxmemory", {}).get("size"))
    if size is not None and current is not None and current > size + _plugged(domain):
        problem = f"`{memory['current']}` is more than the memory, `{memory['size']}`"
        yield Finding(f"{path}.memory.current", problem, "state at most `memory.size`", "memory")
    # With memory devices or cells `memory_devices_fit_the_maximum` says it.
    apart = domain.get("devices", {}).get("memories") or domain.get("cpu", {}).get("numa")
    if size is not None and most is not None and most < size and not apart:
        problem = f"`{domain['maxmemory']['size']}` is less than the memory, `{memory['size']}`"
        yield Finding(f"{path}.maxmemory.size", problem, "state at least `memory.size`", "memory")


# QEMU's TARGET_PHYS_ADDR_SPACE_BITS (target/*/cpu-param.h), in KiB; what other processors address is more than the type
# of an amount takes.
_ADDRESSED = {"x86_64": 2 ** (52 - 10), "aarch64": 2 ** (52 - 10)}
# All that Linux maps of an x86 host with page tables of four levels: 46 bits (Documentation/arch/x86/x86_64/mm.rst).
_OF_LARGE_HOSTS = 2 ** (46 - 10)
_TIB = 1024**3


@rule
def memory_has_addresses(domain: Tree, path: str) -> Iterator[Finding]:
    """No processor addresses memory beyond its physical addresses, of which devices and firmware take some."""
    most = _ADDRESSED.get(domain.get("os", {}).get("type", {}).get("arch", ""))
    for field in ("memory", "maxmemory") if most else ():
        amount = kib(domain.get(field, {}).get("size"))
        if amount is not None and most is not None and amount >= most:
            problem = f"is {amount // _TIB} TiB, more than a processor addresses"
            yield Finding(f"{path}.{field}.size", problem, f"state less than `4Pi`; {_unit(amount)}", "memory")


@warning
def memory_is_of_a_host(domain: Tree, path: str) -> Iterator[Finding]:
    """Bytes or KiB that are written as a whole number are taken for MiB: no host has what comes of that."""
    amount = kib(domain.get("memory", {}).get("size"))
    arch = domain.get("os", {}).get("type", {}).get("arch", "")
    if amount is not None and _OF_LARGE_HOSTS <= amount < _ADDRESSED.get(arch, amount + 1):
        problem = f"is {amount // _TIB} TiB, which hardly a host has"
        yield Finding(f"{path}.memory.size", problem, _unit(amount), "memory")


def _unit(amount: int) -> str:
    """What a whole number means, and how as many bytes are written."""
    number = amount // 1024
    held = max(1, number // 1024**2)
    text = f"{held // 1024}Gi" if held % 1024 == 0 else f"{held}Mi"
    return f"a whole number is MiB: write `{text}` for {number} bytes"


def _plugged(domain: Tree) -> int:
    """The memory of all memory devices in KiB."""
    devices = domain.get("devices", {}).get("memories", ())
    return sum(kib(device.get("target", {}).get("size")) or 0 for device in devices)


@rule
def vcpus_fit_topology(domain: Tree, path: str) -> Iterator[Finding]:
    """The topology multiplies to the vCPU count, which is also the maximum at boot."""
    count, current = domain.get("vcpu", {}).get("count"), domain.get("vcpu", {}).get("current")
    topology = domain.get("cpu", {}).get("topology")
    if count and current and current > count:
        problem = f"{current} vCPUs at boot are more than the {count} that there can be"
        way = "state at most `vcpu.count`, or raise that: it is `cpu.max` of `spec.features`"
        yield Finding(f"{path}.vcpu.current", problem, way, "vcpu")
    if count and topology:
        product = 1
        for level in ("sockets", "dies", "clusters", "cores", "threads"):
            product *= topology.get(level, 1)
        if product != count:
            problem = f"makes {product} vCPUs, but `vcpu.count` is {count}"
            way = "let sockets × dies × clusters × cores × threads be the count"
            yield Finding(f"{path}.cpu.topology", problem, way, "vcpu")


@rule
def stated_vcpus_exist(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses the state of a vCPU that does not exist."""
    count = domain.get("vcpu", {}).get("count", 65535)
    for index, vcpu in enumerate(domain.get("vcpus", ())):
        if vcpu.get("id", 0) >= count:
            problem = f"vCPU {vcpu['id']} does not exist, there are {count}"
            yield Finding(f"{path}.vcpus[{index}].id", problem, "count from 0", "vcpu")


@rule
def cells_have_existing_vcpus(domain: Tree, path: str) -> Iterator[Finding]:
    """A vCPU of a NUMA cell exists and is in no other cell."""
    count = domain.get("vcpu", {}).get("count", 65535)
    cells = [members(cell.get("cpus") or []) for cell in domain.get("cpu", {}).get("numa", ())]
    everything = set().union(*cells)
    if len(everything) == sum(map(len, cells)) and max(everything, default=0) < count:
        return
    seen: dict[int, int] = {}
    for index, cpus in enumerate(cells):
        for cpu in cpus:
            place = f"{path}.cpu.numa[{index}].cpus"
            if cpu >= count:
                yield Finding(place, f"vCPU {cpu} does not exist, there are {count}", "count from 0", "numa")
            elif seen.setdefault(cpu, index) != index:
                yield Finding(place, f"vCPU {cpu} is in cell {seen[cpu]} too", "name each vCPU once", "numa")


@warning
def cells_have_all_memory(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt takes the sum of the NUMA cells as the memory, whatever `memory.size` states."""
    cells = domain.get("cpu", {}).get("numa") or ()
    sizes = [kib(cell.get("memory")) for cell in cells]
    size = kib(domain.get("memory", {}).get("size"))
    total = sum(amount for amount in sizes if amount is not None)
    if cells and None not in sizes and size is not None and total != size:
        held, stated = _in_units(total), _in_units(size)
        problem = f"hold `{held}` together, but `memory.size` is `{stated}`; the guest gets the former"
        way = f"let the cells hold `{stated}` together, or state `{held}` as the memory"
        if total == size * 1024:
            way = f"a whole number is MiB: write KiB as `{(sizes[0] or 0) // 1024}Ki`"
        yield Finding(f"{path}.cpu.numa", problem, way, "numa")


def _in_units(amount: int) -> str:
    """An amount of KiB with its unit, since a mistake in the unit is what people look for."""
    return f"{amount}Ki" if amount % 1024 else f"{amount // 1024}Mi"
