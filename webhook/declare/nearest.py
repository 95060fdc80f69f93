"""The declared name that a mistyped one is nearest to, at a cost that does not grow with the declarations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

# Of a word longer than this nobody meant a field.
_LONGEST = 64
# Names that share the most pairs of letters; the exact comparison, which is slow, is made with these alone.
_COMPARED = 5
# Words up to this length are like too many names: only one that begins alike is meant (`mem`, but not `gpu` for `cpu`).
_SHORT = 3

Pairs = dict[str, list[str]]


def pairs_of(names: Iterable[str]) -> Pairs:
    """Names by each pair of neighbouring letters that they have, in any case."""
    found: Pairs = {}
    for name in names:
        for pair in _pairs(name):
            found.setdefault(pair, []).append(name)
    return found


def nearest(word: str, known: Pairs) -> str:
    """The name that is most like a word; empty where none is like it."""
    shared = Counter(name for pair in _pairs(word[:_LONGEST]) for name in known.get(pair, ()))
    likely = [name for name, _ in shared.most_common(_COMPARED)]
    return closest(word, likely)


def closest(word: str, names: Iterable[str], cutoff: float = 0.6, longest: int = _LONGEST) -> str:
    """The one of a few names that is most like a word's first `longest` characters; empty where none is.

    `cutoff` is the least likeness, 0 to 1 (difflib, `get_close_matches`).
    """
    import difflib  # most starts meet no mistyped word

    if len(word) <= _SHORT:
        names = [name for name in names if name[:1].lower() == word[:1].lower()]
    near = difflib.get_close_matches(word[:longest], names, n=1, cutoff=cutoff)
    return near[0] if near else ""


def _pairs(word: str) -> set[str]:
    lower = f"^{word.lower()}$"  # first and last letters count as pairs, too: short words have few others
    return {lower[index : index + 2] for index in range(len(lower) - 1)}
