"""Where the guest finds each device: what KubeVirt and libvirt together make of a VM's devices on q35.

libvirt gives each device without an address the lowest root port that is free, in an order of its own; KubeVirt holds
some ports meanwhile. This is a model of it, for devices of virtio's modern form: KubeVirt's own code and the real
libvirt are its judges (`tests/kubevirt/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from webhook.kubevirt.starting.devices import CONVENTIONAL_CARDS, SLOT_COUNT, Card, Devices
from webhook.kubevirt.starting.topology import Ports

Places = dict[str, str]
_ADDRESS = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")
# KubeVirt: network cards and placeholders together, where nothing else is said; redirected devices of one VM.
_CARDS_WITH_PLACEHOLDERS = 4
_REDIRECTED = 4
# libvirt: units of a SATA controller; ports of KubeVirt's USB controller, and of a hub that libvirt adds to it.
_SATA_UNITS = 6
_USB_PORTS, _HUB_PORTS = 4, 8
# What stands for a port that KubeVirt holds while libvirt places the rest.
_HELD = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Each device's place by its name, as the way from the machine's root; `ports` has those on root ports."""

    places: Places
    ports: dict[str, int]


def port_of(address: str) -> int | None:
    """The root port that an address names: each is a bus with the one slot 0. None where it names none."""
    found = _ADDRESS.fullmatch(address)
    if found is None or found[1] != "0000" or int(found[3], 16) or found[4] != "0":
        return None
    return int(found[2], 16) or None


def address_of(port: int) -> str:
    """The address of a device on a root port."""
    return f"0000:{port:02x}:00.0"


def held(devices: Devices, ports: Ports) -> int:
    """How many root ports KubeVirt holds behind the cards."""
    stated = devices.annotations.get(SLOT_COUNT, "")
    cards = len(devices.cards)
    if ports == "annotated" and stated.isascii() and stated.isdecimal() and len(stated) < 4:
        return max(0, int(stated) - cards)
    return max(0, _CARDS_WITH_PLACEHOLDERS - cards) if cards else 0


def layout(devices: Devices, holding: int) -> Layout:
    """The places of all devices, where KubeVirt holds so many ports."""
    stated = {f"disk {each.name}": each.address for each in devices.disks if each.bus == "virtio" and each.address}
    stated |= {card_name(each): each.address for each in devices.cards if each.address}
    ports = {name: port for name, address in stated.items() if (port := port_of(address))}
    free = _free(set(ports.values()))
    behind = list(_behind_bridge(devices))
    if behind:
        ports["bridge"] = next(free)
    for name in _in_order(devices, holding):
        if name == _HELD:
            next(free)
        elif name not in stated:
            ports[name] = next(free)
    first = 2 if devices.graphics else 1
    places = {name: f"pci {_root_port(port, first)}/00.0" for name, port in ports.items() if name != "bridge"}
    for name, address in stated.items():
        if name not in ports:
            places[name] = f"pci {address}"
    for slot, name in enumerate(behind, 1):
        places[name] = f"pci {_root_port(ports['bridge'], first)}/00.0/{slot:02x}.0"
    return Layout(places | dict(_units(devices)) | dict(_usb(devices)) | dict(_fixed(devices)), ports)


def card_name(card: Card) -> str:
    """What a card is called: one that is passed through is a device of the host to libvirt."""
    return f"hostdev sriov-{card.name}" if card.passed else f"interface {card.name}"


def _free(taken: set[int]) -> Iterator[int]:
    """Root ports that are free, the lowest first."""
    port = 0
    while True:
        port += 1
        if port not in taken:
            yield port


def _root_port(port: int, first: int) -> str:
    """Root ports stand eight in a slot, from the first slot that the machine's own devices leave."""
    return f"{first + (port - 1) // 8:02x}.{(port - 1) % 8}"


def _in_order(devices: Devices, holding: int) -> Iterator[str]:
    """What libvirt gives root ports, in its order, whether it states an address or not."""
    yield from (f"filesystem {name}" for name in devices.filesystems)
    cards = [each for each in devices.cards if not each.passed]
    yield from (card_name(each) for each in cards if each.address or each.model not in CONVENTIONAL_CARDS)
    yield from [_HELD] * holding
    if devices.usb:
        yield "usb0"
    if devices.scsi:
        yield "scsi0"
    yield "virtio-serial0"
    yield from (f"disk {each.name}" for each in devices.disks if each.bus == "virtio")
    yield from (f"hostdev {name}" for name in devices.passed)
    yield from (card_name(each) for each in devices.cards if each.passed)
    if devices.balloon:
        yield "memballoon"
    if devices.rng:
        yield "rng"
    yield from (f"input {name}" for name, bus in devices.inputs if bus == "virtio")
    if devices.vsock:
        yield "vsock"


def _behind_bridge(devices: Devices) -> Iterator[str]:
    """What libvirt puts behind a bridge of conventional PCI, in its order."""
    for card in devices.cards:
        if not card.address and not card.passed and card.model in CONVENTIONAL_CARDS:
            yield card_name(card)
    if devices.sound is not None and devices.sound[1] == "ac97":
        yield f"sound {devices.sound[0]}"
    last = max((at for at, disk in enumerate(_lettered(devices)) if disk[1] == "sata"), default=0)
    yield from (f"sata{number}" for number in range(1, last // _SATA_UNITS + 1))
    if devices.watchdog is not None:
        yield f"watchdog {devices.watchdog}"


def _lettered(devices: Devices) -> list[tuple[str, str]]:
    """The disks that KubeVirt calls sda, sdb and so on, whatever their bus, with it."""
    return [(each.name, each.bus) for each in devices.disks if each.bus != "virtio"]


def _units(devices: Devices) -> Iterator[tuple[str, str]]:
    """SATA and SCSI disks have the unit of their letter."""
    for at, (name, bus) in enumerate(_lettered(devices)):
        if bus == "sata":
            yield f"disk {name}", f"drive 0:{at // _SATA_UNITS}:0:{at % _SATA_UNITS}"
        elif bus == "scsi":
            yield f"disk {name}", f"drive 0:0:0:{at}"


def _usb(devices: Devices) -> Iterator[tuple[str, str]]:
    """USB devices have the ports in turn; a hub takes the first where they are not enough."""
    names = [f"disk {each.name}" for each in devices.disks if each.bus == "usb"]
    names += [f"input {name}" for name, bus in devices.inputs if bus == "usb"]
    names += ["redirdev" + "'" * number for number in range(_REDIRECTED if devices.redirected else 0)]
    lacking = len(names) - _USB_PORTS
    hubs = -(-(lacking + 1) // (_HUB_PORTS - 1)) if lacking > 0 else 0
    for hub in range(hubs):
        yield "hub" + "'" * hub, f"usb 0:{hub + 1}"
    ports = [str(port) for port in range(hubs + 1, _USB_PORTS + 1)]
    ports += [f"{hub}.{port}" for hub in range(1, hubs + 1) for port in range(1, _HUB_PORTS + 1)]
    yield from ((name, f"usb 0:{port}") for name, port in zip(names, ports, strict=False))


def _fixed(devices: Devices) -> Iterator[tuple[str, str]]:
    """What the machine itself has a place for."""
    if devices.graphics:
        yield "video", "pci 01.0"
    if devices.sound is not None and devices.sound[1] != "ac97":
        yield f"sound {devices.sound[0]}", "pci 1b.0"
