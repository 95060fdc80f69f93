"""Where a domain is not the frozen machine, so that its guest must not start: another machine, or a device less.

What devices there are is said by the VM's own spec: one that its owner removed is missing to nobody.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any
from xml.etree.ElementTree import Element

from webhook.declare import shown
from webhook.declare.tree import at
from webhook.findings import Finding
from webhook.kubevirt.keeping.hardware import BRIDGES, ROOT_PORT, Hardware
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.kubevirt.keeping.restoring import floats
from webhook.trees import Tree

RULE = "hook"
_MODELS = frozenset({"pcie-root", "pci-root", ROOT_PORT, *BRIDGES})
# How a device of a VM's list is called in a frozen machine, before its name.
_LISTED = {
    "disks": "disk ",
    "interfaces": "interface ",
    "inputs": "input ",
    "filesystems": "filesystem ",
    "hostDevices": "hostdev hostdevice-",
    "gpus": "hostdev gpu-",
}


def other_machine(hardware: Hardware, domain: Element) -> Iterator[Finding]:
    """Findings where a domain is of another machine type or architecture."""
    found = domain.find("os/type")
    type_ = {} if found is None else found.attrib
    arch, machine = type_.get("arch", ""), type_.get("machine", "")
    if hardware.arch and arch != hardware.arch:
        problem = f"the architecture is `{shown(arch)}`, and the frozen machine's is `{hardware.arch}`"
        yield Finding("domain.os.type", problem, "state `spec.template.spec.architecture` as it was", RULE)
    if is_versioned(hardware.machine) and machine != hardware.machine and not _means(machine, hardware.machine):
        problem = f"the machine is `{shown(machine)}`, and the frozen one is `{hardware.machine}`"
        way = f"state `machine.type: {hardware.machine}` in the VM's domain, or capture the VM anew"
        yield Finding("domain.os.type", problem, way, RULE)


def strange_controllers(devices: Element) -> Iterator[Finding]:
    """Findings for PCI controllers that KubeVirt makes and no frozen machine has, such as a NUMA cell's own bus."""
    for controller in devices.iterfind("controller[@type='pci']"):
        model = controller.get("model", "")
        if model not in _MODELS:
            problem = f"has a PCI controller that no frozen machine has: `{shown(model)}`"
            way = f"remove the annotation {ANNOTATION} from the VM's template, or what asks for the controller"
            yield Finding("domain.devices", problem, way, RULE)


# What a name without a version may mean.
_FAMILIES = {"q35": "pc-q35-", "pc": "pc-i440fx-", "virt": "virt-", "s390-ccw-virtio": "s390-ccw-virtio-"}


def _means(alias: str, machine: str) -> bool:
    """Whether a machine type without a version may be this one."""
    return alias in _FAMILIES and machine.startswith(_FAMILIES[alias])


def is_versioned(machine: str) -> bool:
    """Whether a machine type is said, and with its version."""
    return bool(machine) and not floats(machine)


def missing_devices(hardware: Hardware, spec: Any, here: Container[str]) -> Iterator[Finding]:
    """Findings for devices that the VM has and the machine knows, and that the domain lacks."""
    for name, path in _existing(spec):
        if name in hardware.addresses and name not in here:
            problem = "is in the VM and in its frozen machine, and not in the domain that KubeVirt made"
            way = "see the launcher's log for why; a device that is not wanted is removed from the VM"
            yield Finding(f"spec.{path}", problem, way, RULE)


def _existing(spec: Any) -> Iterator[tuple[str, str]]:
    """The devices that have to be in the domain, by their names in a machine, with their paths."""
    devices = at(spec, "domain.devices")
    if type(devices) is not dict:
        return
    absent = {*_later(spec)}
    for kind, prefix in _LISTED.items():
        for index, entry in enumerate(_entries(devices, kind)):
            if kind == "disks" and entry["name"] in absent:
                continue
            if kind == "interfaces" and (entry.get("state") == "absent" or entry.get("binding") is not None):
                continue
            yield prefix + entry["name"], f"domain.devices.{kind}[{index}]"
    for kind in ("sound", "watchdog"):
        name = at(devices, f"{kind}.name")
        if type(name) is str:
            yield f"{kind} {name}", f"domain.devices.{kind}"
    if devices.get("rng") is not None:
        yield "rng", "domain.devices.rng"


def _later(spec: Any) -> Iterator[str]:
    """Disks that KubeVirt may plug only while the guest runs: of volumes that are hot-plugged, and without a volume."""
    volumes = {entry["name"]: entry for entry in _entries(spec, "volumes")}
    for entry in _entries(at(spec, "domain.devices"), "disks"):
        volume = volumes.get(entry["name"])
        if volume is None or any(type(each) is dict and each.get("hotpluggable") is True for each in volume.values()):
            yield entry["name"]


def _entries(tree: Any, kind: str) -> list[Tree]:
    found = at(tree, kind)
    listed = found if type(found) is list else []
    return [entry for entry in listed if type(entry) is dict and type(entry.get("name")) is str]
