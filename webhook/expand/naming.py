"""Every device's name: what the tenant gave, else made of the device's own words. Given once, kept."""

from __future__ import annotations

from typing import Any

from webhook.domain.devices import KINDS
from webhook.domain.names import free, label

Tree = dict[str, Any]


def name_devices(devices: Tree) -> None:
    """Give each device without a name one that no other of its list has, in place and in the list's order."""
    for kind, entries in devices.items():
        declared = KINDS.get(kind)
        if declared is None or declared.staying:
            continue
        if isinstance(entries, dict):
            entries.setdefault("name", declared.tag)
            continue
        if all(entry.get("name") for entry in entries):
            continue
        taken = {entry["name"] for entry in entries if entry.get("name")}
        numbers: dict[str, int] = {}
        for entry in entries:
            if not entry.get("name"):
                entry["name"] = free(_word(entry, declared.tag), taken, numbers)
                taken.add(entry["name"])


def _word(device: Tree, tag: str) -> str:
    """A device's own word: the object that it refers to, what it is, else its kind."""
    word = device.get("claim") or device.get("network") or _said(device) or tag
    return label(word) or tag


def _said(device: Tree) -> str:
    """What tells a device from its like: a CD-ROM among disks, a channel's service."""
    kind = device.get("device")
    return kind if kind in ("cdrom", "floppy") else ""
