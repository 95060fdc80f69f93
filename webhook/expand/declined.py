"""Features against devices that the domain states: one that is declined and stated, or asked for and stated away.

A merge sees values alone: what is declined adds none, and a device that is asked for without a word agrees with any.
Of a stored machine a word that declines takes the devices away, wherever they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from webhook.abi.adoption import DeviceKey
from webhook.abi.freeze import device_keys
from webhook.domain.bus import is_none
from webhook.expand.other_guest import Update
from webhook.features import declined
from webhook.features.contribution import Contribution
from webhook.findings import Finding
from webhook.trees import Tree

_WAY = "remove one of the two, or let them agree"
_KEEP = "leave the word out, and the machine keeps what it has"


@dataclass(frozen=True, slots=True)
class _Odds:
    """A feature, and the device of the domain that is not as it says: its list, its name, and the problem."""

    feature: str
    kind: str
    name: str
    problem: str

    def finding(self, path: str, way: str) -> Finding:
        return Finding(f"{path}.features.{self.feature}", self.problem, way, "conflict")


def at_odds(domain: Tree, features: Tree, contributions: Iterable[Contribution], path: str) -> Iterator[Finding]:
    """The features of a spec at `path` that its domain speaks against."""
    return (each.finding(path, _WAY) for each in _odds(domain.get("devices") or {}, features, contributions, path))


def newly_at_odds(update: Update, stored: Tree, path: str) -> Iterator[Finding]:
    """The features that a merged update speaks against: where the feature is another than before, or the device new."""
    features, before = update.features, device_keys([stored])
    for each in _odds(update.domain.get("devices") or {}, features, update.contributions, path):
        if features.get(each.feature) != update.earlier.get(each.feature):
            yield each.finding(path, _KEEP)
        elif (each.kind, each.name) not in before:
            yield each.finding(path, _WAY)


def newly_declined(features: Tree, earlier: Tree, stored: Tree, stated: Tree) -> set[DeviceKey]:
    """The stored devices that an update's features decline and did not before.

    None of a list of which the update's own domain states something else: that is a conflict.
    """
    found: set[DeviceKey] = set()
    for feature, kind, pattern in declined(features):
        if features.get(feature) != earlier.get(feature):
            there = dict(_declinable(stored, kind, pattern))
            only = next(iter(there.values())) if len(there) == 1 else {}
            restated = _declinable(stated, kind, pattern)
            if all(_fits(there.get(name, only), device) for name, device in restated):
                found.update((kind, name) for name in there)
    return found


def _declinable(devices: Tree, kind: str, pattern: Tree) -> Iterator[tuple[str, Tree]]:
    """The devices of a list that fit a pattern, by their names."""
    for _, device in _devices(devices, kind):
        if not is_none(device) and _fits(device, pattern):
            yield device.get("name") or kind, device


def _odds(devices: Tree, features: Tree, contributions: Iterable[Contribution], path: str) -> Iterator[_Odds]:
    if not devices:
        return
    for feature, kind, pattern in declined(features):
        for place, device in _devices(devices, kind):
            if not is_none(device) and _fits(device, pattern):
                problem = f"declines what `{path}.domain.devices.{place}` states"
                yield _Odds(feature, kind, device.get("name") or kind, problem)
    for each in contributions:
        for kind, asked in each.asked.get("devices", {}).items():
            single: Tree = devices.get(kind) or {} if type(asked) is dict else {}
            if is_none(single) and not is_none(asked):
                problem = f"asks for the device of which `{path}.domain.devices.{kind}` says that there is none"
                yield _Odds(each.origin.rpartition(".")[2], kind, single.get("name") or kind, problem)


def _devices(devices: Tree, kind: str) -> Iterator[tuple[str, Tree]]:
    """The devices of a list, or the single one, with their places."""
    entries = devices.get(kind)
    if type(entries) is dict:
        yield kind, entries
    else:
        for index, entry in enumerate(entries or ()):
            yield f"{kind}[{index}]", entry


def _fits(device: Any, pattern: Any) -> bool:
    """Whether a device has all that a pattern has."""
    if type(pattern) is not dict:
        return bool(device == pattern)
    return type(device) is dict and all(_fits(device.get(name), value) for name, value in pattern.items())
