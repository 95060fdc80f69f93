"""The channel subsystem of s390x: every device has a device number of the virtual channel path, the first free one."""

from __future__ import annotations

from typing import Any

from webhook.expand.addresses.controllers import Controllers
from webhook.expand.addresses.pci import waiting

Tree = dict[str, Any]

# The channel path that is reserved for virtio devices (QEMU: hw/s390x/css.h, VIRTUAL_CSSID).
_CSSID = 0xFE
_LAST = 0xFFFF
# There is no USB on this machine, and what else is not virtio has no channel.
_NOT_HERE = frozenset({"usb", "sata", "ide", "shmems", "pstore", "hostdevs"})


def place(devices: Tree, controllers: Controllers, resting: list[Tree]) -> None:
    """Give every virtio device without an address a device number."""
    taken = {_number(device) for device in (*_all(devices), *(entry["device"] for entry in resting))}
    free = (number for number in range(_LAST + 1) if number not in taken)
    for kind, where, device in list(waiting(devices, controllers)):
        if kind in _NOT_HERE:
            way = "leave it out; devices of this machine are virtio ones"
            controllers.refuse(where, "is on a bus that the machine does not have", way)
            continue
        device["address"] = {"type": "ccw", "cssid": _CSSID, "ssid": 0, "devno": next(free)}


def _all(devices: Tree) -> list[Tree]:
    listed = (entries if type(entries) is list else [entries] for entries in devices.values())
    return [device for entries in listed for device in entries]


def _number(device: Tree) -> int | None:
    address = device.get("address", {})
    return address.get("devno", 0) if address.get("type") == "ccw" and not address.get("ssid") else None
