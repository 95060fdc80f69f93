"""Removed devices while they rest: since when, which are forgotten for want of room, which lose their place to another.

A tombstone with anything of the host's is never forgotten and keeps its place: who was not granted it cannot shed it.
Nor is one whose device still runs.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from webhook.abi.adoption import DeviceKey
from webhook.abi.freeze import device_keys, devices_of, drop, tombstone_of
from webhook.abi.running import keys_of
from webhook.abi.state import reserved
from webhook.abi.tombstones import address_of
from webhook.declare import shown
from webhook.declare.tree import copied
from webhook.domain.address import parts_of
from webhook.domain.bus import DRIVE, ISA
from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.trees import Tree

# What all tombstones of a VM take as JSON: over two hundred devices, more than a PCI Express machine has places for.
MOST_BYTES = 48 * 1024
# The part of a device's target that stands for its place on the bus of an address.
_OF_THE_PLACE = {DRIVE: "dev", ISA: "port"}


class Now(NamedTuple):
    """The time of an update, and the devices that run then."""

    time: str
    running: Container[DeviceKey] = ()


def rest(abi: Tree, stored: Tree, tombstones: Tree, now: Now, path: str) -> list[Finding]:
    """Put an update's tombstones into its ABI record, in place, each with its age; what is told of those forgotten.

    `stored` is the spec as it was. What rested before keeps what is known of its age; `path` is the spec's place.
    """
    were: Tree = stored.get("abi") or {}
    before, resting = device_keys([{"devices": were.get("tombstones") or {}}]), device_keys([{"devices": tombstones}])
    new = resting - before
    ages = [entry for entry in were.get("removed") or () if key_of(entry) in resting]
    ages += [{"device": "/".join(key), "since": now.time} for key in sorted(new)]
    abi.update(tombstones=tombstones, removed=ages)
    forgotten = set(_beyond(abi, stored, now.running)) if new else set()
    if forgotten:
        drop(tombstones, forgotten)
        abi["removed"] = [entry for entry in ages if key_of(entry) not in forgotten]
    for part in ("tombstones", "removed"):
        if not abi[part]:
            del abi[part]
    problem = "is forgotten: there is no room for more removed devices; should it return, it is a new one"
    return [Finding(f"{path}.abi.tombstones.{kind}[{shown(name)}]", problem) for kind, name in sorted(forgotten)]


def _beyond(abi: Tree, stored: Tree, running: Container[DeviceKey]) -> Iterator[DeviceKey]:
    """The oldest tombstones, as far as there is no room for them."""
    beyond = size_of(abi["tombstones"]) - MOST_BYTES
    if beyond <= 0:
        return
    devices = devices_of((stored.get("domain") or {}).get("devices") or {})
    for entry in reserved(abi):
        key, device = (entry["list"], entry["name"]), entry["device"]
        if key in running or of_the_host(key, device) or of_the_host(key, devices.get(key) or device):
            continue
        yield key
        beyond -= size_of(device)
        if beyond <= 0:
            return


def key_of(entry: Tree) -> DeviceKey:
    """The device that an entry of `removed` is about."""
    kind, _, name = str(entry.get("device")).partition("/")
    return kind, name


def size_of(tree: Any) -> int:
    """The bytes of a tree as JSON."""
    return len(orjson.dumps(tree))


def of_the_host(key: DeviceKey, device: Tree) -> bool:
    """Whether a device has anything of the host's."""
    return tombstone_of(key[0], device) != device


def places_of(abi: Tree, running: Sequence[Tree]) -> list[Tree]:
    """The reserved places, for the allocators: of removed devices, the oldest first, and of running ones."""
    places, runs = reserved(abi), keys_of(running)
    for entry in places:
        key = (entry["list"], entry["name"])
        if key in runs or of_the_host(key, entry["device"]):
            entry["held"] = True
    return [*places, *running]


def give_places(abi: Tree, places: list[Tree], path: str) -> list[Finding]:
    """Take their place from the tombstones of which the allocators gave it away, in place; what is told of it."""
    given = {(entry["list"], entry["name"]) for entry in places if "given" in entry}
    if not given:
        return []
    abi["tombstones"] = {kind: _unplaced(kind, entries, given) for kind, entries in abi["tombstones"].items()}
    problem = "gives its place to a new device, as no other is free; should it return, it gets another"
    return [Finding(f"{path}.abi.tombstones.{kind}[{shown(name)}]", problem) for kind, name in sorted(given)]


def with_given(tombstones: Tree, stored: Tree, spec: Tree) -> Tree:
    """The tombstones without the places that a spec says were given up: a webhook may be asked about it twice."""
    said, rests = devices_of((spec.get("abi") or {}).get("tombstones") or {}), devices_of(tombstones)
    altered = [key for key in said.keys() & rests if said[key] != rests[key]]
    if not altered:
        return tombstones
    places = new_places(stored, spec)
    given = {key for key in altered if gave_up(key, rests[key], said[key], places)}
    return {kind: _unplaced(kind, entries, given) for kind, entries in tombstones.items()}


def _unplaced(kind: str, entries: Any, given: Container[DeviceKey]) -> Any:
    if type(entries) is dict:
        return unplaced(entries) if (kind, entries.get("name") or kind) in given else entries
    return [unplaced(each) if (kind, each.get("name")) in given else each for each in entries]


def unplaced(device: Tree) -> Tree:
    """What is left of a tombstone once another device has its place."""
    left: Tree = copied(device)
    part = _OF_THE_PLACE.get(parts_of(device).get("type", ""))
    left.pop("address", None)
    if part and type(left.get("target")) is dict:
        left["target"].pop(part, None)
    return left


def forgotten(stored: Tree, spec: Tree) -> set[DeviceKey]:
    """The devices of which an update keeps nothing, for want of room; none of them where there was room."""
    tombstones = (spec.get("abi") or {}).get("tombstones") or {}
    were = {**devices_of(((stored.get("abi") or {}).get("tombstones")) or {})}
    devices = devices_of((stored.get("domain") or {}).get("devices") or {})
    were |= {key: device for key, device in devices.items() if not KINDS[key[0]].permanent}
    kept = device_keys([{"devices": tombstones}, spec.get("domain") or {}])
    gone = {key: tombstone_of(key[0], device) for key, device in were.items() if key not in kept}
    if any(left != were[key] for key, left in gone.items()):
        return set()
    return set(gone) if gone and size_of(tombstones) + size_of(list(gone.values())) > MOST_BYTES else set()


def new_places(stored: Tree, spec: Tree) -> set[Any]:
    """The places that devices of a spec have, and had not before."""
    before = devices_of((stored.get("domain") or {}).get("devices") or {})
    devices = devices_of((spec.get("domain") or {}).get("devices") or {})
    places = ((key, address_of(device)) for key, device in devices.items())
    return {place for key, place in places if place is not None and address_of(before.get(key, {})) != place}


def gave_up(key: DeviceKey, was: Tree | None, rests: Tree, places: Container[Any]) -> bool:
    """Whether a tombstone that was one way and is another lacks its place alone, which is among the new ones."""
    if was is None or was == rests or of_the_host(key, was) or unplaced(was) != rests:
        return False
    return address_of(was) in places
