"""A VM's domain from libvirt's XML: the whole frontend, with references in place of the backend.

What the guest would miss is refused; what was the host's alone is left out and listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from webhook import machines
from webhook.declare import shown
from webhook.findings import Finding, Refused
from webhook.libvirt.capturing.capture import without_mirrors
from webhook.libvirt.importing.changed_devices import change_devices, forget_ends
from webhook.libvirt.importing.imported_cpu import name_cpu
from webhook.libvirt.importing.losses import Losses, without_backend
from webhook.libvirt.importing.machine_type import pin
from webhook.libvirt.importing.references import Map, refer
from webhook.libvirt.importing.uefi import firmware_of, tell_tpm
from webhook.libvirt.xml.document import document
from webhook.libvirt.xml.parse import read
from webhook.trees import Tree

__all__ = ["Imported", "Map", "examine", "import_domain"]

# Of these machines `firmware='efi'` alone takes an image with secure boot and Microsoft's keys (Debian's and Fedora's
# descriptors, the first of those that fit).
_SECURE = {"secureBoot": True, "enrolledKeys": True}
# The attributes of a device's driver that name I/O threads.
_THREADED = ("iothread", "iothreads")


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


def examine(xml: bytes | str, names: Map, machine: str = "", cpu: str = "") -> Imported:
    """The frontend of a domain's XML as `spec.domain`, and all that is to be said of it at once.

    `machine` is the versioned machine type where the XML has an alias, `cpu` the CPU model where it has the host's
    CPU. Raises Refused for what is no domain.
    """
    reading, losses = without_mirrors(read(xml)), Losses()
    domain, devices = reading.domain, reading.domain.get("devices", {})
    losses.take_unread(reading.left)
    root = document(xml, "domain")
    wrong = list(refer(devices, root, names, losses))
    wrong += pin(domain, root, machine, losses)
    is_q35 = machines.family(_arch(domain), domain["os"]["type"].get("machine", "")) == "q35"
    wrong += firmware_of(domain, _SECURE if is_q35 else {}, losses)
    tell_tpm(devices, losses)
    domain_type = domain.pop("type", "kvm")
    wrong += name_cpu(domain, cpu, losses)
    if domain_type == "kvm":
        _tell_cpu(domain, losses)
    else:
        losses.tell("type", f"is `{shown(domain_type)}`: whether the VM is emulated or runs under KVM says the site")
    _tell_host(domain, root, losses)
    change_devices(devices, root, losses)
    domain = without_backend(domain, losses)
    forget_ends(domain.get("devices", {}), losses)
    # What is no device here needs no name.
    gone = {one.path.removesuffix(".type").removesuffix(".device") for one in losses.guests}
    wrong = [one for one in wrong if one.path.rpartition(".")[0] not in gone]
    left = [*losses.hosts, *losses.guests]
    return Imported(reading.name, domain, domain_type, left, losses.guests, losses.told, wrong)


def _tell_cpu(domain: Tree, losses: Losses) -> None:
    """Say what a PC without a CPU model gets under KVM, where it depends on the host."""
    cpu = domain.get("cpu", {})
    if _arch(domain) == "x86_64" and cpu.get("mode", "custom") == "custom" and not cpu.get("model"):
        losses.tell("cpu", "names no model: it is QEMU's own, qemu64, without svm (nested virtualization)")


def _tell_host(domain: Tree, root: etree._Element, losses: Losses) -> None:
    """Say what the host did for the machine without a value that could be listed."""
    pages = root.find("memoryBacking/hugepages")
    if pages is not None and not len(pages):
        losses.of_host("memoryBacking.hugepages")
    if pages is not None:
        losses.tell("memoryBacking.hugepages", "was the host's: `spec.features.hugepages` asks for huge pages here")
    if domain.get("iothreads") and not any(node.get(name) for node in root.iter("driver") for name in _THREADED):
        problem = (
            "served no device there; here they serve disks and SCSI controllers in turn, which the guest does not see"
        )
        losses.tell("iothreads", problem)


def _arch(domain: Tree) -> str:
    arch: str = domain.get("os", {}).get("type", {}).get("arch", "")
    return arch
