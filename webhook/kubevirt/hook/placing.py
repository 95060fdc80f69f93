"""Places in a domain's XML: each device gets the one of the frozen machine, a new one a free one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from webhook.declare import shown
from webhook.declare.tree import at
from webhook.findings import Finding, Refused
from webhook.kubevirt.hook.devices import named, need
from webhook.kubevirt.keeping.free_places import BRIDGE, MOST_USB_PORTS, PORT, USB_PORTS, FreePlaces, is_hub
from webhook.kubevirt.keeping.hardware import ROOT_PORT, Controller, Hardware, parts, pci
from webhook.kubevirt.starting.layout import port_of

RULE = "hook"
# libvirt's names of the models of PCI controllers, where they differ from the controllers'.
_MODELS = {"pcie-to-pci-bridge": "pcie-pci-bridge", "dmi-to-pci-bridge": "i82801b11-bridge"}
# KubeVirt itself leaves so many root ports free in a large machine.
_SPARE_PORTS = 6
# Attributes of a controller's parts that libvirt prints beside ours, and that say nothing more.
_OWN = frozenset({"multifunction"})
_KEYS = {
    "usb": ("bus", "port"),
    "virtio-serial": ("controller", "bus", "port"),
    "sata": ("controller", "bus", "target", "unit"),
    "scsi": ("controller", "bus", "target", "unit"),
    "ide": ("controller", "bus", "target", "unit"),
}


def put(devices: Element, hardware: Hardware, stated: dict[str, str]) -> None:
    """State the machine's PCI controllers, and where each device is; `stated` are places that the VM's spec says.

    Raises Refused where the spec says the place of another device.
    """
    here = dict(named(devices))
    needs = {name: kind for name, device in here.items() if (kind := need(device))}
    places = FreePlaces(hardware, {*needs, *_hubs(hardware)}, last=True)
    _owners_words(places, needs, stated)
    for name in sorted(needs):
        if not places.keep(name, needs[name]):
            places.find(name, needs[name])
    _complete_buses(devices, here, needs, places)
    places.spare(_SPARE_PORTS)
    for name in needs:
        _place(here[name], places.addresses.get(name, ""))
    for name in needs.keys() & hardware.models.keys():
        _model(here[name], hardware.models[name])
    for controller in places.controllers:
        devices.append(controller_element(controller, places.controllers))


def stated_places(spec: Any) -> Iterator[tuple[str, str]]:
    """The root ports that a VM's spec says, by the device."""
    listed = at(spec, "domain.devices")
    for kind, word, path in (("disks", "disk", "disk.pciAddress"), ("interfaces", "interface", "pciAddress")):
        entries = listed.get(kind) if type(listed) is dict else None
        for entry in entries if type(entries) is list else ():
            name, address = at(entry, "name"), at(entry, path)
            port = port_of(address) if type(address) is str else None
            if port is not None and type(name) is str:
                yield f"{word} {name}", pci(port, 0)


def _owners_words(places: FreePlaces, needs: dict[str, str], stated: dict[str, str]) -> None:
    known = dict(places.addresses)
    taken = {address: name for name, address in known.items() if name in needs}
    wrong = []
    for name, address in stated.items():
        if needs.get(name) != PORT or known.get(name) == address:
            continue
        other = taken.get(address)
        if other is not None and stated.get(other, address) == address:
            problem = f"states the place of `{shown(other)}`, {address.removeprefix('pci ')}"
            wrong.append(Finding(f"spec ({shown(name)})", problem, "leave its `pciAddress` out", RULE))
    if wrong:
        raise Refused(wrong)
    for name, address in stated.items():
        if needs.get(name) == PORT and known.get(name) != address:
            places.state(name, address)


def _hubs(hardware: Hardware) -> set[str]:
    return set(filter(is_hub, hardware.addresses))


