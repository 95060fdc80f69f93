"""What a hook answers: the domain's XML with the hardware of the frozen machine.

KubeVirt's own structures lose addresses between its definitions of a domain, and it adds root ports of its own. So
everything is said each time: the frozen PCI controllers whole, and an address for each device that can have one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

from webhook.declare.tree import at
from webhook.findings import Finding, Refused
from webhook.kubevirt.hook.devices import is_placeholder, named
from webhook.kubevirt.hook.document import parsed, text_of
from webhook.kubevirt.hook.missing import RULE, is_versioned, missing_devices, other_machine, strange_controllers
from webhook.kubevirt.hook.placing import put, stated_places
from webhook.kubevirt.keeping.hardware import Hardware
from webhook.kubevirt.keeping.machine import ANNOTATION, read
from webhook.trees import Tree


def restate(vmi: Tree, xml: str) -> str:
    """The XML that KubeVirt shall define instead of `xml`, for the VirtualMachineInstance as KubeVirt hands it over.

    Of an instance without frozen hardware it is the same text. Raises `webhook.findings.Refused` where the guest would
    not find its machine: then KubeVirt must not start it. There is no state: the same words have the same answer.
    """
    annotations, spec = at(vmi, "metadata.annotations"), at(vmi, "spec")
    text = annotations.get(ANNOTATION) if type(annotations) is dict else None
    if text is None:
        return xml
    machine = read(text) if type(text) is str else None
    if machine is None:
        place = f"metadata.annotations[{ANNOTATION}]"
        raise Refused([Finding(place, "is no machine that this service wrote", "remove the annotation", RULE)])
    if machine.hardware is None:
        return xml
    domain = parsed(xml)
    devices = domain.find("devices")
    if devices is None:
        raise Refused([Finding("domain", "has no devices", "hand over what KubeVirt calls the hook with", RULE)])
    wrong = [*strange_controllers(devices)]
    _clear(devices, machine.hardware)
    wrong += [*other_machine(machine.hardware, domain)]
    wrong += missing_devices(machine.hardware, spec, dict(named(devices)))
    if wrong:
        raise Refused(wrong)
    _state_machine(domain, machine.hardware)
    put(devices, _unstated(machine.hardware, spec), dict(stated_places(spec)))
    return text_of(domain)


def _unstated(hardware: Hardware, spec: Any) -> Hardware:
    """The hardware without the model of a video device that the VM states."""
    if at(spec, "domain.devices.video") is None:
        return hardware
    return replace(hardware, models={name: model for name, model in hardware.models.items() if name != "video"})


def _clear(devices: Element, hardware: Hardware) -> None:
    """Take away the cards by which KubeVirt holds root ports, and PCI controllers where the machine has its own."""
    for device in list(devices):
        pci_controller = device.tag == "controller" and device.get("type") == "pci" and device.get("index") != "0"
        if is_placeholder(device) or (pci_controller and hardware.controllers):
            devices.remove(device)


def _state_machine(domain: Element, hardware: Hardware) -> None:
    found = domain.find("os/type")
    if found is not None and is_versioned(hardware.machine):
        found.set("machine", hardware.machine)
