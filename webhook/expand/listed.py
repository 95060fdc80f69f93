"""The entries of one list while it is merged: found by name, or by what tells one device from another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from webhook.declare import Shape

Tree = dict[str, Any]
Values = tuple[Any, ...]
# An entry and its place in the list.
Placed = tuple[int, Tree]


class Listed:
    """Made once a list, and told of each entry that is added or has got further values.

    Most lists are short, and all their entries are found by name: what else is known of them is found out when it is
    asked for.
    """

    __slots__ = ("_alike", "_places", "_unnamed", "by_name", "entries", "shape")

    def __init__(self, entries: list[Tree], shape: Shape) -> None:
        self.entries = entries
        self.shape = shape
        self.by_name: dict[Any, Tree] = {}
        self._unnamed: dict[int, tuple[Tree, Values]] = {}
        # Of the named entries, by the values that tell them from others.
        self._alike: dict[Values, dict[int, Tree]] | None = None
        self._places: dict[int, int] = {}
        for place, entry in enumerate(entries):
            name = entry.get(shape.key)
            if name is None:
                self._unnamed[place] = entry, self._values(entry)
                self._places[id(entry)] = place
            else:
                self.by_name[name] = entry

    def add(self, entry: Tree) -> None:
        """One more entry, which has a name."""
        self.entries.append(entry)
        self.by_name[entry[self.shape.key]] = entry
        if self._alike is not None:
            self._places[id(entry)] = len(self.entries) - 1
            self.note(entry)

    def name(self, entry: Tree, name: Any) -> None:
        """An entry of the list is the one of this name, which it gets where it has none."""
        entry.setdefault(self.shape.key, name)
        self.by_name[name] = entry
        if self._unnamed:
            self._unnamed.pop(self._places[id(entry)], None)

    def note(self, entry: Tree) -> None:
        """A named entry may have got values that tell it from others."""
        if self._alike is not None:
            values = self._values(entry)
            if None not in values:
                self._alike.setdefault(values, {}).setdefault(self._places[id(entry)], entry)

    def alike(self, item: Tree) -> Iterator[Placed]:
        """The named entries that are alike in every way that tells devices apart, in the list's order."""
        wanted = self._values(item)
        if None in wanted:
            return
        if self._alike is None:
            self._index()
        found = (self._alike or {}).get(wanted, {})
        yield from ((place, found[place]) for place in sorted(found) if self._values(found[place]) == wanted)

    def unnamed(self, item: Tree) -> Iterator[tuple[Placed, bool]]:
        """The entries without a name in the list's order, and whether they say nothing else than the item does."""
        wanted = self._values(item)
        for place, (entry, values) in self._unnamed.items():
            yield (place, entry), all(w is None or v is None or w == v for w, v in zip(wanted, values, strict=True))

    def _index(self) -> None:
        self._alike = {}
        for place, entry in enumerate(self.entries):
            self._places[id(entry)] = place
            if place not in self._unnamed:
                self.note(entry)

    def _values(self, entry: Tree) -> Values:
        found: list[Any] = []
        for path in _paths(self.shape.alike):
            value: Any = entry
            for name in path:
                value = value.get(name) if type(value) is dict else None
            found.append(value)
        return tuple(found)


@cache
def _paths(alike: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Dotted paths as the names that they are made of; the cache is bounded by the declarations."""
    return tuple(tuple(dotted.split(".")) for dotted in alike)
