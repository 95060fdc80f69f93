"""The entries of lists as an update compares them: each list is read once, however many values stand in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from webhook.policy.language.cross_field import Memo


@dataclass(slots=True, eq=False)
class Namesakes:
    """What one decision has found out of the lists and devices of both specs, which stay as they are meanwhile."""

    # What the guards have found out of the stored spec.
    memo: Memo = field(default_factory=dict)
    _by_key: dict[int, dict[str | int, int | None]] = field(default_factory=dict)
    _contents: dict[int, frozenset[bytes]] = field(default_factory=dict)
    _pairs: dict[tuple[int, int, Callable[[Any, Any], bool]], bool] = field(default_factory=dict)

    def number(self, entry: Any, items: list[Any], key: str) -> int | None:
        """Where in a list the only entry with the same key is; None where there is none, or more than one."""
        name: Any = entry.get(key) if type(entry) is dict else None
        if type(name) not in (str, int):
            return None
        known = self._by_key.get(id(items))
        if known is None:
            known = self._by_key[id(items)] = _numbers(items, key)
        return known.get(name)

    def holds(self, items: list[Any], entry: Any) -> bool:
        """Whether a list has an equal entry."""
        known = self._contents.get(id(items))
        if known is None:
            known = self._contents[id(items)] = contents(items)
        return text(entry) in known

    def pair(self, new: Any, old: Any, compared: Callable[[Any, Any], bool]) -> bool:
        """The result of comparing two objects or lists, which are compared once."""
        pair = (id(new), id(old), compared)
        known = self._pairs.get(pair)
        if known is None:
            known = self._pairs[pair] = compared(new, old)
        return known


def contents(items: list[Any]) -> frozenset[bytes]:
    """The entries of a list as texts that are equal where the entries are."""
    return frozenset(text(item) for item in items)


def text(entry: Any) -> bytes:
    """An inspected JSON tree as a text that does not depend on the order of its names."""
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)


def _numbers(items: list[Any], key: str) -> dict[str | int, int | None]:
    found: dict[str | int, int | None] = {}
    for number, item in enumerate(items):
        name: Any = item.get(key) if type(item) is dict else None
        if type(name) in (str, int):
            found[name] = None if name in found else number
    return found
