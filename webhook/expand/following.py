"""A stored machine under a merge: its values stay, but for those that a feature now asks otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from webhook.declare import Field
from webhook.trees import Tree


class Followed(NamedTuple):
    """A value that follows a feature: the feature's path, and the value that it had."""

    origin: str
    stored: Any


@dataclass(slots=True, eq=False)
class Frozen:
    """A stored domain, and what its features asked for so far; None where they are the same.

    `followed` are the values that now are others, by their path below the domain with names for the entries of lists.
    """

    stored: Tree
    before: Tree | None = None
    followed: dict[str, Followed] = field(default_factory=dict)

    def stored_at(self, path: str) -> Any:
        """What is stored at a path."""
        return value_at(self.stored, path)

    def changed(self, path: str, value: Any, entry: Field) -> bool:
        """Whether the features did not ask for this before."""
        return self.before is not None and not entry.same(value_at(self.before, path), value)

    def follow(self, path: str, origin: str, stored: Any) -> None:
        """Note that a value follows a feature."""
        self.followed[path] = Followed(origin, stored)


def with_resting(domain: Tree, tombstones: Tree) -> Tree:
    """A stored domain with its removed devices, which may come back."""
    if not tombstones:
        return domain
    devices = dict(domain.get("devices", {}))
    for kind, resting in tombstones.items():
        there = devices.get(kind)
        devices[kind] = [*(there or ()), *resting] if type(resting) is list else there or resting
    return {**domain, "devices": devices}


def value_at(tree: Mapping[str, Any], path: str) -> Any:
    """The value at a path like `.devices.disks[my-disk].serial`, or None."""
    value: Any = tree
    for part in path.removeprefix(".").split("."):
        name, _, key = part.partition("[")
        value = value.get(name) if isinstance(value, dict) else None
        if key and isinstance(value, list):
            wanted = key.removesuffix("]")
            value = next((item for item in value if wanted in (item.get("name"), item.get("timer"))), None)
    return value
