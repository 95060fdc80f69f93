"""What all features may know of the VM beside their own words: guest, machine, firmware, site, the tenant's domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook import guests, machines
from webhook.declare import kib, shown
from webhook.declare.scalars import listed
from webhook.findings import Finding, Refused
from webhook.guests import Guest
from webhook.machines import Machine

Tree = dict[str, Any]

# What a VM runs on where the tenant does not say; on x86_64 the guest's row goes before.
_ARCH = "x86_64"
_FAMILIES = {
    "x86_64": "q35",
    "aarch64": "virt",
    "s390x": "s390-ccw-virtio",
    "ppc64le": "pseries",
    "riscv64": "virt",
}


@dataclass(frozen=True, slots=True)
class Site:
    """What the nodes of this cluster can do.

    `machines` names, by family, the versioned machine type that every node's QEMU knows; `graphics` the display
    that the site prefers (empty: the rule set's); `domain_type` says whether there is KVM.
    """

    machines: Mapping[str, str] = field(default_factory=dict)
    graphics: str = ""
    domain_type: str = "kvm"


@dataclass(frozen=True, slots=True)
class Platform:
    """The resolved guest, machine, firmware and site of a VM.

    `stated` is the tenant's own domain, so that a default can follow what the tenant says there (the headroom of
    a memory size, the channel of a display). It is read, never changed, and never contributed.
    """

    rule_set: str
    arch: str
    guest: Guest
    machine: Machine
    site: Site
    firmware: str
    secure_boot: bool
    stated: Tree = field(default_factory=dict)
    # What the tenant's NUMA cells hold together, in KiB; 0 where he states none.
    in_cells: int = 0

    def devices(self, kind: str) -> Any:
        """The devices of one kind in the tenant's own domain, or None."""
        return (self.stated.get("devices") or {}).get(kind)


def platform_of(features: Tree, domain: Tree, site: Site, rule_set: str, path: str = "spec") -> Platform:
    """The platform of a VM by its features and its domain, both of which may be empty and have been inspected.

    The feature's word comes first, then the domain's, then the guest's best practice as far as the machine allows.
    Raises Refused with all findings: unknown guest, unknown machine, two machines, impossible firmware.
    """
    findings: list[Finding] = []
    system = features.get("system") or {}
    os = domain.get("os") or {}
    guest = _guest(system, rule_set, path, findings)
    arch = system.get("arch") or (os.get("type") or {}).get("arch") or _ARCH
    usual = guest.machine if guest and arch == _ARCH else _FAMILIES.get(arch, "")
    machine = _machine(system, os.get("type") or {}, arch, usual, rule_set, path, findings)
    if guest is None or machine is None:
        raise Refused(findings)
    if machine.family not in guest.disk:
        findings.append(_elsewhere(guest, arch, system, path))
    firmware, secure_boot = _firmware(system, os, guest, machine, path, findings)
    if findings:
        raise Refused(findings)
    in_cells = _in_cells(features.get("numa")) or _in_cells((domain.get("cpu") or {}).get("numa"))
    return Platform(rule_set, arch, guest, machine, site, firmware, secure_boot, domain, in_cells)


def _in_cells(numa: Any) -> int:
    """The memory of NUMA cells, which libvirt takes for the guest's."""
    cells = numa.get("cells") if isinstance(numa, dict) else numa
    if type(cells) is not list:
        return 0
    return sum(kib(cell.get("memory")) or 0 for cell in cells)


def _guest(system: Tree, rule_set: str, path: str, findings: list[Finding]) -> Guest | None:
    try:
        return guests.find(system, rule_set, f"{path}.features.system")
    except Refused as refused:
        findings += refused.findings
        return None


