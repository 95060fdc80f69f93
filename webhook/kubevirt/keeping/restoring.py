"""What an update leaves out of a stored VM comes back: who applies a manifest without it asks for no other machine."""

from __future__ import annotations

from collections.abc import Callable

from webhook.kubevirt.keeping.order import kept_order
from webhook.kubevirt.starting.devices import CONVENTIONAL_CARDS, target_of
from webhook.trees import Tree

# Names of machines without a version, which are whatever QEMU of the node makes of them.
_ALIASES = ("q35", "pc", "virt", "s390-ccw-virtio", "pseries")


def floats(machine: str) -> bool:
    """Whether a machine type names no version."""
    return machine in _ALIASES


def restore(domain: Tree, stored: Tree) -> None:
    """Fill in the machine type, the UUID and the serial number that the stored domain says; this one is changed."""
    machine, known = domain.get("machine") or {}, (stored.get("machine") or {}).get("type")
    if known and (not machine.get("type") or (floats(machine["type"]) and machine["type"] in known)):
        domain["machine"] = {**machine, "type": known}
    firmware, before = domain.get("firmware") or {}, stored.get("firmware") or {}
    missing = {key: before[key] for key in ("uuid", "serial") if before.get(key) and not firmware.get(key)}
    if missing:
        domain["firmware"] = {**firmware, **missing}


def restore_devices(devices: Tree, stored: Tree) -> None:
    """Fill in who the stored cards and disks are, and their models and buses; entries are changed."""
    cards, disks = _by_name(stored, "interfaces"), _by_name(stored, "disks")
    for entry in devices.get("interfaces") or ():
        for key in ("macAddress", "model"):
            if not entry.get(key) and cards.get(entry["name"], {}).get(key):
                entry[key] = cards[entry["name"]][key]
    for entry in devices.get("disks") or ():
        if entry["name"] in disks:
            _disk(entry, disks[entry["name"]])


def _by_name(devices: Tree, kind: str) -> dict[str, Tree]:
    return {entry["name"]: entry for entry in devices.get(kind) or ()}


def _disk(entry: Tree, stored: Tree) -> None:
    target = target_of(entry)
    if target != target_of(stored):
        return
    was, now = stored.get(target) or {}, entry.get(target) or {}
    if stored.get("serial") and not entry.get("serial"):
        entry["serial"] = stored["serial"]
    if was.get("bus") and not now.get("bus"):
        entry[target] = {**now, "bus": was["bus"]}


def restore_places(devices: Tree, stored: Tree) -> None:
    """Fill in the stored addresses of cards and disks whose models and buses are stated; entries are changed.

    An address that the new model or bus cannot have, as it stood for the stored one, is taken away.
    """
    cards, disks = _by_name(stored, "interfaces"), _by_name(stored, "disks")
    for entry in devices.get("interfaces") or ():
        _card_place(entry, cards.get(entry["name"], {}))
    for entry in devices.get("disks") or ():
        _disk_place(entry, disks.get(entry["name"], {}))


def _card_place(entry: Tree, stored: Tree) -> None:
    address = stored.get("pciAddress")
    if not address:
        return
    if entry.get("model") not in CONVENTIONAL_CARDS:
        entry["pciAddress"] = entry.get("pciAddress") or address
    elif entry.get("pciAddress") == address and stored.get("model") not in CONVENTIONAL_CARDS:
        del entry["pciAddress"]


def _disk_place(entry: Tree, stored: Tree) -> None:
    before = target_of(stored)
    was = stored.get(before) or {}
    address = was.get("pciAddress")
    if not address:
        return
    target = target_of(entry)
    now = entry[target] = dict(entry[target])
    if target == "disk" and now["bus"] == "virtio":
        now["pciAddress"] = now.get("pciAddress") or address
    elif now.get("pciAddress") == address and before == "disk" and was.get("bus") in (None, "", "virtio"):
        # The place of a virtio disk: KubeVirt refuses it on another bus.
        del now["pciAddress"]


def reorder(devices: Tree, stored: Tree) -> list[str]:
    """Bring the lists in which order is place into the stored order; returns the lists that were in another."""
    changed = []
    for kind, group in _GROUPS.items():
        before, entries = stored.get(kind) or [], devices.get(kind) or []
        if not before or not entries or (kind == "interfaces" and not any(map(group, (*before, *entries)))):
            continue
        made = kept_order(before, entries, group)
        if made is not entries:
            known = {entry["name"] for entry in before}
            if [e["name"] for e in made if e["name"] in known] != [e["name"] for e in entries if e["name"] in known]:
                changed.append(kind)
            devices[kind] = made
    return changed


def _lettered(entry: Tree) -> str:
    """SATA, SCSI and USB disks share the letters of one row."""
    bus = (entry.get(target_of(entry)) or {}).get("bus")
    return "" if bus == "virtio" else "lettered"


def _usb(entry: Tree) -> str:
    return "" if entry.get("bus") == "virtio" else "usb"


def _conventional(entry: Tree) -> str:
    return "conventional" if entry.get("model") in CONVENTIONAL_CARDS and not entry.get("pciAddress") else ""


def _each(_: Tree) -> str:
    return "one"


_GROUPS: dict[str, Callable[[Tree], str]] = {
    "disks": _lettered,
    "interfaces": _conventional,
    "inputs": _usb,
    "gpus": _each,
    "hostDevices": _each,
    "filesystems": _each,
}
