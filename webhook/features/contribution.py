"""What one feature adds to a domain, and the words that features share: partial trees, devices' names, conflicts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

Tree = dict[str, Any]

_FOREIGN = re.compile("[^a-z0-9]+")
_LABEL = re.compile("[a-z0-9]([-a-z0-9]{0,53}[a-z0-9])?")


class Contribution(NamedTuple):
    """Partial domain trees: what the tenant asked for, and the best practice around it.

    `origin` is the feature's path (`spec.features.storage[1]`), `because` where the default comes from. The trees
    may be shared between calls: whoever takes from them copies.
    """

    origin: str
    asked: Tree
    default: Tree
    because: str


def one(kind: str, device: Tree) -> Tree:
    """A partial domain with one device in its list."""
    return {"devices": {kind: [device]}}


def names_of(devices: Iterable[tuple[str | None, str]]) -> list[str]:
    """A name for each device, in order: its own, or one made of its word; the second `cdrom` is `cdrom-2`."""
    pairs = list(devices)
    taken = {own for own, _ in pairs if own}
    names: list[str] = []
    for own, word in pairs:
        name = own or _free(_label(word), taken)
        taken.add(name)
        names.append(name)
    return names


def _free(label: str, taken: set[str]) -> str:
    name, number = label, 2
    while name in taken:
        name, number = f"{label}-{number}", number + 1
    return name


def _label(word: str) -> str:
    """A word as an RFC 1123 label: `my.disk` becomes `my-disk`."""
    if _LABEL.fullmatch(word):
        return word
    return _FOREIGN.sub("-", word.lower()).strip("-")[:55].strip("-")
