"""Names of devices: a device without one gets a name made of what it refers to or what it is."""

from __future__ import annotations

from webhook.abi.adoption import references
from webhook.domain.devices import KINDS
from webhook.domain.names import label, names_of, referred
from webhook.trees import Tree


def name_devices(devices: Tree, tombstones: Tree | None = None) -> None:
    """Give each device without a name a free one, in place and in the list's order; none is a tombstone's."""
    for kind, entries in devices.items():
        declared = KINDS.get(kind)
        if declared is None or declared.permanent:
            continue
        if isinstance(entries, dict):
            entries.setdefault("name", declared.tag)
            continue
        if all(entry.get("name") for entry in entries):
            continue
        resting = [device.get("name", "") for device in (tombstones or {}).get(kind, ())]
        pairs = ((entry.get("name"), _base(entry, kind, declared.tag)) for entry in entries)
        for entry, name in zip(entries, names_of(pairs, resting), strict=True):
            entry["name"] = name


def _base(device: Tree, kind: str, tag: str) -> str:
    """The base of a device's name: the object that it refers to, a special device type, else its tag."""
    found = references(kind, device)
    base = referred(found[0][1]) if found else _special(device) or tag
    return label(base) or tag


def _special(device: Tree) -> str:
    """The device type of a CD-ROM or floppy drive, else nothing."""
    kind = device.get("device")
    return kind if kind in ("cdrom", "floppy") else ""
