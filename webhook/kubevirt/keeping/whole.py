"""The hardware of a VM that starts through a hook: every device's place, chosen when the VM is written.

What a new VM gets is what KubeVirt would place by itself, as far as that is known: the first start is the same with a
hook and without. Later each device keeps its place, and what is new gets a free one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from webhook.kubevirt.keeping.free_places import BRIDGE, PORT, ROOT, FreePlaces, is_hub
from webhook.kubevirt.keeping.hardware import ROOT_PORT, Controller, Hardware, pci, pci_of
from webhook.kubevirt.keeping.restoring import floats
from webhook.kubevirt.starting.devices import CONVENTIONAL_CARDS, Devices
from webhook.kubevirt.starting.layout import Layout, card_name
from webhook.trees import Tree

# Root ports that a machine has at least: as many as both firmwares enumerate.
_LEAST_PORTS = 31
_MOST_PORTS = 190
_STATED = re.compile(r"pci 0000:([0-9a-fA-F]{2}):([01][0-9a-fA-F])\.([0-7])")
_BEHIND_BRIDGE = re.compile(r"pci .{4}/00\.0/([0-9a-f]{2})\.0")
_ARCHES = {"amd64": "x86_64", "arm64": "aarch64", "s390x": "s390x"}
# The channel of the guest agent, which every VM of KubeVirt's has.
_AGENT = "channel org.qemu.guest_agent.0"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a device asks for, the address that the VM states of it, and the one that KubeVirt would give it."""

    need: str
    stated: str
    preferred: str


def owned(name: str) -> str:
    """The name of a device in a machine: a card that is passed through is a card."""
    return name.replace("hostdev sriov-", "interface ", 1) if name.startswith("hostdev sriov-") else name


def first_hardware(made: Layout, devices: Devices, template: Tree, ports: dict[str, int]) -> Hardware | None:
    """The hardware of a layout; None where it has more root ports than a machine can have.

    `ports` are of devices that the VM knows already; of those that are gone they stay free.
    """
    last = max(_LEAST_PORTS, *made.ports.values())
    if last > _MOST_PORTS:
        return None
    first = 2 if devices.graphics else 1
    controllers = [
        Controller(port, ROOT_PORT, (0, *divmod(first * 8 + port - 1, 8)))  # eight in a slot
        for port in range(1, last + 1)
    ]
    if "bridge" in made.ports:
        controllers.append(Controller(last + 1, "pcie-to-pci-bridge", (made.ports["bridge"], 0, 0)))
    taken = set(made.ports.values())
    gone = {name: pci(port, 0) for name, port in ports.items() if port not in taken}
    arch = _ARCHES.get(template.get("architecture") or "", "")
    bare = Hardware(_machine(template), arch, tuple(controllers), gone)
    return next_hardware(bare, made, devices, template)


def next_hardware(before: Hardware, made: Layout, devices: Devices, template: Tree) -> Hardware:
    """The hardware with a place for each device of a layout: its own, where it has one."""
    bridge = next((each.index for each in before.controllers if each.model != ROOT_PORT), 0)
    wanted = dict(_wanted(made, devices, bridge))
    places, known = FreePlaces(before, wanted), {*before.addresses.values()}
    for name, each in wanted.items():
        if each.stated:
            places.state(name, each.stated)
    for name, each in wanted.items():
        # A hub that takes another's port moves it: a controller can have more ports instead.
        if not each.stated and not places.keep(name, each.need) and not (is_hub(name) and each.preferred in known):
            places.find(name, each.need, each.preferred)
    machine = _machine(template)
    if not machine or (floats(machine) and before.machine):
        machine = before.machine
    return replace(places.hardware(), machine=machine)


def taken_buses(hardware: Hardware) -> set[int]:
    """The PCI buses that no card and no disk may be put on: other devices' root ports, and what is behind bridges."""
    found = {at[0] for address in hardware.addresses.values() if (at := pci_of(address))}
    return found | {each.index for each in hardware.controllers if each.model != ROOT_PORT}


def _machine(template: Tree) -> str:
    return str((template["domain"].get("machine") or {}).get("type") or "")


def elsewhere(before: Hardware, after: Hardware) -> tuple[str, ...]:
    """The devices that have another address after."""
    was = before.addresses
    return tuple(name for name, address in after.addresses.items() if was.get(name, address) != address)


def _wanted(made: Layout, devices: Devices, bridge: int) -> Iterator[tuple[str, Wanted]]:
    conventional = {card_name(each) for each in devices.cards if not each.passed and each.model in CONVENTIONAL_CARDS}
    stated = {f"disk {each.name}" for each in devices.disks if each.bus == "virtio" and each.address}
    stated |= {card_name(each) for each in devices.cards if each.address} - conventional
    buses = {f"disk {each.name}": each.bus for each in devices.disks}
    for name, way in made.places.items():
        need, address = _place(name, way, made, buses, bridge)
        if name in conventional and need == PORT:
            need, address = BRIDGE, ""
        yield owned(name), Wanted(need, address if name in stated else "", address)
    yield _AGENT, Wanted("virtio-serial", "", "virtio-serial 0:0:1")


def _place(name: str, way: str, made: Layout, buses: dict[str, str], bridge: int) -> tuple[str, str]:
    """What a device asks for, and its address."""
    if name in made.ports:
        return PORT, pci(made.ports[name], 0)
    kind, _, rest = way.partition(" ")
    if kind == "drive":
        bus, controller, target, unit = rest.split(":")
        return buses[name], f"{buses[name]} {controller}:{bus}:{target}:{unit}"
    if kind == "usb":
        return "usb", way
    behind, at = _BEHIND_BRIDGE.fullmatch(way), _STATED.fullmatch(way)
    if behind is not None:
        return BRIDGE, pci(bridge, int(behind[1], 16)) if bridge else ""
    if at is not None:
        return PORT, pci(*(int(part, 16) for part in at.groups()))
    return ROOT, f"pci 00:{rest}"
