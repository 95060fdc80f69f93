"""The devices that features ask for, as they are compared with devices that have their names."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple

import orjson

from webhook.abi.adoption import device_shape, identities_of, references, references_of
from webhook.declare import Shape
from webhook.features.contribution import Contribution
from webhook.trees import Tree

# The name of a contribution's device, by the contribution's origin.
Names = Mapping[str, str]
# What an entry may say anew of the same device; the freeze refuses the change where it is none.
_TURNABLE = frozenset({"bootOrder", "readonly"})


# What makes a device another one where it is said of one alone: a card of the host's is no virtio card, a seed no disk.
KIND_OF_DEVICE = ("sriov", "seed")


class Wanted(NamedTuple):
    """A device of one contribution: its list, what is asked of it but for the name, and its name.

    `base`: what the name was made of; empty where it was stated.
    """

    origin: str
    kind: str
    asked: Tree
    name: str
    base: str

    @property
    def text(self) -> bytes:
        """All that is asked, equal where the same is asked."""
        return orjson.dumps(self.asked, option=orjson.OPT_SORT_KEYS)

    @property
    def text_but_references(self) -> bytes:
        """What is asked, whatever the device is connected to."""
        left = {name: value for name, value in self.asked.items() if name not in references_of(self.kind)}
        return orjson.dumps(left, option=orjson.OPT_SORT_KEYS)

    @property
    def identities(self) -> Iterator[Hashable]:
        """The identities that are asked."""
        return identities_of(self.kind, self.asked)

    def connected_as(self, device: Tree) -> bool:
        """Whether a device refers to what is asked."""
        return references(self.kind, self.asked) == references(self.kind, device)

    def agrees(self, device: Tree) -> bool:
        """Whether a device has all that is asked, but for what it refers to."""
        return _within(self.asked, device, device_shape(self.kind), references_of(self.kind))

    def can_be(self, device: Tree) -> bool:
        """Whether it may be this device, which refers to something else or starts at another turn."""
        same_kind = all(self.asked.get(name) == device.get(name) for name in KIND_OF_DEVICE)
        return same_kind and _within(self.asked, device, device_shape(self.kind), references_of(self.kind) | _TURNABLE)


# The devices that features ask for, by list.
Lists = Mapping[str, list[Wanted]]


def wanted_by(contributions: Iterable[Contribution]) -> Lists:
    """The devices that contributions ask for, in order, for each list whose devices refer to Kubernetes objects."""
    found: dict[str, list[Wanted]] = {}
    for each in contributions:
        lists = each.asked.get("devices")
        for kind, devices in lists.items() if lists else ():
            if type(devices) is list and references_of(kind):
                found.setdefault(kind, []).extend([_wanted(each, kind, device) for device in devices])
    return found


def _wanted(contribution: Contribution, kind: str, device: Tree) -> Wanted:
    """A device that is asked, with the default of its own type (a CD-ROM drive is no disk)."""
    asked = {**device}
    name = asked.pop("name")
    for default in contribution.default.get("devices", {}).get(kind, ()):
        if "device" in default:
            asked.setdefault("device", default["device"])
    return Wanted(contribution.origin, kind, asked, name, contribution.base)


def named(lists: Lists, names: Names) -> Lists:
    """The devices under these names."""
    return {
        kind: [each._replace(name=names.get(each.origin, each.name)) for each in entries]
        for kind, entries in lists.items()
    }


def renamed(contributions: Iterable[Contribution], names: Names) -> list[Contribution]:
    """The contributions with these names of their devices."""
    return [_renamed(each, names[each.origin]) if each.origin in names else each for each in contributions]


def _renamed(contribution: Contribution, name: str) -> Contribution:
    if all(one["name"] == name for entries in contribution.asked["devices"].values() for one in entries):
        return contribution

    def with_name(tree: Tree) -> Tree:
        lists = tree.get("devices", {})
        return {
            **tree,
            "devices": {kind: [{**one, "name": name} for one in entries] for kind, entries in lists.items()},
        }

    return contribution._replace(asked=with_name(contribution.asked), default=with_name(contribution.default))


def _within(part: Tree, whole: Tree, shape: Shape, but: frozenset[str]) -> bool:
    """Whether all values of a partial tree are those of the whole one."""
    for name, value in part.items():
        there, entry = whole.get(name), shape.fields[name]
        if name in but:
            continue
        if there is None:
            return False
        if entry.shape is not None and not entry.many:
            if not _within(value, there, entry.shape, frozenset()):
                return False
        elif there != value and (entry.scalar is None or not entry.scalar.same(there, value)):
            return False
    return True
