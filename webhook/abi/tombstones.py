"""A tombstone reserves the address and the identity of a removed device, so that it can come back unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from webhook.abi.state import LATEST
from webhook.declare import shown
from webhook.declare.tree import at
from webhook.domain.address import place
from webhook.domain.bus import DRIVE
from webhook.domain.devices import KINDS
from webhook.findings import Finding

Tree = dict[str, Any]
_ADDRESS = "address"
_WAY = "leave it out, or give it another value; name the device `{}` to have the removed one back"

# One identity of a device: the field's path, and a value that is equal where the guest sees the same.
Identity = tuple[str, Any]


def reserved_by_tombstones(stored: Tree, spec: Tree, path: str) -> list[Finding]:
    """A finding for each device of `spec` that has the address or the identity of a tombstone, and had it not before.

    `stored` is the spec as it was. Where the VM follows the newest rule set tombstones reserve no address.
    """
    abi = spec.get("abi") or {}
    reserved = {
        (kind if field != _ADDRESS else "", field, value): (kind, name)
        for kind, _, name, device in _devices(abi.get("tombstones"))
        for field, value in _identities(kind, device)
        if field != _ADDRESS or abi.get("policy") != LATEST
    }
    if not reserved:
        return []
    before = {(kind, name): device for kind, _, name, device in _devices((stored.get("domain") or {}).get("devices"))}
    return [
        _finding(f"{path}.domain.devices.{kind}{index}.{field}", owner[1])
        for kind, index, name, device in _devices((spec.get("domain") or {}).get("devices"))
        for field, value in _identities(kind, device)
        if (owner := reserved.get((kind if field != _ADDRESS else "", field, value), (kind, name))) != (kind, name)
        and (field, value) not in _identities(kind, before.get((kind, name), {}))
    ]


def _devices(lists: Tree | None) -> Iterator[tuple[str, str, str, Tree]]:
    """Every device of a removable kind: its list, its index as paths have it, its name, and itself."""
    for kind, entries in (lists or {}).items():
        if type(entries) is dict:
            yield kind, "", entries.get("name") or kind, entries
        elif not KINDS[kind].permanent:
            for index, entry in enumerate(entries):
                yield kind, f"[{index}]", entry.get("name") or kind, entry


def _identities(kind: str, device: Tree) -> Iterator[Identity]:
    """The identities that its declaration names, and its address."""
    for field in KINDS[kind].identities:
        value = at(device, field)
        if type(value) in (str, int):
            yield field, str(value).lower()
    address = address_of(device)
    if address is not None:
        yield _ADDRESS, address


def address_of(device: Tree) -> Any:
    """A device's place in a form that is equal for equal places; None where it has none."""
    address = device.get(_ADDRESS)
    there = place(address) if address else ""
    if not there.startswith(DRIVE):
        return there or None
    # Drives of different buses have controllers of their own, numbered alike.
    target = device.get("target")
    return (target.get("bus") if type(target) is dict else None) or "scsi", there


def _finding(path: str, owner: str) -> Finding:
    problem = f"belongs to `{shown(owner)}`, which was removed and rests in `spec.abi.tombstones`"
    return Finding(path, problem, _WAY.format(shown(owner)), "frozen")
