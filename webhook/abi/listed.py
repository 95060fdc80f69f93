"""The entries of one list while it is merged: found by name, or by what tells one device from another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from webhook.declare import Shape

Tree = dict[str, Any]
Values = tuple[Any, ...]
# An entry and its place in the list.
Placed = tuple[int, Tree]


@dataclass(slots=True)
class Listed:
    """Made once a list, and told of each entry that is added or has got further values."""

    entries: list[Tree]
    shape: Shape
    by_name: dict[Any, Tree] = field(init=False)
    _unnamed: dict[int, tuple[int, Tree, Values]] = field(init=False)
    _alike: dict[Values, dict[int, Tree]] = field(default_factory=dict)
    _places: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name = {}
        self._unnamed = {}
        for place, entry in enumerate(self.entries):
            self._places[id(entry)] = place
            name = entry.get(self.shape.key)
            if name is None:
                self._unnamed[place] = (place, entry, self._values(entry))
            else:
                self.by_name[name] = entry
                self.note(entry)

    def add(self, entry: Tree) -> None:
        """One more entry, which has a name."""
        self._places[id(entry)] = len(self.entries)
        self.entries.append(entry)
        self.by_name[entry[self.shape.key]] = entry
        self.note(entry)

    def name(self, entry: Tree, name: Any) -> None:
        """An entry of the list is the one of this name, which it gets where it has none."""
        entry.setdefault(self.shape.key, name)
        self._unnamed.pop(self._places[id(entry)], None)
        self.by_name[name] = entry

    def note(self, entry: Tree) -> None:
        """A named entry may have got values that tell it from others."""
        values = self._values(entry)
        if None not in values:
            self._alike.setdefault(values, {}).setdefault(self._places[id(entry)], entry)

    def alike(self, item: Tree) -> Iterator[Placed]:
        """The named entries that are alike in every way that tells devices apart, in the list's order."""
        wanted = self._values(item)
        if None not in wanted:
            found = self._alike.get(wanted, {})
            yield from ((place, found[place]) for place in sorted(found) if self._values(found[place]) == wanted)

    def unnamed(self, item: Tree) -> Iterator[tuple[Placed, bool]]:
        """The entries without a name in the list's order, and whether they say nothing else than the item does."""
        wanted = self._values(item)
        for place, entry, values in self._unnamed.values():
            yield (place, entry), all(w is None or v is None or w == v for w, v in zip(wanted, values, strict=True))

    def _values(self, entry: Tree) -> Values:
        return tuple(at(entry, dotted) for dotted in self.shape.alike)


def at(tree: Tree, dotted: str) -> Any:
    """What a tree says at a dotted path; None where it says nothing."""
    value: Any = tree
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
