"""The addresses of all devices, a module a bus. Existing ones never change; a new one is neither taken nor reserved."""

from __future__ import annotations

from webhook.abi.adoption import DeviceKey
from webhook.abi.freeze import devices_of
from webhook.domain.bus import is_none
from webhook.expand.addresses import ccid, ccw, dimm, drive, pci, serial, usb, vio
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.device_order import DeviceOrder
from webhook.findings import Finding
from webhook.machines import Machine
from webhook.trees import Tree

__all__ = ["allocate"]

_AS_LISTED: DeviceOrder = {}


def allocate(
    domain: Tree, machine: Machine, tombstones: list[Tree], path: str, order: DeviceOrder = _AS_LISTED
) -> list[Finding]:
    """Write every missing controller, target and address into `domain`, in place; returns what has no place.

    The addresses of `tombstones` ({list, name, device}) are reserved while their device is not there; where a bus has
    no other place they are `given`. `path` is the domain's place in the object, `order` says which devices of a list
    are first. A complete domain stays as it is.
    """
    devices: Tree = domain.setdefault("devices", {})
    present = devices_of(devices) if tombstones else {}
    reserved = [entry for entry in tombstones if not _is_there(entry, present)]
    controllers = Controllers(devices, machine, path, order)
    drive.place(devices, controllers, reserved)
    ccid.place(devices, controllers, reserved)
    dimm.place(devices, controllers, domain.get("maxmemory", {}), reserved)
    usb.place(devices, controllers, reserved)
    serial.place(devices, controllers, reserved)
    if machine.bus.kind == "ccw":
        ccw.place(devices, controllers, reserved)
    else:
        vio.place(devices, controllers, reserved)
        pci.place(devices, controllers, reserved)
    return controllers.findings


def _is_there(entry: Tree, present: dict[DeviceKey, Tree]) -> bool:
    """Whether the device of a reserved place has it; one that runs elsewhere than it shall keeps both places."""
    device = present.get((entry["list"], entry["name"]))
    if device is None or is_none(device):
        return False
    return not entry.get("held") or device.get("address") == entry["device"].get("address")