def _machine(
    system: Tree, stated: Tree, arch: str, usual: str, rule_set: str, path: str, findings: list[Finding]
) -> Machine | None:
    """The machine that is said, or the `usual` one; one finding for each place that says what cannot be."""
    named = [
        (place, name, machines.find(arch, name, rule_set))
        for place, name in (
            (f"{path}.features.system.machine", system.get("machine")),
            (f"{path}.domain.os.type.machine", stated.get("machine")),
        )
        if name
    ]
    for place, name, found in named:
        if found is None:
            findings.append(_unknown(place, name, arch, rule_set))
    known = [(place, name, found) for place, name, found in named if found is not None]
    if len(known) == 2 and known[0][2].family != known[1][2].family:
        problem = f"asks for `{shown(known[0][1])}`, but `{known[1][0]}` says `{shown(known[1][1])}`"
        findings.append(Finding(known[0][0], problem, "remove one of the two, or let them agree", "conflict"))
    if known:
        return known[0][2]
    default = machines.find(arch, usual, rule_set)
    if default is None and not named:
        place = f"{path}.features.system.arch" if system.get("arch") else f"{path}.domain.os.type.arch"
        problem = f"rule set {rule_set} has no machine for `{shown(arch)}`"
        findings.append(Finding(place, problem, f"known are {listed(tuple(_FAMILIES))}", "machine"))
    return default


def _unknown(place: str, name: str, arch: str, rule_set: str) -> Finding:
    problem = f"`{shown(name)}` is no machine for {arch} that rule set {rule_set} knows"
    known = machines.of_arch(arch, rule_set)
    way = f"name a family ({listed(tuple(one.family for one in known))}) or a versioned machine type"
    if known:
        way += f" like `{known[-1].version}`"
    return Finding(place, problem, way, "machine")


def _elsewhere(guest: Guest, arch: str, system: Tree, path: str) -> Finding:
    """The guest does not exist for this architecture."""
    place = f"{path}.features.system.arch" if system.get("arch") else f"{path}.domain.os.type.arch"
    archs = [one for one, family in _FAMILIES.items() if family in guest.disk]
    alone = f"{archs[0]} alone" if len(archs) == 1 else " and ".join(archs)
    problem = f"`{shown(arch)}`: {guest.title} is for {alone}"
    return Finding(place, problem, "leave the architecture out, or name another guest", "guest")


def _firmware(
    system: Tree, os: Tree, guest: Guest, machine: Machine, path: str, findings: list[Finding]
) -> tuple[str, bool]:
    """Firmware and secure boot: what is said must be possible, what is not follows the guest where that is."""
    possible, secure_possible = machine.defaults["firmwares"], machine.defaults["secure_boot"]
    place, firmware = _stated("firmware", system, os, path)
    if firmware is None:
        secure_stated = _stated("secureBoot", system, os, path)[1]
        wanted = "efi" if secure_stated else guest.firmware
        firmware = wanted if wanted in possible else possible[0]
    elif firmware not in possible:
        named = tuple(one for one in possible if one)
        way = f"the machine has {listed(named)}; name another machine" if named else "leave it out: it has its own"
        findings.append(Finding(place, f"`{shown(firmware)}` is not possible on {machine.family}", way, "firmware"))
    place, secure = _stated("secureBoot", system, os, path)
    if secure is None:
        return firmware, bool(guest.secure_boot and firmware == "efi" and secure_possible)
    if secure and not secure_possible:
        findings.append(Finding(place, f"is not possible on {machine.family}", "name a q35 machine", "secure-boot"))
    elif secure and firmware != "efi":
        findings.append(Finding(place, "needs UEFI, the firmware is `bios`", "say `firmware: efi`", "secure-boot"))
    return firmware, secure


def _stated(name: str, system: Tree, os: Tree, path: str) -> tuple[str, Any]:
    """A value by the feature's word or the domain's, and the place of it."""
    if system.get(name) is not None:
        return f"{path}.features.system.{name}", system[name]
    return f"{path}.domain.os.{name}", os.get(name)


def absent(origin: str, what: str, platform: Platform) -> Finding:
    """A feature asks for a device that the machine has none of."""
    problem = f"asks for a {what}, and {platform.machine.family} on {platform.arch} has none"
    return Finding(origin, problem, "leave it out, or name another machine", "machine")
