"""Devices on USB: the first free port of a controller, then of a hub; one more controller where all are taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from webhook.expand.addresses.controllers import Controllers

Tree = dict[str, Any]

# A controller whose model the rule set does not know has the two ports of the oldest one.
_FEWEST = 2
# libvirt's hubs have eight ports (QEMU: hw/usb/dev-hub.c).
_HUB = 8

# The controller's index, and the port there or below a hub there: `1`, `1.8`.
Port = tuple[int, str]


def place(devices: Tree, controllers: Controllers, resting: list[Tree]) -> None:
    """Give every USB device without an address a port."""
    waiting = [device for device in _devices(devices) if not device.get("address")]
    # A machine without USB: the consistency rules say so of each device.
    if not waiting or "usb" not in controllers.machine.models:
        return
    taken = {_port(device) for device in (*_devices(devices), *(entry["device"] for entry in resting))}
    hubs = [_port(hub) for hub in devices.get("hubs", ()) if hub.get("address")]
    free = _free(controllers, taken, hubs)
    for device in waiting:
        bus, port = next(free)
        device["address"] = {"type": "usb", "bus": bus, "port": port}


def _devices(devices: Tree) -> Iterator[Tree]:
    """Whatever hangs on USB, in a lasting order."""
    yield from (entry for entry in devices.get("inputs", ()) if entry.get("bus") == "usb")
    yield from (entry for entry in devices.get("disks", ()) if entry.get("target", {}).get("bus") == "usb")
    yield from (entry for entry in devices.get("sounds", ()) if entry.get("model") == "usb")
    yield from (entry for entry in devices.get("serials", ()) if entry.get("target", {}).get("type") == "usb-serial")
    yield from devices.get("hubs", ())
    yield from devices.get("redirdevs", ())
    yield from (entry for entry in devices.get("hostdevs", ()) if entry.get("type") == "usb")
    yield from (entry for entry in devices.get("controllers", ()) if entry.get("type") == "ccid")


def _port(device: Tree) -> Port | None:
    address = device.get("address", {})
    if address.get("type") != "usb":
        return None
    return address.get("bus", 0), str(address.get("port", "0"))


def _free(controllers: Controllers, taken: set[Port | None], hubs: list[Port | None]) -> Iterator[Port]:
    below: dict[int, list[str]] = {}
    for bus, port in (hub for hub in hubs if hub is not None):
        below.setdefault(bus, []).append(port)
    index = 0
    while True:
        controller = controllers.ensure("usb", index)
        ports = controller.get("ports") or controllers.machine.usb_ports.get(controller.get("model", ""), _FEWEST)
        here = [(index, str(port)) for port in range(1, ports + 1)]
        here += [(index, f"{port}.{number}") for port in below.get(index, ()) for number in range(1, _HUB + 1)]
        yield from (port for port in here if port not in taken)
        index += 1
