"""What has to fit together in a complete domain, whoever wrote it: each rule one small function of the domain.

A rule yields findings (the machine would not start, or not be the one that is described) and warnings (it would,
but unwisely). Rules know the domain's tree alone; the validator runs all of them over the final object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from webhook import machines
from webhook.declare import kib, shown
from webhook.findings import Finding

Tree = dict[str, Any]
Rule = Callable[[Tree, str], Iterator[Finding]]

RULES: list[Rule] = []
WARNINGS: list[Rule] = []


def rule(function: Rule) -> Rule:
    """Register a rule whose findings refuse."""
    RULES.append(function)
    return function


def warning(function: Rule) -> Rule:
    """Register a rule whose findings only warn."""
    WARNINGS.append(function)
    return function


def consistent(domain: Tree, path: str) -> list[Finding]:
    """All findings of all rules; `path` is the domain's place in the object."""
    return [finding for check in RULES for finding in check(domain, path)]


def unwise(domain: Tree, path: str) -> list[Finding]:
    """All that is allowed, but that its owner should know."""
    return [finding for check in WARNINGS for finding in check(domain, path)]


def devices(domain: Tree) -> Iterator[tuple[str, int, Tree]]:
    """Every device: its list, its place in it (-1 where there is but one), and itself."""
    for kind, entries in domain.get("devices", {}).items():
        if type(entries) is dict:
            yield kind, -1, entries
        else:
            for index, entry in enumerate(entries):
                yield kind, index, entry


def _path(kind: str, index: int) -> str:
    """A device's path below the domain."""
    return f".devices.{kind}" if index < 0 else f".devices.{kind}[{index}]"


def _twice(
    domain: Tree, path: str, rule_name: str, what: str, kinds: tuple[str, ...], value_of: Callable[[Tree], Any]
) -> Iterator[Finding]:
    """A value that must be a device's own, and is another's too."""
    seen: dict[Any, str] = {}
    for kind in kinds:
        for index, device in enumerate(domain.get("devices", {}).get(kind, ())):
            value = value_of(device)
            if value is None:
                continue
            if value in seen:
                problem = f"{what} `{shown(value)}` is taken by `{path}{seen[value]}`"
                yield Finding(f"{path}{_path(kind, index)}", problem, f"give each device {what} of its own", rule_name)
            seen[value] = _path(kind, index)


@rule
def boot_orders_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses a boot order that two devices claim."""
    return _twice(
        domain, path, "boot-order", "a boot order", ("disks", "interfaces"), lambda device: device.get("bootOrder")
    )


@rule
def macs_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """Two NICs of one guest with one MAC address cannot both be reached."""

    def mac(device: Tree) -> str | None:
        address = device.get("mac", {}).get("address")
        return address.lower() if address else None

    return _twice(domain, path, "mac", "a MAC address", ("interfaces",), mac)


@rule
def targets_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two disks with one target."""
    return _twice(
        domain,
        path,
        "disk-target",
        "a target",
        ("disks",),
        lambda device: device.get("target", {}).get("dev") if "bus" in device.get("target", {}) else None,
    )


@rule
def serials_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """Paths by serial number in the guest would be ambiguous."""
    return _twice(domain, path, "serial", "a serial number", ("disks",), lambda device: device.get("serial"))


