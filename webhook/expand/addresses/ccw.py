"""The channel subsystem of s390x: every device has a device number of the virtual channel path, the first free one."""

from __future__ import annotations

from webhook.domain.address import parts_of
from webhook.domain.address_text import write
from webhook.domain.bus import PCI
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.addresses.waiting import listed_in, waiting
from webhook.trees import Tree

# The channel path that is reserved for virtio devices (QEMU: hw/s390x/css.h, VIRTUAL_CSSID).
_CSSID = 0xFE
_LAST = 0xFFFF


def place(devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
    """Give every device that is on PCI elsewhere a device number, where its declaration says that it can have one."""
    there = (device for listed in devices for device in listed_in(devices, listed))
    taken = {_number(device) for device in (*there, *(entry["device"] for entry in reserved))}
    free = (number for number in range(_LAST + 1) if number not in taken)
    for entry in list(waiting(PCI, devices, controllers)):
        if not entry.bus.ccw:
            way = "leave it out; devices of this machine are virtio ones"
            controllers.refuse(entry.where, "is on a bus that the machine does not have", way)
            continue
        entry.device["address"] = write({"type": "ccw", "cssid": _CSSID, "ssid": 0, "devno": next(free)})


def _number(device: Tree) -> int | None:
    address = parts_of(device)
    return address["devno"] if address.get("type") == "ccw" and not address["ssid"] else None
