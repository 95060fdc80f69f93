"""Every device's place, a module a bus. What is there never moves; what is missing goes where nothing is, or was."""

from __future__ import annotations

from typing import Any

from webhook.abi.freeze import device_keys
from webhook.expand.addresses import ccid, ccw, dimm, drive, pci, serial, usb, vio
from webhook.expand.addresses.controllers import Controllers
from webhook.findings import Finding
from webhook.machines import Machine

Tree = dict[str, Any]

__all__ = ["allocate"]


def allocate(domain: Tree, machine: Machine, reserved: list[Tree], path: str) -> list[Finding]:
    """Write every missing controller, target and address into `domain`, in place; returns what cannot be placed.

    `reserved` are tombstones ({list, name, device}): their addresses stay free. `path` is the domain's place in
    the object. A domain that is complete stays as it is.
    """
    devices: Tree = domain.setdefault("devices", {})
    present = device_keys([{"devices": devices}]) if reserved else ()
    resting = [entry for entry in reserved if (entry["list"], entry["name"]) not in present]
    controllers = Controllers(devices, machine, path)
    drive.place(devices, controllers, resting)
    ccid.place(devices, controllers, resting)
    dimm.place(devices, controllers, domain.get("maxmemory", {}), resting)
    usb.place(devices, controllers, resting)
    serial.place(devices, controllers, resting)
    if machine.bus.kind == "ccw":
        ccw.place(devices, controllers, resting)
    else:
        vio.place(devices, machine, resting)
        pci.place(devices, controllers, resting)
    return controllers.findings
