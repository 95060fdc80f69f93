"""The frozen machine of a VM as it runs: from the XML of its launcher's domain, whatever KubeVirt placed it by.

What a hook cannot restate as it is there is a finding: no guess is made of where a guest has its devices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element

from webhook.declare import shown
from webhook.findings import Finding, Refused
from webhook.kubevirt.hook.devices import is_placeholder, model_of, named, need
from webhook.kubevirt.hook.document import parsed
from webhook.kubevirt.hook.placing import controller_element, unlike
from webhook.kubevirt.keeping.free_places import PORT
from webhook.kubevirt.keeping.hardware import BRIDGES, MODELLED, ROOT_PORT, Controller, Hardware, parts, pci, pci_of
from webhook.kubevirt.keeping.machine import ANNOTATION, Machine, read
from webhook.kubevirt.starting.devices import annotations_of, template_of
from webhook.trees import Tree

RULE = "capture"


def capture(vm: Tree, xml: str) -> Machine:
    """The machine of a well-formed VM with the hardware of its running domain; raises Refused with what is wrong."""
    domain = parsed(xml)
    devices = domain.find("devices")
    if domain.tag != "domain" or devices is None:
        raise Refused([Finding("domain", "is no domain of libvirt's", "print one with `virsh dumpxml`", RULE)])
    wrong: list[Finding] = []
    here = {name: device for name, device in named(devices) if not is_placeholder(device)}
    controllers = tuple(_controllers(devices, wrong))
    addresses = dict(_addresses(here, wrong))
    wrong += _at_one_place(controllers, addresses)
    wrong += _strange(vm, here)
    type_ = domain.find("os/type")
    said = {} if type_ is None else type_.attrib
    hardware = Hardware(said.get("machine", ""), said.get("arch", ""), controllers, addresses, dict(_models(here)))
    machine = _noted(vm, hardware)
    if not wrong and read(machine.text()) is None:
        wrong.append(Finding("domain", "has places that no hook can restate", "see the dump for them", RULE))
    if wrong:
        raise Refused(wrong)
    return machine


def _noted(vm: Tree, hardware: Hardware) -> Machine:
    """What is known of a VM already, with its hardware; root ports of cards and disks are where they run now."""
    text = annotations_of(vm).get(ANNOTATION)
    stored = read(text) if text is not None else None
    metadata, firmware = vm["metadata"], template_of(vm)["domain"].get("firmware") or {}
    name = f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}"
    machine = stored or Machine(name, str(firmware.get("uuid") or ""), written=False)
    ports = {
        name: at[0]
        for name, address in hardware.addresses.items()
        if name.startswith(("disk ", "interface ")) and (at := pci_of(address)) and at[0] and not at[1]
    }
    gone = {name: port for name, port in machine.ports.items() if name not in ports and port not in ports.values()}
    machine = replace(machine, ports={**gone, **ports}, hardware=hardware)
    return machine.readable({*hardware.addresses})


def _controllers(devices: Element, wrong: list[Finding]) -> Iterator[Controller]:
    """The PCI controllers but the root; a finding for each that would be another one when it is made anew."""
    found = []
    for device in devices.iterfind("controller[@type='pci']"):
        index, model = device.get("index", ""), device.get("model", "")
        at = pci_of(_address(device, PORT) or "")
        if index == "0":
            continue
        if at is None or model not in {ROOT_PORT, *BRIDGES} or not index.isdecimal():
            problem = f"is a PCI controller that no hook makes: `{shown(model)}`"
            wrong.append(Finding(f"domain: controller {shown(index)}", problem, "leave this VM to KubeVirt", RULE))
        else:
            found.append((Controller(int(index), model, at), device))
    everything = [controller for controller, _ in found]
    for controller, device in found:
        for difference in unlike(controller_element(controller, everything), device):
            problem = f"has {difference}, which no hook makes"
            wrong.append(Finding(f"domain: controller {controller.index}", problem, "leave this VM to KubeVirt", RULE))
        yield controller


def _addresses(here: dict[str, Element], wrong: list[Finding]) -> Iterator[tuple[str, str]]:
    for name, device in here.items():
        asked = need(device)
        if not asked:
            continue
        address = _address(device, asked)
        if address is None:
            problem = "has no address: the dump is none of a domain that libvirt has started"
            wrong.append(Finding(f"domain: {shown(name)}", problem, "print it while the VM runs", RULE))
        else:
            yield name, address


def _at_one_place(controllers: tuple[Controller, ...], addresses: dict[str, str]) -> Iterator[Finding]:
    """A finding for each device at the place of another."""
    taken = {each.address: f"controller {each.index}" for each in controllers}
    for name, address in addresses.items():
        if address in taken:
            problem = f"is at `{address}`, the place of {shown(taken[address])}"
            yield Finding(f"domain: {shown(name)}", problem, "print the dump anew while the VM runs", RULE)
        taken.setdefault(address, name)


def _address(device: Element, need: str) -> str | None:
    """A device's address as a text; None where it has none of a kind that is known."""
    found = device.find("address")
    if found is None:
        return None
    kind = found.get("type", "")
    try:
        text = _text(kind, found.attrib, need)
    except (KeyError, ValueError):
        return None
    return text if parts(text) else None


def _text(kind: str, said: dict[str, str], need: str) -> str:
    if kind == "pci":
        if int(said.get("domain", "0"), 16):
            return ""
        return pci(*(int(said[part], 16) for part in ("bus", "slot", "function")))
    if kind == "ccw":
        cssid, ssid, number = (int(said[part], 16) for part in ("cssid", "ssid", "devno"))
        return f"ccw {cssid:02x}.{ssid}.{number:04x}"
    if kind == "drive":
        return f"{need} {said['controller']}:{said['bus']}:{said['target']}:{said['unit']}"
    if kind == "usb":
        return f"usb {said['bus']}:{said['port']}"
    return f"virtio-serial {said['controller']}:{said['bus']}:{said['port']}" if kind == "virtio-serial" else ""


def _models(here: dict[str, Element]) -> Iterator[tuple[str, str]]:
    for name, models in sorted(MODELLED.items()):
        device = here.get(name)
        model = "" if device is None else model_of(device) or device.get("model", "")
        if device is not None and need(device) and model in models:
            yield name, model


def _strange(vm: Tree, here: dict[str, Element]) -> Iterator[Finding]:
    """A finding where a domain has none of a VM's disks and cards: it is another VM's."""
    devices = template_of(vm)["domain"].get("devices") or {}
    own = {f"disk {each['name']}" for each in devices.get("disks") or ()}
    own |= {f"interface {each['name']}" for each in devices.get("interfaces") or ()}
    if own and not own & {*here}:
        problem = "has none of the VM's disks and network cards"
        yield Finding("domain", problem, "name the dump of this VM's own launcher", RULE)
