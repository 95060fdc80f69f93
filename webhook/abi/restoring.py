"""A machine made again of a snapshot: what is asked for, what is recorded, and what becomes of devices added since.

Pure functions of specs. Whoever completes the restored machine and whoever checks it look here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from webhook.abi.acceptance import with_entry
from webhook.abi.adoption import DeviceKey
from webhook.abi.compare import Change, compare, in_words
from webhook.abi.freeze import device_keys, devices_of, tombstone_of
from webhook.abi.resting import Now, key_of, rest, unplaced
from webhook.abi.tombstones import address_of
from webhook.declare import shown
from webhook.declare.tree import at, copied
from webhook.domain.bus import is_none
from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.trees import Tree


def is_restore(spec: Tree, stored: Tree | None) -> bool:
    """Whether a spec is to be made again of a snapshot now.

    An update restores where `restoreFrom` is another than before; a creation where it was not done already: then the
    spec has its domain, and a record of it.
    """
    wanted = spec.get("restoreFrom")
    if not wanted:
        return False
    if stored is not None and stored.get("domain"):
        return bool(stored.get("restoreFrom") != wanted)
    done = [entry["snapshot"] for entry in (spec.get("abi") or {}).get("history") or () if entry.get("snapshot")]
    return not (spec.get("domain") and done[-1:] == [wanted.get("snapshot")])


def record(stored: Tree, domain: Tree, wanted: Tree, rule_set: str) -> list[Tree]:
    """The history of a machine of which the snapshot makes this domain."""
    history = (stored.get("abi") or {}).get("history") or []
    changes: Iterable[Change] = compare(stored["domain"], domain, rule_set) if stored.get("domain") else ()
    return with_entry(history, {"snapshot": wanted["snapshot"]}, changes)


def rested(configuration: Tree, stored: Tree, time: str = "") -> Tree:
    """The tombstones of a restored machine, and since when each rests, as parts of its ABI record.

    They are the snapshot's, and those of devices that only the stored machine has. A device whose place another one
    has now keeps none; one whose identity another one has is not kept. `time` is that of the restore, empty where
    nobody asks for it.
    """
    abi, were = configuration.get("abi") or {}, stored.get("abi") or {}
    made: Tree = copied(abi.get("tombstones") or {})
    known = device_keys([configuration["domain"], {"devices": made}])
    taken = _Taken(configuration["domain"].get("devices") or {}, made)
    left = devices_of(were.get("tombstones") or {})
    resting = copied(made)
    for key, device in sorted(
        {**left, **devices_of(at(stored, "domain.devices") or {})}.items(), key=lambda one: one[0]
    ):
        if key in known or KINDS[key[0]].permanent or is_none(device) or taken.identity_of(key[0], device):
            continue
        kept = tombstone_of(key[0], device) or {}
        _add(made, key[0], unplaced(kept) if taken.place_of(device) else kept)
        if key in left:
            _add(resting, key[0], kept)
    ages = {str(entry.get("device")): entry for each in (were, abi) for entry in each.get("removed") or ()}
    before = {
        "domain": stored.get("domain") or {},
        "abi": {"tombstones": resting, "removed": _oldest_first(ages.values())},
    }
    part: Tree = {}
    rest(part, before, made, Now(time), "")
    if not time and "removed" in part:
        part["removed"] = [entry for entry in part["removed"] if entry["since"]]
    return {name: value for name, value in part.items() if value}


def _oldest_first(ages: Iterable[Tree]) -> list[Tree]:
    return sorted(ages, key=lambda entry: str(entry.get("since")))


def _add(lists: Tree, kind: str, device: Tree) -> None:
    if KINDS[kind].plural:
        lists.setdefault(kind, []).append(device)
    else:
        lists[kind] = device


class _Taken:
    """The places and identities of the devices of some lists."""

    def __init__(self, *lists: Tree) -> None:
        devices = [(key[0], device) for each in lists for key, device in devices_of(each).items()]
        self.places = {address_of(device) for _, device in devices}
        self.identities = {one for kind, device in devices for one in _identities(kind, device)}

    def place_of(self, device: Tree) -> bool:
        return address_of(device) is not None and address_of(device) in self.places

    def identity_of(self, kind: str, device: Tree) -> bool:
        return not self.identities.isdisjoint(_identities(kind, device))


def _identities(kind: str, device: Tree) -> set[tuple[str, str, str]]:
    values = ((path, at(device, path)) for path in KINDS[kind].identities)
    return {(kind, path, str(value).lower()) for path, value in values if type(value) in (str, int)}


def unlike(configuration: Tree, spec: Tree, path: str) -> Iterator[Finding]:
    """Where a restored machine is not what the snapshot has, as the guest sees it; `path` is the spec's."""
    way = "leave `domain` out: the snapshot says what the machine is, and an update behind the restore changes it"
    domain, rule_set = spec.get("domain") or {}, (configuration.get("abi") or {}).get("ruleSet")
    for change in compare(configuration["domain"], domain, *([rule_set] if rule_set else [])):
        yield Finding(f"{path}.domain{change.path}", f"{in_words(change)} in the snapshot", way, "restore")
    for kind, name in sorted(_there(domain) - _there(configuration["domain"])):
        problem = "is not in the snapshot"
        yield Finding(f"{path}.domain.devices.{kind}[{shown(name)}]", problem, way, "restore")


def _there(domain: Tree) -> set[DeviceKey]:
    return {key for key, device in devices_of(domain.get("devices") or {}).items() if not is_none(device)}


def unlike_resting(wanted: Tree, abi: Tree, path: str) -> Iterator[Finding]:
    """Tombstones of a restored machine that are missing, altered, or of no device that was there; and their ages.

    `wanted` is what rests without the time of the restore.
    """
    way = "leave it to the service"
    there, expected = _frontends(abi.get("tombstones") or {}), _frontends(wanted.get("tombstones") or {})
    for key in sorted(there.keys() | expected.keys()):
        if there.get(key) != expected.get(key):
            place = f"{path}.abi.tombstones.{key[0]}[{shown(key[1])}]"
            yield Finding(place, "is not what rests of the machine that was there", way, "restore")
    known, ages = wanted.get("removed") or [], abi.get("removed") or []
    if ages[: len(known)] != known or not {key_of(entry) for entry in ages} <= expected.keys():
        yield Finding(f"{path}.abi.removed", "is not when the devices were removed", way, "restore")


def _frontends(lists: Tree) -> Mapping[DeviceKey, Any]:
    return {key: tombstone_of(key[0], device) for key, device in devices_of(lists).items()}
