"""Stories in which all that a VM is connected to gets other names: claims, images, networks, one after the other.

Each story is an order of the entries; in one way the names are new, in the other each entry takes the name that the one
before it has just left.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from webhook.trees import Tree

# Which entry of which feature, in the order in which a story renames them.
Order = tuple[tuple[str, int], ...]

CONNECTED: Tree = {
    "storage": [{"source": "root"}, {"source": "data"}, {"type": "cdrom", "source": "installer"}],
    "network": [{"source": "front"}, {"source": "back"}],
}
ENTRIES = tuple((feature, index) for feature, entries in CONNECTED.items() for index in range(len(entries)))
ORDERS: tuple[Order, ...] = tuple(itertools.permutations(ENTRIES))


def connected(*, named: bool) -> Tree:
    """The entries of the VM, with names of the tenant's own or without."""

    def entry(feature: str, index: int) -> Tree:
        own = {"name": f"{feature}-{index}"} if named else {}
        return {**CONNECTED[feature][index], **own}

    return {feature: [entry(feature, index) for index in range(len(entries))] for feature, entries in CONNECTED.items()}


def steps(order: Order, names: str, story: int, *, named: bool) -> Iterator[Tree]:
    """The entries after each rename, to `fresh` names or to those just `left`; odd stories turn the lists, too."""
    wanted = connected(named=named)
    free: dict[str, str] = {}
    for number, (feature, index) in enumerate(order):
        entry = wanted[feature][index]
        left = entry["source"]
        entry["source"] = free.get(feature) if names == "left" and feature in free else f"new-{story}-{number}"
        free[feature] = left
        yield {one: list(reversed(entries)) if story % 2 else list(entries) for one, entries in wanted.items()}
