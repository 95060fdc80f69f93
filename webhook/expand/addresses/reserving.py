"""The places of removed devices: kept empty for their return, and given up where a bus has no other, the oldest first.

A reserved place is {list, name, device}, the oldest come first. One that is `held` is never given up: its device still
runs, or the host has a part in it. One that was `given` is marked so.
"""

from __future__ import annotations

from collections.abc import Iterator

from webhook.domain.address import Parts, parts_of
from webhook.trees import Tree


def to_give(bus: str, reserved: list[Tree]) -> Iterator[tuple[Tree, Parts]]:
    """The reserved places of a bus that can be given up; whoever takes one marks it as given."""
    for entry in reserved:
        address = parts_of(entry["device"])
        if address.get("type") == bus and not entry.get("held"):
            yield entry, address


def give_up(entry: Tree) -> None:
    """Mark a place as given to another device."""
    entry["given"] = True
