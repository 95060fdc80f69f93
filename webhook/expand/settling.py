"""Which of several entries is which of several devices, where that is certain."""

from __future__ import annotations

from collections.abc import Mapping

# The devices that each entry may be, by its origin.
Candidates = dict[str, list[str]]


def settled(
    candidates: Candidates, texts: Mapping[str, bytes], *, strict: bool = False
) -> tuple[list[tuple[str, str]], Candidates]:
    """The pairs of entry and device that are certain, and what is left of the candidates; `texts` is what entries say.

    An entry that can be one device only is that one. Where another can be it too, that one is something else, unless
    it can be nothing else either; if `strict`, the device is nobody's then.
    """
    pairs: list[tuple[str, str]] = []
    while certain := _certain(candidates, strict) or _alike(candidates, texts):
        pairs += certain
        settled_entries, devices = {origin for origin, _ in certain}, {name for _, name in certain}
        candidates = {
            origin: left
            for origin, names in candidates.items()
            if origin not in settled_entries and (left := [name for name in names if name not in devices])
        }
    return pairs, candidates


def _certain(candidates: Candidates, strict: bool) -> list[tuple[str, str]]:
    """Entries that can be one device only, as far as no other entry is in the way."""
    wanting: dict[str, list[str]] = {}
    for origin, names in candidates.items():
        for name in names:
            wanting.setdefault(name, []).append(origin)
    return [
        (origin, names[0])
        for origin, names in candidates.items()
        if len(names) == 1
        and all(other == origin or (not strict and len(candidates[other]) > 1) for other in wanting[names[0]])
    ]


def _alike(candidates: Candidates, texts: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Entries that say the same and are all of the devices that they can be: in order, as nothing tells them apart."""
    groups: dict[bytes, list[str]] = {}
    for origin in candidates:
        groups.setdefault(texts[origin], []).append(origin)
    for origins in groups.values():
        names = candidates[origins[0]]
        others = {name for origin, found in candidates.items() if origin not in origins for name in found}
        if len(names) <= len(origins) and others.isdisjoint(names):
            return list(zip(origins, names, strict=False))
    return []
