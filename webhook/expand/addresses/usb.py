"""Devices on USB: the first free port of a controller, then of a hub; one more controller where all are taken."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.domain.address import Parts, parts_of
from webhook.domain.address_text import write
from webhook.domain.bus import USB
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.addresses.waiting import addresses, waiting
from webhook.trees import Tree

# A controller with a model that is not in the rule set has the two ports of the oldest one.
_FEWEST = 2
# libvirt's hubs have eight ports (QEMU: hw/usb/dev-hub.c).
_HUB = 8

# The controller's index, and the port there or below a hub there: `1`, `1.8`.
Port = tuple[int, str]


def place(devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
    """Give every USB device without an address a port."""
    unplaced = list(waiting(USB, devices, controllers))
    # A machine without USB: the rules of consistency refuse each device.
    if not unplaced or "usb" not in controllers.machine.models:
        return
    taken = {_port(address) for address in addresses(USB, devices, reserved)}
    hubs = [_port(there) for hub in devices.get("hubs", ()) if (there := parts_of(hub)).get("type") == USB]
    free = _free(controllers, taken, hubs)
    for entry in unplaced:
        bus, port = next(free)
        entry.device["address"] = write({"type": USB, "bus": bus, "port": port})


def _port(address: Parts) -> Port:
    return address["bus"], address["port"]


def _free(controllers: Controllers, taken: set[Port], hubs: list[Port]) -> Iterator[Port]:
    below: dict[int, list[str]] = {}
    for bus, port in hubs:
        below.setdefault(bus, []).append(port)
    index = 0
    while True:
        controller = controllers.ensure("usb", index)
        ports = controller.get("ports") or controllers.machine.usb_ports.get(controller.get("model", ""), _FEWEST)
        here = [(index, str(port)) for port in range(1, ports + 1)]
        here += [(index, f"{port}.{number}") for port in below.get(index, ()) for number in range(1, _HUB + 1)]
        yield from (port for port in here if port not in taken)
        index += 1
