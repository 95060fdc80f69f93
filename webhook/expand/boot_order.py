"""The boot order, stated explicitly: libvirt would otherwise add `<boot dev='hd'/>`."""

from __future__ import annotations

from collections.abc import Iterable

from webhook.expand.device_order import DeviceOrder, in_order
from webhook.trees import Tree


def order_boot(domain: Tree, order: DeviceOrder, resting: Iterable[Tree] = ()) -> None:
    """Where no boot order is stated: the first disk, then the first CD-ROM, then the first NIC by `order`, in place.

    The firmware skips an empty disk, so that an installer in the CD-ROM drive starts; nothing boots from a seed. A
    machine of which a removed device (one of `resting`) has a turn at boot was ordered when it was made, and is not
    ordered anew.
    """
    os = domain.setdefault("os", {})
    devices = domain.get("devices", {})
    disks, nics = devices.get("disks", []), devices.get("interfaces", [])
    if os.get("boot") or any(device.get("bootOrder") for device in (*disks, *nics, *resting)):
        return
    disks = [disk for _, disk in in_order("disks", disks, order) if not disk.get("seed")]
    first = [
        next((disk for disk in disks if disk.get("device", "disk") == "disk"), None),
        next((disk for disk in disks if disk.get("device") == "cdrom"), None),
        next((nic for _, nic in in_order("interfaces", nics, order)), None),
    ]
    bootable = [device for device in first if device is not None]
    for place, device in enumerate(bootable, 1):
        device["bootOrder"] = place
    if not bootable:
        os["boot"] = [{"dev": "hd"}]
