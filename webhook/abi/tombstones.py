"""What rests keeps its place and identity: a device that was removed can come back, and no other is taken for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from webhook.abi.state import LATEST
from webhook.declare import shown
from webhook.declare.tree import at
from webhook.domain.devices import KINDS
from webhook.findings import Finding

Tree = dict[str, Any]
_ADDRESS = "address"
# Places of a type that tell two devices apart; of all others each field does.
_PLACES = {"dimm": ("type", "slot"), "isa": ("type", "iobase")}
# Without this field the host chooses the place.
_NEEDED = {"usb": "port", "virtio-serial": "port", "ccw": "devno", "spapr-vio": "reg", "isa": "iobase", "dimm": "slot"}
_NOWHERE = ("unassigned", "virtio-mmio")
_WAY = "leave it out, or give it another value; name the device `{}` to have the removed one back"

# What a device has of its own: the field's path, and a value that is equal where the guest's is.
Own = tuple[str, Any]


def trespassing(stored: Tree, spec: Tree, path: str) -> list[Finding]:
    """Devices of `spec` that have the place or the identity of one that rests there, and had it not in `stored`.

    In a machine that is made anew nothing keeps its place.
    """
    abi = spec.get("abi") or {}
    resting = {
        (kind if field != _ADDRESS else "", field, value): (kind, name)
        for kind, _, name, device in _devices(abi.get("tombstones"))
        for field, value in _own(kind, device)
        if field != _ADDRESS or abi.get("policy") != LATEST
    }
    if not resting:
        return []
    before = {(kind, name): device for kind, _, name, device in _devices((stored.get("domain") or {}).get("devices"))}
    return [
        _finding(f"{path}.domain.devices.{kind}{index}.{field}", owner[1])
        for kind, index, name, device in _devices((spec.get("domain") or {}).get("devices"))
        for field, value in _own(kind, device)
        if (owner := resting.get((kind if field != _ADDRESS else "", field, value), (kind, name))) != (kind, name)
        and (field, value) not in _own(kind, before.get((kind, name), {}))
    ]


def _devices(lists: Tree | None) -> Iterator[tuple[str, str, str, Tree]]:
    """Every device but those that stay: its list, its index there as paths have it, its name, and itself."""
    for kind, entries in (lists or {}).items():
        if type(entries) is dict:
            yield kind, "", entries.get("name") or kind, entries
        elif not KINDS[kind].staying:
            for index, entry in enumerate(entries):
                yield kind, f"[{index}]", entry.get("name") or kind, entry


def _own(kind: str, device: Tree) -> Iterator[Own]:
    """What tells a device from others of its list, by its declaration, and its place."""
    for field in KINDS[kind].own:
        value = at(device, field)
        if type(value) in (str, int):
            yield field, str(value).lower()
    place = place_of(device)
    if place is not None:
        yield _ADDRESS, place


def place_of(device: Tree) -> Any:
    """Where a device sits, in a form that is equal for equal places; None where it has none."""
    address = device.get(_ADDRESS)
    if not address:
        return None
    kind, part = address.get("type"), address.get
    if kind == "pci":  # nearly every device: each review asks this of all
        return (kind, part("domain") or 0, part("bus") or 0, part("slot") or 0, part("function") or 0)
    if kind is None or kind in _NOWHERE or _NEEDED.get(kind, "type") not in address:
        return None
    # Drives of different buses have controllers of their own, numbered alike.
    target = device.get("target") if kind == "drive" else None
    bus = target.get("bus") if type(target) is dict else None
    names = _PLACES.get(kind) or address
    return (bus or "scsi", frozenset([(name, address[name]) for name in names if address.get(name)]))


def _finding(path: str, owner: str) -> Finding:
    problem = f"belongs to `{shown(owner)}`, which was removed and rests in `spec.abi.tombstones`"
    return Finding(path, problem, _WAY.format(shown(owner)), "frozen")
