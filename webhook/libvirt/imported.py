"""A VM's domain from libvirt's XML: the whole frontend, with references in place of the backend.

What the guest would miss is refused; what was the host's alone is left out and listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from webhook import machines
from webhook.declare import shown
from webhook.declare.scalars import listed
from webhook.domain.devices.disk import shows_alias
from webhook.findings import Finding, Refused
from webhook.libvirt.capture import without_mirrors
from webhook.libvirt.document import document
from webhook.libvirt.losses import Losses, without_backend
from webhook.libvirt.parse import read
from webhook.libvirt.place import Tree
from webhook.libvirt.references import Map, refer
from webhook.libvirt.uefi import firmware_of, tell_tpm
from webhook.rule_sets import NEWEST

__all__ = ["Imported", "Map", "examine", "import_domain"]

# Of these machines `firmware='efi'` alone takes an image with secure boot and Microsoft's keys (Debian's and Fedora's
# descriptors, the first of those that fit).
_SECURE = {"secureBoot": True, "enrolledKeys": True}
# What QEMU's 9p device is called: all that is not virtiofs.
_NINE_P = "is 9p, which is another device for the guest than the virtiofs that there is"


@dataclass(slots=True)
class Imported:
    """The VM's name in the XML, its domain, and what there is to say of it.

    `type` is the XML's `kvm` or `qemu`, which is the site's. `left` is what was left out, `missing` that of it which
    the guest would miss, `told` what is there but not as it was, `wrong` what has to be said first: names for the map,
    a version of the machine.
    """

    name: str
    domain: Tree
    type: str
    left: list[Finding] = field(default_factory=list)
    missing: list[Finding] = field(default_factory=list)
    told: list[Finding] = field(default_factory=list)
    wrong: list[Finding] = field(default_factory=list)


def import_domain(xml: bytes | str, names: Map, machine: str = "") -> Imported:
    """As `examine`; raises Refused also for what is wrong."""
    found = examine(xml, names, machine)
    if found.wrong:
        raise Refused(found.wrong)
    return found


def examine(xml: bytes | str, names: Map, machine: str = "") -> Imported:
    """The frontend of a domain's XML as `spec.domain`, and all that is to be said of it at once.

    `machine` is the versioned machine type where the XML has an alias. Raises Refused for what is no domain.
    """
    reading, losses = without_mirrors(read(xml)), Losses()
    domain, devices = reading.domain, reading.domain.get("devices", {})
    losses.take_unread(reading.left)
    root = document(xml, "domain")
    wrong = list(refer(devices, root, names, losses))
    _pin(domain, machine, wrong)
    is_q35 = machines.family(_arch(domain), domain["os"]["type"].get("machine", "")) == "q35"
    wrong += firmware_of(domain, _SECURE if is_q35 else {}, losses)
    tell_tpm(devices, losses)
    domain_type = domain.pop("type", "kvm")
    if domain_type == "kvm":
        _tell_cpu(domain, losses)
    _change(devices, root, losses)
    domain = without_backend(domain, losses)
    left = [*losses.hosts, *losses.guests]
    return Imported(reading.name, domain, domain_type, left, losses.guests, losses.told, wrong)


def _tell_cpu(domain: Tree, losses: Losses) -> None:
    """Say what a PC without a CPU model gets under KVM, where it depends on the host."""
    cpu = domain.get("cpu", {})
    if _arch(domain) == "x86_64" and cpu.get("mode", "custom") == "custom" and not cpu.get("model"):
        losses.tell("cpu", "names no model: it is QEMU's own, qemu64, without svm (nested virtualization)")


def _arch(domain: Tree) -> str:
    arch: str = domain.get("os", {}).get("type", {}).get("arch", "")
    return arch


def _change(devices: Tree, root: etree._Element, losses: Losses) -> None:
    """Devices that would become others without what the host says of them, in place."""
    for index, folder in enumerate(root.iterfind("devices/filesystem")):
        driver = folder.find("driver")
        if driver is None or driver.get("type") != "virtiofs":
            losses.of_guest(f"devices.filesystems[{index}].driver.type", _NINE_P)
    for index, disk in enumerate(devices.get("disks", ())):
        if shows_alias(disk) and disk.get("name"):
            problem = f"is told by libvirt's alias `{shown(disk['name'])}` alone, which another host would change"
            losses.of_guest(f"devices.disks[{index}].serial", problem)
    vsock = devices.get("vsock")
    if vsock and vsock.get("cid"):
        vsock["auto"] = True


def _pin(domain: Tree, machine: str, findings: list[Finding]) -> None:
    """Set the versioned machine type, where the XML has an alias."""
    kind = domain.setdefault("os", {}).setdefault("type", {})
    name, arch = kind.get("machine", ""), kind.get("arch", "")
    if not machines.versioned(name) and not machines.unpinned(arch, name):
        if not machine:
            problem = f"`{shown(name)}` has no version: the XML does not say which machine the guest had"
            findings.append(Finding("os.type.machine", problem, "say it with `--machine`, like `pc-q35-7.2`", "import"))
            return
        kind["machine"] = name = machine
    if arch and not machines.family(arch, name):
        problem = f"`{shown(name)}` of {arch} is no machine that is modelled"
        known = [each.family for each in machines.of_arch(arch, NEWEST)]
        findings.append(Finding("os.type.machine", problem, f"{arch} has {listed(tuple(known))}", "import"))
