"""Names of devices: a label made of a word, and the first one that is free."""

from __future__ import annotations

import re

_FOREIGN = re.compile("[^a-z0-9]+")
_LABEL = re.compile("[a-z0-9]([-a-z0-9]{0,53}[a-z0-9])?")


def label(word: str) -> str:
    """A word as an RFC 1123 label with room for a number: `My.Disk` becomes `my-disk`."""
    if _LABEL.fullmatch(word):
        return word
    return _FOREIGN.sub("-", word.lower()).strip("-")[:55].strip("-")


def free(word: str, taken: set[str], numbers: dict[str, int]) -> str:
    """The first of `cdrom`, `cdrom-2`, … that is free; `numbers` holds the last number of each word."""
    number = numbers.get(word, 1)
    name = word if number == 1 else f"{word}-{number}"
    while name in taken:
        number += 1
        name = f"{word}-{number}"
    numbers[word] = number
    return name