@rule
def identity_is_one(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses a domain whose SMBIOS UUID is not its own."""
    stated, own = domain.get("sysinfo", {}).get("uuid"), domain.get("uuid")
    if stated and own and stated.lower() != own.lower():
        problem = f"`{shown(stated)}` is not the domain's own UUID `{shown(own)}`"
        yield Finding(f"{path}.sysinfo.uuid", problem, f"let it agree with `{path}.uuid`, or remove one", "identity")


@rule
def memory_grows_upwards(domain: Tree, path: str) -> Iterator[Finding]:
    """current ≤ size ≤ maximum."""
    memory = domain.get("memory", {})
    size, current = kib(memory.get("size")), kib(memory.get("current"))
    most = kib(domain.get("maxmemory", {}).get("size"))
    if size is not None and current is not None and current > size:
        problem = f"`{memory['current']}` is more than the memory, `{memory['size']}`"
        yield Finding(f"{path}.memory.current", problem, "state at most `memory.size`", "memory")
    if size is not None and most is not None and most < size:
        problem = f"`{domain['maxmemory']['size']}` is less than the memory, `{memory['size']}`"
        yield Finding(f"{path}.maxmemory.size", problem, "state at least `memory.size`", "memory")


@rule
def vcpus_fit_topology(domain: Tree, path: str) -> Iterator[Finding]:
    """The topology multiplies to the vCPU count, and no more are there at boot than there can be."""
    count, current = domain.get("vcpu", {}).get("count"), domain.get("vcpu", {}).get("current")
    topology = domain.get("cpu", {}).get("topology")
    if count and current and current > count:
        problem = f"{current} vCPUs at boot are more than the {count} that there can be"
        yield Finding(f"{path}.vcpu.current", problem, "state at most `vcpu.count`", "vcpu")
    if count and topology:
        product = 1
        for level in ("sockets", "dies", "cores", "threads"):
            product *= topology.get(level, 1)
        if product != count:
            problem = f"makes {product} vCPUs, but `vcpu.count` is {count}"
            way = "let sockets × dies × cores × threads be the count"
            yield Finding(f"{path}.cpu.topology", problem, way, "vcpu")


@rule
def cells_hold_real_cpus(domain: Tree, path: str) -> Iterator[Finding]:
    """A vCPU is in one NUMA cell at most, and exists."""
    count = domain.get("vcpu", {}).get("count", 65535)
    seen: dict[int, int] = {}
    for index, cell in enumerate(domain.get("cpu", {}).get("numa", ())):
        for cpu in cell.get("cpus") or ():
            place = f"{path}.cpu.numa[{index}].cpus"
            if cpu >= count:
                yield Finding(place, f"vCPU {cpu} does not exist, there are {count}", "count from 0", "numa")
            elif seen.setdefault(cpu, index) != index:
                yield Finding(place, f"vCPU {cpu} is in cell {seen[cpu]} too", "name each vCPU once", "numa")


@rule
def machine_is_versioned(domain: Tree, path: str) -> Iterator[Finding]:
    """An alias like `q35` is another machine after an upgrade of QEMU."""
    kind = domain.get("os", {}).get("type", {})
    name, arch = kind.get("machine"), kind.get("arch")
    if name and not machines.versioned(name) and not machines.unpinned(arch or "", name):
        problem = f"`{shown(name)}` is an alias, another machine after each upgrade of QEMU"
        yield Finding(f"{path}.os.type.machine", problem, "name a versioned machine type like `pc-q35-7.2`", "machine")
    elif not name or not arch:
        yield _incomplete(f"{path}.os.type")


@rule
def secure_boot_is_possible(domain: Tree, path: str) -> Iterator[Finding]:
    """OVMF's secure boot needs UEFI, q35 and SMM (libvirt: formatdomain, "BIOS bootloader")."""
    os = domain.get("os", {})
    if not os.get("secureBoot"):
        return
    where, rule_name = f"{path}.os.secureBoot", "secure-boot"
    if os.get("firmware") != "efi":
        yield Finding(where, "needs UEFI, the firmware is not `efi`", "state `firmware: efi`", rule_name)
    if "q35" not in os.get("type", {}).get("machine", ""):
        problem = f"needs a q35 machine, not `{shown(os.get('type', {}).get('machine'))}`"
        yield Finding(where, problem, "state a q35 machine, or no secure boot", rule_name)
    features = {entry.get("feature"): entry for entry in domain.get("features", ())}
    if features.get("smm", {}).get("state") is not True:
        way = "add `{feature: smm, state: true}` to `features` of the domain"
        yield Finding(where, "needs system management mode (SMM)", way, rule_name)


# Microsoft's Hyper-V TLFS: what an enlightenment needs (QEMU: docs/system/i386/hyperv).
_HYPERV_NEEDS = {
    "stimer": ("synic",),
    "synic": ("vpindex",),
    "ipi": ("vpindex",),
    "tlbflush": ("vpindex",),
    "evmcs": ("vapic",),
}


@rule
def hyperv_is_whole(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU refuses an enlightenment without those that it builds upon."""
    for index, entry in enumerate(domain.get("features", ())):
        if entry.get("feature") != "hyperv":
            continue
        for name, needs in _HYPERV_NEEDS.items():
            for needed in needs:
                if _on(entry.get(name)) and not _on(entry.get(needed)):
                    problem = f"needs `{needed}`, which is not on"
                    yield Finding(f"{path}.features[{index}].{name}", problem, f"add `{needed}: true`", "hyperv")


def _on(value: Any) -> bool:
    return bool(value.get("state", True)) if isinstance(value, dict) else bool(value)


# Devices whose place the machine itself knows, by list, and the values that tell them.
_PLACELESS_BUSES = frozenset({"ps2"})
_OWN = frozenset({"itco", "diag288", "isa", "sb16", "pcspk", "system-serial", "sclp-serial"})
_PLACED = frozenset(
    {"disks", "interfaces", "rng", "memballoon", "channels", "serials", "watchdogs", "sounds", "inputs", "video"}
)


@rule
def nothing_is_left_open(domain: Tree, path: str) -> Iterator[Finding]:
    """What libvirt or QEMU would choose by themselves must be written out: identity, names, addresses."""
    for place, value in (
        (".uuid", domain.get("uuid")),
        (".memory.size", domain.get("memory", {}).get("size")),
        (".vcpu.count", domain.get("vcpu", {}).get("count")),
    ):
        if not value:
            yield _incomplete(f"{path}{place}")
    for kind, index, device in devices(domain):
        if index >= 0 and not device.get("name"):
            yield _incomplete(f"{path}{_path(kind, index)}.name")
        if not device.get("address") and kind in _PLACED and not _placeless(device):
            yield _incomplete(f"{path}{_path(kind, index)}.address")
        if kind == "interfaces" and not device.get("mac", {}).get("address"):
            yield _incomplete(f"{path}{_path(kind, index)}.mac.address")


def _placeless(device: Tree) -> bool:
    none = "none" in (device.get("type"), device.get("model"))
    kind = device.get("target", {}).get("type")
    return none or device.get("bus") in _PLACELESS_BUSES or device.get("model") in _OWN or kind in _OWN


def _incomplete(place: str) -> Finding:
    way = "leave it to the service: it fills in what is unsaid when the mutating webhook is called"
    return Finding(
        place, "is missing from the stored machine, so that the host would choose it at each boot", way, "complete"
    )


@warning
def cells_hold_all_memory(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt takes the sum of the NUMA cells for the memory, whatever `memory.size` says."""
    cells = domain.get("cpu", {}).get("numa") or ()
    sizes = [kib(cell.get("memory")) for cell in cells]
    size = kib(domain.get("memory", {}).get("size"))
    total = sum(amount for amount in sizes if amount is not None)
    if cells and None not in sizes and size is not None and total != size:
        problem = (
            f"hold {total // 1024} MiB together, but `memory.size` is {size // 1024} MiB; the guest gets the former"
        )
        yield Finding(f"{path}.cpu.numa", problem, "a whole number is MiB; write `4194304Ki` for KiB", "numa")


@warning
def machine_is_pinned(domain: Tree, path: str) -> Iterator[Finding]:
    """Some machines have no versioned type: what the guest sees follows the node's QEMU."""
    kind = domain.get("os", {}).get("type", {})
    if machines.unpinned(kind.get("arch", ""), kind.get("machine", "")):
        problem = f"`{shown(kind['machine'])}` of {kind['arch']} has no versions: a newer QEMU is another machine"
        yield Finding(f"{path}.os.type.machine", problem, "keep QEMU the same on all nodes", "machine")


@warning
def cpu_is_portable(domain: Tree, path: str) -> Iterator[Finding]:
    """A CPU that follows the host is another one on another node."""
    mode = domain.get("cpu", {}).get("mode")
    if mode in ("host-model", "host-passthrough", "maximum"):
        problem = f"`{mode}` follows the node's CPU: on another node the guest sees another processor"
        yield Finding(f"{path}.cpu.mode", problem, "name a CPU model to keep it the same", "portable")
