"""Devices on USB: a port of a controller, the first free one; one more controller where all are taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from webhook.abi.addresses.controllers import Controllers

Tree = dict[str, Any]

# A controller whose model the rule set does not know has the two ports of the oldest one.
_FEWEST = 2


def place(devices: Tree, controllers: Controllers, resting: list[Tree]) -> None:
    """Give every USB device without an address a port."""
    waiting = [device for device in _devices(devices) if not device.get("address")]
    if not waiting:
        return
    taken = {_port(device) for device in (*_devices(devices), *(entry["device"] for entry in resting))}
    free = _free(controllers, taken)
    for device in waiting:
        bus, port = next(free)
        device["address"] = {"type": "usb", "bus": bus, "port": str(port)}


def _devices(devices: Tree) -> Iterator[Tree]:
    """Whatever hangs on USB, in a lasting order."""
    yield from (entry for entry in devices.get("inputs", ()) if entry.get("bus") == "usb")
    yield from (entry for entry in devices.get("disks", ()) if entry.get("target", {}).get("bus") == "usb")
    yield from (entry for entry in devices.get("sounds", ()) if entry.get("model") == "usb")
    yield from (entry for entry in devices.get("serials", ()) if entry.get("target", {}).get("type") == "usb-serial")


def _port(device: Tree) -> tuple[int, int] | None:
    address = device.get("address", {})
    if address.get("type") != "usb":
        return None
    return address.get("bus", 0), int(str(address.get("port", "0")).split(".")[0])


def _free(controllers: Controllers, taken: set[tuple[int, int] | None]) -> Iterator[tuple[int, int]]:
    index = 0
    while True:
        controller = controllers.ensure("usb", index)
        ports = controller.get("ports") or controllers.machine.usb_ports.get(controller.get("model", ""), _FEWEST)
        yield from ((index, port) for port in range(1, ports + 1) if (index, port) not in taken)
        index += 1
