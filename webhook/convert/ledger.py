"""What is taken of a tree, and what is left: nothing of an object is lost without a word.

A converter takes what it carries. What nobody took is left, whatever it is, and is told by its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from webhook.declare.tree import copied

Key = str | int
# A place: the names and indices that lead there.
Keys = tuple[Key, ...]
# A longer name is none of an API.
_LONGEST = 256


class Ledger:
    """A copy of a tree from which values are taken; one of another type than asked for stays."""

    def __init__(self, tree: Any, path: str = "") -> None:
        self._tree = copied(tree)
        self.path = path

    def take(self, *keys: Key) -> Any:
        """A value with all below it, whatever it is; None where there is none."""
        return self._take(keys, object)

    def text(self, *keys: Key) -> str | None:
        """A text that says something."""
        found: str | None = self._take(keys, str)
        return found or None

    def texts(self, *keys: Key, names: Iterable[str]) -> dict[str, str]:
        """The texts of these names below the keys, as far as each says something."""
        return {name: value for name in names if (value := self.text(*keys, name))}

    def number(self, *keys: Key) -> int | None:
        """A whole number."""
        found: int | None = self._take(keys, int)
        return found

    def flag(self, *keys: Key) -> bool | None:
        """True or false."""
        found: bool | None = self._take(keys, bool)
        return found

    def has(self, *keys: Key) -> bool:
        """Whether there is anything, an empty object too."""
        return self._at(keys) is not None

    def says(self, *keys: Key) -> Any:
        """A value that stays."""
        return self._at(keys)

    def empty(self, *keys: Key) -> bool:
        """Whether there is an object; what of it is empty by now is taken."""
        there = self._at(keys)
        if type(there) is not dict:
            return False
        if not there:
            self.take(*keys)
        return True

    def count(self, *keys: Key) -> int:
        """How many entries a list has."""
        there = self._at(keys)
        return len(there) if type(there) is list else 0

    def left(self) -> Iterator[tuple[str, Any]]:
        """Every value that nobody took, with its path."""
        return _leaves(self._tree, self.path) if self._tree else iter(())

    def _at(self, keys: Keys) -> Any:
        tree = self._tree
        for key in keys:
            tree = _below(tree, key)
        return tree

    def _take(self, keys: Keys, form: type) -> Any:
        above = [self._tree]
        for key in keys[:-1]:
            above.append(_below(above[-1], key))
        found = _below(above[-1], keys[-1])
        if found is None or (form is not object and type(found) is not form):
            return None
        for tree, key in zip(reversed(above), reversed(keys), strict=True):
            if type(tree) is list:
                tree[int(key)] = None
                break
            del tree[key]
            if tree:
                break
        return found


def _below(tree: Any, key: Key) -> Any:
    if type(tree) is dict:
        return tree.get(key)
    return tree[key] if type(tree) is list and type(key) is int and 0 <= key < len(tree) else None


# What a name has that is no part of a path.
_FOREIGN = re.compile(r"[^A-Za-z0-9_./~-]")


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if type(tree) is dict and tree:
        for key, value in tree.items():
            name = _FOREIGN.sub("?", str(key)[:_LONGEST])
            yield from _leaves(value, f"{path}.{name}" if path else name)
    elif type(tree) is list and tree:
        for index, value in enumerate(tree):
            yield from _leaves(value, f"{path}[{index}]")
    elif tree is not None and tree != []:
        yield path, tree
