"""Devices that need a name and have none: every one that rests, and every one that is stored.

The specs have their shape. What is unnamed beside that is an incoming device, which the mutating webhook names.
"""

from __future__ import annotations

from collections.abc import Iterator

from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.trees import Tree

_WAY = "leave the entry out, or write the name of the device that was removed; leave tombstones to the service"


def unnamed_tombstones(spec: Tree, path: str) -> Iterator[Finding]:
    """A finding for each tombstone of a list without a name: nobody knows which device it is."""
    for place in _unnamed((spec.get("abi") or {}).get("tombstones"), f"{path}.abi.tombstones"):
        yield Finding(place, "is missing", _WAY, "frozen")


def unnamed_devices(spec: Tree, path: str) -> Iterator[Finding]:
    """A finding for each device of a stored spec without a name; those that the allocators name are none."""
    for place in _unnamed((spec.get("domain") or {}).get("devices"), f"{path}.domain.devices", removable=True):
        yield Finding(place, "is missing", "", "stored")


def without_unnamed_tombstones(spec: Tree) -> Tree:
    """The spec without them: they are no device, and keep nothing for one."""
    if not any(unnamed_tombstones(spec, "")):
        return spec
    lists = spec["abi"]["tombstones"].items()
    kept = {kind: _named(entries) if type(entries) is list else entries for kind, entries in lists}
    return {**spec, "abi": {**spec["abi"], "tombstones": {kind: entries for kind, entries in kept.items() if entries}}}


def _unnamed(lists: Tree | None, path: str, *, removable: bool = False) -> Iterator[str]:
    """The places of the missing names; of `removable` devices alone, or of all."""
    for kind, entries in (lists or {}).items():
        if type(entries) is list and not (removable and KINDS[kind].permanent):
            for index, entry in enumerate(entries):
                if not entry.get("name"):
                    yield f"{path}.{kind}[{index}].name"


def _named(entries: list[Tree]) -> list[Tree]:
    return [entry for entry in entries if entry.get("name")]
