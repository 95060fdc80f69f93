"""The common input of all features: guest, machine, firmware, site and the tenant's domain."""

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
from webhook.trees import Tree

# The defaults: the architecture is KubeVirt's; on x86_64 the guest's data names the machine.
_ARCH = "x86_64"
_FAMILIES = {
    "x86_64": "q35",
    "aarch64": "virt",
    "s390x": "s390-ccw-virtio",
    "ppc64le": "pseries",
    "riscv64": "virt",
}


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """What the nodes of this cluster can do.

    `machines` names, by family, the versioned machine type that every node's QEMU supports; `graphics` the display
    that the site prefers (empty: the rule set's); `domain_type` says whether there is KVM. `node_machines` are all
    machine types that the nodes have, by architecture; of one that it lacks nothing is known. `rule_set` is the one
    that counts as the newest here (empty: the newest of all).
    """

    machines: Mapping[str, str] = field(default_factory=dict)
    graphics: str = ""
    domain_type: str = "kvm"
    node_machines: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rule_set: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Platform:
    """The resolved guest, machine, firmware and site of a VM.

    `stated` is the tenant's own domain, so that a default can follow what is stated there (the headroom of
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
    # The memory of all NUMA cells of the tenant, in KiB; 0 where there are none.
    in_cells: int = 0
    # Whether huge pages or CPUs of the host are asked for, for this guest alone.
    dedicated: bool = False

    def devices(self, kind: str) -> Any:
        """The devices of one kind in the tenant's own domain, or None."""
        return (self.stated.get("devices") or {}).get(kind)


def platform_of(features: Tree, domain: Tree, site: Site, rule_set: str, path: str = "spec") -> Platform:
    """The platform of a VM by its features and its domain, both of which may be empty and have been inspected.

    The feature's value has precedence, then the domain's, then the guest's best practice as far as the machine allows.
    Raises Refused with all findings: unknown guest, unknown machine, two machines, impossible firmware.
    """
    request = _Request(features.get("system") or {}, domain.get("os") or {}, rule_set, path)
    guest = request.guest()
    arch = request.arch()
    default = guest.machine if guest and arch == _ARCH else _FAMILIES.get(arch, "")
    machine = request.machine(arch, default)
    if guest is None or machine is None:
        raise Refused(request.findings)
    if machine.family not in guest.disk:
        request.findings.append(request.not_for(guest, arch))
    firmware, secure_boot = request.firmware(guest, machine)
    if request.findings:
        raise Refused(request.findings)
    in_cells = _in_cells(features.get("numa")) or _in_cells((domain.get("cpu") or {}).get("numa"))
    dedicated = _dedicated(features, domain.get("goals") or {})
    return Platform(rule_set, arch, guest, machine, site, firmware, secure_boot, domain, in_cells, dedicated)


def _dedicated(features: Tree, goals: Tree) -> bool:
    exclusive = (features.get("cpu") or {}).get("exclusive") or goals.get("exclusiveCpus")
    return bool(exclusive or features.get("hugepages") or goals.get("hugepages"))


