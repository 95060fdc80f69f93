"""Which stored devices the unnamed devices of an update's domain are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

from webhook.declare import Reference, Shape
from webhook.declare.scalars import listed
from webhook.declare.tree import at
from webhook.domain import domain_shape
from webhook.domain.devices import KINDS
from webhook.findings import Finding, Refused
from webhook.trees import Tree

# A device by its list and its name.
DeviceKey = tuple[str, str]

# Stored devices that an update's devices without a name are compared with: beyond it, they have to be named.
_MOST_COMPARED = 4096


@dataclass(frozen=True, slots=True, eq=False)
class AskedDevices:
    """The devices that the stored features ask for (`before`), and those that the incoming ones do (`after`).

    `references`: what the incoming ones connect a device to, by field. `declined`: those that they now say there are
    none of; `anew`: those that they now ask for.
    """

    before: set[DeviceKey]
    after: set[DeviceKey]
    references: Mapping[DeviceKey, Tree] = field(default_factory=dict)
    declined: set[DeviceKey] = field(default_factory=set)
    anew: set[DeviceKey] = field(default_factory=set)


def adopt_names(devices: Tree, stored: Tree, tombstones: Tree, asked: AskedDevices, path: str) -> None:
    """Give unnamed devices the names of stored ones, in place.

    Each gets the name of the first one that it does not contradict. One that contradicts all is the only removed one
    that referred to the same object, or a stored one that would be removed otherwise and refers to another object now,
    if there is only one. Raises Refused where there are several, or where too many devices have no name.
    """
    compared = count(1)
    findings: list[Finding] = []
    for kind, entries in devices.items():
        before = stored.get(kind, [])
        if isinstance(entries, list) and isinstance(before, list):
            adoption = _Adoption(kind, f"{path}.devices.{kind}", asked, compared)
            findings += adoption.run(entries, before, tombstones.get(kind, []))
    if findings:
        raise Refused(findings)


@dataclass(frozen=True, slots=True, eq=False)
class _Adoption:
    """The adoption of names in one list; `path` is the list's."""

    kind: str
    path: str
    asked: AskedDevices
    compared: Iterator[int]

    def run(self, entries: list[Tree], before: list[Tree], resting: list[Tree]) -> Iterator[Finding]:
        """Name the devices; the findings of those that may be several stored ones."""
        unnamed = {index: entry for index, entry in enumerate(entries) if not entry.get("name")}
        if not unnamed:
            return
        taken = {entry.get("name") for entry in entries}
        free = {old["name"]: old for old in before if old["name"] not in taken}
        for entry in unnamed.values():
            name = next((name for name, old in free.items() if self._is(entry, name, old)), None)
            if name is not None:
                entry["name"] = name
                del free[name]
        self._bring_back([entry for entry in unnamed.values() if "name" not in entry], resting, taken)
        removed = {name: old for name, old in free.items() if (self.kind, name) not in self.asked.after}
        yield from self._reconnect({index: entry for index, entry in unnamed.items() if "name" not in entry}, removed)

    def _bring_back(self, unnamed: list[Tree], resting: list[Tree], taken: set[Any]) -> None:
        """Devices that were removed: they have the same identity, or referred to the same object."""
        references = references_of(self.kind)
        for entry in unnamed:
            identities, said = set(identities_of(self.kind, entry)), _without(entry, references)
            names = [
                old["name"]
                for old in resting
                if old["name"] not in taken
                and not identities.isdisjoint(identities_of(self.kind, old))
                and self._agrees(said, old)
            ]
            if not names and not references.isdisjoint(entry):
                names = [old["name"] for old in resting if old["name"] not in taken and self._agrees(entry, old)]
            if len(names) == 1:
                entry["name"] = names[0]
                taken.add(names[0])

    def _reconnect(self, unnamed: dict[int, Tree], removed: dict[str, Tree]) -> Iterator[Finding]:
        """Devices that differ from a removed one in nothing but what they refer to."""
        references = references_of(self.kind)
        candidates = {
            index: [name for name, old in removed.items() if self._agrees(_without(entry, references), old)]
            for index, entry in unnamed.items()
            if not references.isdisjoint(entry)
        }
        wanted = Counter(name for names in candidates.values() for name in names)
        for index, names in candidates.items():
            if len(names) == 1 and wanted[names[0]] == 1:
                unnamed[index]["name"] = names[0]
            elif names:
                problem = f"has no name and may be {'any of ' if len(names) > 1 else ''}{listed(tuple(names))}"
                ways = " or ".join(f"`name: {name}`" for name in names[:4])
                way = f"write {ways} to keep the device, or another name if it is new"
                yield Finding(f"{self.path}[{index}]", problem, way, "frozen")

    def _is(self, entry: Tree, name: str, old: Tree) -> bool:
        """Whether a device does not contradict a stored one, as it is or as the features connect it now."""
        references = self.asked.references.get((self.kind, name))
        return self._agrees(entry, old) or (references is not None and self._agrees(entry, {**old, **references}))

    def _agrees(self, entry: Tree, old: Tree) -> bool:
        if next(self.compared) > _MOST_COMPARED:
            problem = "has too many devices without a name to tell which of the stored ones they are"
            raise Refused([Finding(self.path, problem, "give each device of the list its `name`", "frozen")])
        return _agrees(entry, old)


def _agrees(part: Any, whole: Any) -> bool:
    """Whether no value of a partial tree contradicts the whole one."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            _agrees(value, whole[name]) for name, value in part.items() if name in whole
        )
    return bool(part == whole)


def _without(device: Tree, names: frozenset[str]) -> Tree:
    return {name: value for name, value in device.items() if name not in names}


def identities_of(kind: str, device: Tree) -> Iterator[Hashable]:
    """The values that no other device of the list has, with their fields."""
    for path in KINDS[kind].identities:
        value = at(device, path)
        if value is not None:
            yield path, str(value).lower()


def references(kind: str, device: Tree) -> tuple[tuple[str, str], ...]:
    """What a device refers to, by field."""
    return tuple((name, device[name]) for name in sorted(references_of(kind)) if device.get(name))


# Declarations do not change: these have one entry a list of devices.
@cache
def references_of(kind: str) -> frozenset[str]:
    """The fields by which the devices of a list refer to a Kubernetes object."""
    fields = device_shape(kind).fields
    return frozenset(name for name, entry in fields.items() if isinstance(entry.field_class, Reference))


@cache
def device_shape(kind: str) -> Shape:
    """The shape of the devices of a list."""
    devices = domain_shape().fields["devices"].shape
    assert devices is not None  # noqa: S101 - devices are an element
    shape = devices.fields[kind].shape
    assert shape is not None  # noqa: S101 - a device is an element
    return shape
