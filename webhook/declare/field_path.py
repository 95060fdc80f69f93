"""Where a field is in a tree: names one below the other, each with an entry where it is a list's.

`domain.devices.disks[1].serial` is a place of one tree, `domain.devices.disks[root].serial` the same by the entry's
key, and `domain.devices.disks[*].serial` is how the declarations have it. Findings, marks and rules have paths as text;
a FieldPath is made of it where a path is followed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

# A name, and the entry of a list: its index, its key, or `*` for any; empty where the whole field is meant.
Part = tuple[str, str]
# A part, and the declared path down to there.
Step = tuple[str, str, str]
# What stands where a tree has nothing; None is a value of JSON.
ABSENT: Any = object()
_PART = re.compile(r"([^.\[\]]+)(?:\[([^\]]*)\])?")
_INDEX = re.compile("[0-9]{1,9}")


class FieldPath(tuple[Part, ...]):
    """The parts of a path below the root of a tree; the empty one is the root itself."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> FieldPath:
        """The path that is written so; of what is no path, the names that are in it."""
        return cls(_PART.findall(text))

    def __str__(self) -> str:
        return ".".join([f"{name}[{entry}]" if entry else name for name, entry in self])

    def below(self, *parts: Part) -> FieldPath:
        """A path that leads on from here."""
        return FieldPath((*self, *parts))

    def at(self, entry: str) -> FieldPath:
        """The path of an entry of the list that this one is of."""
        *above, (name, _) = self
        return FieldPath((*above, (name, entry)))

    def declared(self, length: int) -> str:
        """The declared path of so many parts."""
        return ".".join([f"{name}[*]" if entry else name for name, entry in self[:length]])

    @property
    def steps(self) -> tuple[Step, ...]:
        """Each name, its entry, and the declared path down to there."""
        found, declared = [], ""
        for name, entry in self:
            declared = f"{declared}.{name}" if declared else name
            if entry:
                declared += "[*]"
            found.append((name, entry, declared))
        return tuple(found)

    @property
    def indices(self) -> dict[str, int]:
        """The lists that the path leads into, by their declared path, with the index of the entry in each."""
        return {declared: int(entry) for _, entry, declared in self.steps if entry}

    def value(self, tree: Any, keys: Collection[str] = ()) -> Any:
        """What stands at the path, None where nothing does; an entry by its index, else by one of these fields."""
        for name, entry in self:
            tree = tree.get(name) if type(tree) is dict else None
            if entry:
                tree = _entry(tree, entry, keys) if type(tree) is list else None
        return tree

    def values(self, tree: Any) -> list[Any]:
        """All that stands at a declared path; what is of another shape, or nothing, has none."""
        for depth, (name, entry) in enumerate(self, 1):
            tree = tree.get(name) if type(tree) is dict else None
            if tree is None:  # nearly always: most trees state little of what is declared
                return []
            if entry:
                return _of_entries(tree, FieldPath(self[depth:])) if type(tree) is list else []
        return [tree]


def _of_entries(entries: list[Any], below: FieldPath) -> list[Any]:
    if not below:
        return entries
    first = below[0][0]
    return [value for each in entries if type(each) is dict and first in each for value in below.values(each)]


def _entry(entries: list[Any], entry: str, keys: Collection[str]) -> Any:
    if _INDEX.fullmatch(entry) and int(entry) < len(entries):
        return entries[int(entry)]
    return next((each for each in entries if type(each) is dict and entry in [each.get(key) for key in keys]), None)


class Pair(NamedTuple):
    """What stands at a path of one tree, and what stands in its place in another, at `parts` of that one."""

    one: Any
    other: Any
    parts: tuple[Part, ...]

    @property
    def path(self) -> FieldPath:
        """The path in the other tree, which is made where somebody asks for it."""
        return FieldPath(self.parts)

    def field(self, name: str) -> Pair:
        """The same field of both; the other one is an element."""
        one, other, parts = self
        below = one.get(name, ABSENT) if type(one) is dict else ABSENT
        return Pair(below, other.get(name, ABSENT), (*parts, (name, "")))

    def entry(self, index: int, number: int) -> Pair:
        """An entry of the one list, and its counterpart, which stands elsewhere in the other."""
        return Pair(self.one[index], self.other[number], self.path.at(str(number)))


def declared_form(path: str) -> str:
    """A path as the declarations have it: whatever entries it names, it is about any."""
    if "[" not in path:
        return path
    first, *rest = path.split("[")
    return first + "".join([f"[*{part[part.index(']') :]}" for part in rest])


def around(declared: str) -> Iterator[str]:
    """A declared path, and those that it is below, the nearest first."""
    while declared:
        yield declared
        declared = declared.rpartition(".")[0]