def _in_cells(numa: Any) -> int:
    """The memory of NUMA cells, which libvirt takes for the guest's."""
    cells = numa.get("cells") if isinstance(numa, dict) else numa
    if type(cells) is not list:
        return 0
    return sum(kib(cell.get("memory")) or 0 for cell in cells)


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """What the feature `system` and the domain's `os` state of the machine, and the findings about it."""

    system: Tree
    os: Tree
    rule_set: str
    path: str
    findings: list[Finding] = field(default_factory=list)

    def guest(self) -> Guest | None:
        """The guest that the feature names."""
        try:
            return guests.find(self.system, self.rule_set, f"{self.path}.features.system")
        except Refused as refused:
            self.findings.extend(refused.findings)
            return None

    def arch(self) -> str:
        """The architecture, or the default."""
        return self.system.get("arch") or (self.os.get("type") or {}).get("arch") or _ARCH

    def machine(self, arch: str, family: str) -> Machine | None:
        """The machine that is named, or the default one; one finding for each place that names an impossible one."""
        named = [
            (place, name, machines.find(arch, name, self.rule_set))
            for place, name in (
                (f"{self.path}.features.system.machine", self.system.get("machine")),
                (f"{self.path}.domain.os.type.machine", (self.os.get("type") or {}).get("machine")),
            )
            if name
        ]
        for place, name, found in named:
            if found is None:
                self.findings.append(_unknown(place, name, arch, self.rule_set))
        known = [(place, name, found) for place, name, found in named if found is not None]
        if len(known) == 2 and known[0][2].family != known[1][2].family:
            problem = f"asks for `{shown(known[0][1])}`, but `{known[1][0]}` says `{shown(known[1][1])}`"
            way = "remove one of the two, or let them agree"
            self.findings.append(Finding(known[0][0], problem, way, "conflict"))
        if known:
            return known[0][2]
        default = machines.find(arch, family, self.rule_set)
        if default is None and not named:
            problem = f"rule set {self.rule_set} has no machine for `{shown(arch)}`"
            way = f"known are {listed(tuple(_FAMILIES))}"
            self.findings.append(Finding(self._place_of_arch(), problem, way, "machine"))
        return default

    def _place_of_arch(self) -> str:
        return f"{self.path}.features.system.arch" if self.system.get("arch") else f"{self.path}.domain.os.type.arch"

    def not_for(self, guest: Guest, arch: str) -> Finding:
        """The guest does not exist for this architecture."""
        archs = [one for one, family in _FAMILIES.items() if family in guest.disk]
        alone = f"{archs[0]} alone" if len(archs) == 1 else " and ".join(archs)
        problem = f"`{shown(arch)}`: {guest.title} is for {alone}"
        return Finding(self._place_of_arch(), problem, "leave the architecture out, or name another guest", "guest")

    def firmware(self, guest: Guest, machine: Machine) -> tuple[str, bool]:
        """Firmware and secure boot: a stated one has to be possible, else the guest's is taken where it is."""
        possible, secure_possible = machine.defaults["firmwares"], machine.defaults["secure_boot"]
        place, firmware = self._stated("firmware")
        if firmware is None:
            wanted = "efi" if self._stated("secureBoot")[1] else guest.firmware
            firmware = wanted if wanted in possible else possible[0]
        elif firmware not in possible and not self._runs(firmware, place, machine):
            named = tuple(one for one in possible if one)
            other = self._other_machine(machine, firmware)
            way = other or (f"the machine has {listed(named)}" if named else "leave it out: it has its own")
            whose = f", the machine of {guest.title}" if other and not self._is_named() else ""
            self._refuse(place, f"`{shown(firmware)}` is not possible on {machine.family}{whose}", way, "firmware")
        place, secure = self._stated("secureBoot")
        if secure is None:
            return firmware, bool(guest.secure_boot and firmware == "efi" and secure_possible)
        if secure and not secure_possible:
            self._refuse(place, f"is not possible on {machine.family}", "name a q35 machine", "secure-boot")
        elif secure and firmware != "efi":
            self._refuse(place, "needs UEFI, the firmware is `bios`", "say `firmware: efi`", "secure-boot")
        return firmware, secure

    def _runs(self, firmware: str, place: str, machine: Machine) -> bool:
        """Whether a domain may state a firmware that is no practice on its machine."""
        return firmware in machine.defaults.get("firmwares_by_domain", ()) and place.startswith(f"{self.path}.domain")

    def _is_named(self) -> bool:
        return bool(self.system.get("machine") or (self.os.get("type") or {}).get("machine"))

    def _other_machine(self, machine: Machine, firmware: str) -> str:
        """The way out by a machine of the same architecture that has the firmware."""
        others = [
            one.family for one in machines.of_arch(machine.arch, self.rule_set) if firmware in one.defaults["firmwares"]
        ]
        return f"say `machine: {others[0]}` in `spec.features.system`" if others else ""

    def _stated(self, name: str) -> tuple[str, Any]:
        """The place and the value of a field, of the feature or else of the domain."""
        if self.system.get(name) is not None:
            return f"{self.path}.features.system.{name}", self.system[name]
        return f"{self.path}.domain.os.{name}", self.os.get(name)

    def _refuse(self, place: str, problem: str, way: str, rule: str) -> None:
        self.findings.append(Finding(place, problem, way, rule))


def _unknown(place: str, name: str, arch: str, rule_set: str) -> Finding:
    problem = f"`{shown(name)}` is no machine for {arch} that rule set {rule_set} knows"
    known = machines.of_arch(arch, rule_set)
    way = f"name a family ({listed(tuple(one.family for one in known))}) or a versioned machine type"
    if known:
        way += f" like `{known[-1].version}`"
    return Finding(place, problem, way, "machine")


def absent(origin: str, what: str, platform: Platform) -> Finding:
    """A feature asks for a device that the machine has none of."""
    problem = f"asks for a {what}, and {platform.machine.family} on {platform.arch} has none"
    return Finding(origin, problem, "leave it out, or name another machine", "machine")
