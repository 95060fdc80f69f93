"""Plain trees: the JSON that a review carries, as Python has it."""

from __future__ import annotations

from typing import Any

import orjson

_SORTED = orjson.OPT_SORT_KEYS


def copied(tree: Any) -> Any:
    """A copy of a JSON tree that shares no object or list with it."""
    if type(tree) is dict:
        return {name: copied(value) if type(value) in (dict, list) else value for name, value in tree.items()}
    if type(tree) is list:
        return [copied(value) if type(value) in (dict, list) else value for value in tree]
    return tree


def at(tree: Any, dotted: str) -> Any:
    """What a tree says at a dotted path; None where it says nothing."""
    for name in dotted.split("."):
        tree = tree.get(name) if type(tree) is dict else None
    return tree


def same(one: Any, other: Any) -> bool:
    """Whether two trees are the same JSON in whatever order their names stand: an API server writes its own."""
    return bool(one == other) and orjson.dumps(one, option=_SORTED) == orjson.dumps(other, option=_SORTED)


def identical(one: Any, other: Any) -> bool:
    """Whether two trees are the same JSON: in Python 1 is True, and 2.0 is 2."""
    return bool(one == other) and orjson.dumps(one) == orjson.dumps(other)
