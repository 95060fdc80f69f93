"""The entries of one list during a merge: found by name, or by the distinguishing fields of the declaration."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from webhook.declare import Shape
from webhook.trees import Tree

Values = tuple[Any, ...]
# An entry and its place in the list.
Placed = tuple[int, Tree]


class Listed:
    """An index of one list. The merge reports each entry that it adds (`add`) or changes (`note`).

    Most lists are short and their entries are found by name: the index by distinguishing fields is made on demand.
    """

    __slots__ = ("_alike", "_places", "_unnamed", "by_name", "entries", "shape")

    def __init__(self, entries: list[Tree], shape: Shape) -> None:
        self.entries = entries
        self.shape = shape
        self.by_name: dict[Any, Tree] = {}
        self._unnamed: dict[int, tuple[Tree, Values]] = {}
        # The named entries by their distinguishing values.
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
        """Append an entry, which has a name."""
        self.entries.append(entry)
        self.by_name[entry[self.shape.key]] = entry
        if self._alike is not None:
            self._places[id(entry)] = len(self.entries) - 1
            self.note(entry)

    def name(self, entry: Tree, name: Any) -> None:
        """Find an entry by this name from now on; the entry gets it where it has none."""
        entry.setdefault(self.shape.key, name)
        self.by_name[name] = entry
        if self._unnamed:
            self._unnamed.pop(self._places[id(entry)], None)

    def note(self, entry: Tree) -> None:
        """Update the index after a change of a named entry."""
        if self._alike is not None:
            values = self._values(entry)
            if None not in values:
                self._alike.setdefault(values, {}).setdefault(self._places[id(entry)], entry)

    def alike(self, item: Tree) -> Iterator[Placed]:
        """The named entries whose distinguishing values are all the same, in the list's order."""
        wanted = self._values(item)
        if None in wanted:
            return
        if self._alike is None:
            self._index()
        found = (self._alike or {}).get(wanted, {})
        yield from ((place, found[place]) for place in sorted(found) if self._values(found[place]) == wanted)

    def unnamed(self, item: Tree) -> Iterator[tuple[Placed, bool]]:
        """The entries without a name in the list's order, and whether no distinguishing value differs."""
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
    """The parts of dotted paths; the declarations bound the cache."""
    return tuple(tuple(dotted.split(".")) for dotted in alike)