def _complete_buses(devices: Element, here: dict[str, Element], needs: dict[str, str], places: FreePlaces) -> None:
    """Add the hubs and SATA controllers that addresses name, and the ports of the USB controller."""
    used = [found for name in needs if (found := parts(places.addresses.get(name, "")))]
    hubs = {f"usb {numbers[0]}:{numbers[1].rpartition('.')[0]}" for kind, numbers in used if kind == "usb"}
    names = {address: name for name, address in places.addresses.items()}
    for address in sorted(hubs):
        name = names.get(address, "")
        if is_hub(name) and name not in here:
            here[name] = SubElement(devices, "hub", type="usb")
            needs[name] = "usb"
    for number in sorted({numbers[0] for kind, numbers in used if kind == "sata"} - {"0"}):
        name = f"sata{number}"
        if name not in here:
            here[name] = SubElement(devices, "controller", type="sata", index=number)
            needs[name] = BRIDGE
            if not places.keep(name, BRIDGE):
                places.find(name, BRIDGE)
    ports = [int(numbers[1].partition(".")[0]) for kind, numbers in used if kind == "usb"]
    if max(ports, default=0) > USB_PORTS and "usb0" in here:
        here["usb0"].set("ports", str(MOST_USB_PORTS))


def _place(device: Element, address: str) -> None:
    """Say where a device is; without an address libvirt says it."""
    for old in device.findall("address"):
        device.remove(old)
    found = parts(address)
    if found is None:
        return
    kind, values = found
    if kind == "pci":
        bus, slot, function = values
        _pci(device, (int(bus, 16), int(slot, 16), int(function)))
    elif kind == "ccw":
        cssid, ssid, number = values
        SubElement(device, "address", type="ccw", cssid=f"0x{cssid}", ssid=f"0x{ssid}", devno=f"0x{number}")
    else:
        type_ = kind if kind in ("usb", "virtio-serial") else "drive"
        SubElement(device, "address", {"type": type_, **dict(zip(_KEYS[kind], values, strict=True))})


def _pci(device: Element, place: tuple[int, int, int]) -> Element:
    bus, slot, function = place
    numbers = {"bus": f"0x{bus:02x}", "slot": f"0x{slot:02x}", "function": f"0x{function}"}
    return SubElement(device, "address", {"type": "pci", "domain": "0x0000", **numbers})


def _model(device: Element, model: str) -> None:
    """State the model of a device, where libvirt's XML has it."""
    found = device.find("model") if device.tag == "video" else None
    if found is not None:
        found.set("type", model)
    elif device.tag != "video":
        device.set("model", model)


def controller_element(controller: Controller, all_: list[Controller]) -> Element:
    """A PCI controller with what libvirt gives one of its index and address."""
    made = Element("controller", type="pci", index=str(controller.index), model=controller.model)
    SubElement(made, "model", name=_MODELS.get(controller.model, controller.model))
    bus, slot, function = controller.at
    if controller.model == ROOT_PORT:
        SubElement(made, "target", chassis=str(controller.index), port=f"0x{slot * 8 + function:x}")
    elif controller.model == "pci-bridge":
        SubElement(made, "target", chassisNr=str(controller.index))
    address = _pci(made, controller.at)
    if function == 0 and any(each.at[:2] == (bus, slot) and each.at[2] for each in all_):
        address.set("multifunction", "on")
    return made


def unlike(made: Element, found: Element) -> Iterator[str]:
    """What of a controller that was found would be otherwise in the one that is made."""
    for path in ("model", "target", "address"):
        ours, theirs = made.find(path), found.find(path)
        there = {} if theirs is None else theirs.attrib
        for key, value in ({} if ours is None else ours.attrib).items():
            if there.get(key, value) != value and key != "multifunction":
                yield f"{path} `{key}` `{shown(there[key])}` and not `{value}`"
        yield from (
            f"{path} `{shown(key)}`" for key in there if ours is None or (key not in ours.attrib and key not in _OWN)
        )
