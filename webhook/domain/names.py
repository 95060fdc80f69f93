"""Names of devices: a label made of a word, and the first one that is free."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_FOREIGN = re.compile("[^a-z0-9]+")
_LABEL = re.compile("[a-z0-9]([-a-z0-9]{0,53}[a-z0-9])?")


def label(word: str) -> str:
    """A word as an RFC 1123 label with room for a number: `My.Disk` becomes `my-disk`."""
    if _LABEL.fullmatch(word):
        return word
    return _FOREIGN.sub("-", word.lower()).strip("-")[:55].strip("-")


def referred(word: str) -> str:
    """The part of a reference that names a device: `front` of `team-a/front`, `gpu` of `nvidia.com/gpu`."""
    return word.rpartition("/")[2]


def free(word: str, taken: set[str], numbers: dict[str, int]) -> str:
    """The first of `cdrom`, `cdrom-2`, … that is free; `numbers` holds the last number of each word."""
    number = numbers.get(word, 1)
    name = word if number == 1 else f"{word}-{number}"
    while name in taken:
        number += 1
        name = f"{word}-{number}"
    numbers[word] = number
    return name


def names_of(devices: Iterable[tuple[str | None, str]], reserved: Collection[str] = ()) -> list[str]:
    """A name for each device, in order: its own, or one made of its base; the second `cdrom` is `cdrom-2`.

    No made name is another device's own, its base, or one of `reserved`: beside two NICs on the network `front` the one
    on the network `front-2` has the name `front-2`, in any order.
    """
    pairs = list(devices)
    taken = {own for own, _ in pairs if own}.union(reserved)
    names: list[str] = []
    numbered: list[tuple[int, str]] = []
    for index, (own, base) in enumerate(pairs):
        name = own or label(base)
        if not own and name in taken:
            numbered.append((index, name))
        taken.add(name)
        names.append(name)
    numbers: dict[str, int] = {}
    for index, word in numbered:
        names[index] = free(word, taken, numbers)
        taken.add(names[index])
    return names
