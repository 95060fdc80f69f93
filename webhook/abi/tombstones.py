"""The address and the identity of a device that was removed, or that still runs, are reserved: it can come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from webhook.abi.state import LATEST
from webhook.declare import shown
from webhook.declare.tree import at
from webhook.domain.address import place
from webhook.domain.bus import DRIVE
from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.trees import Tree

_ADDRESS = "address"
_WAY = "leave it out, or give it another value"

# One identity of a device: the field's path, and a value that is equal where the guest sees the same.
Identity = tuple[str, Any]


class _Owner(NamedTuple):
    """The device that a place or an identity is kept for, and whether it rests."""

    kind: str
    name: str
    rests: bool


def reserved_places(stored: Tree, spec: Tree, running: Sequence[Tree], path: str) -> list[Finding]:
    """A finding for each device of `spec` that has the address or the identity of another one, and had it not before.

    The others are those that were removed and those that run (`webhook.abi.running`). `stored` is the spec as it was.
    Where the VM follows the newest rule set no address is reserved.
    """
    abi = spec.get("abi") or {}
    resting = [(kind, name, device) for kind, _, name, device in _devices(abi.get("tombstones"))]
    owners = [(entry["list"], entry["name"], entry["device"]) for entry in running]
    reserved = {
        (kind if field != _ADDRESS else "", field, value): _Owner(kind, name, rests)
        for rests, devices in ((False, owners), (True, resting))
        for kind, name, device in devices
        for field, value in _identities(kind, device)
        if field != _ADDRESS or abi.get("policy") != LATEST
    }
    if not reserved:
        return []
    before = {(kind, name): device for kind, _, name, device in _devices((stored.get("domain") or {}).get("devices"))}
    return [
        _finding(f"{path}.domain.devices.{kind}{index}.{field}", owner)
        for kind, index, name, device in _devices((spec.get("domain") or {}).get("devices"))
        for field, value in _identities(kind, device)
        if (owner := reserved.get((kind if field != _ADDRESS else "", field, value))) is not None
        and (owner.kind, owner.name) != (kind, name)
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


def _finding(path: str, owner: _Owner) -> Finding:
    name = shown(owner.name)
    if owner.rests:
        problem = f"belongs to `{name}`, which was removed and rests in `spec.abi.tombstones`"
        return Finding(path, problem, f"{_WAY}; name the device `{name}` to have the removed one back", "frozen")
    problem = f"belongs to `{name}`, which the running machine still has in `status.current`"
    return Finding(path, problem, f"{_WAY}, or wait until it is gone there", "frozen")
