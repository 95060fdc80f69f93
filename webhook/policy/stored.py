"""What an update leaves as it is stored: the same value at the same place, devices told by name and not by index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from webhook.declare import Place
from webhook.policy.view import MISSING, Denial, Tree

_PART = re.compile(r"([^.\[\]]+)(?:\[([0-9]+)\])?")
_MISSING: Any = object()


def unchanged(denial: Denial, spec: Tree, stored: Tree, path: str, places: Mapping[str, Place]) -> bool:
    """Whether the old spec holds the refused value just as the new one does.

    A list whose entries have no key is one value. For what is missing: whether its surroundings were there without it.
    For what is counted: whether there are no more than before.
    """
    new: Any = spec
    old: Any = stored
    declared = ""
    parts = _PART.findall(denial.path[len(path) + 1 :])
    for depth, (name, index) in enumerate(parts):
        declared = f"{declared}.{name}".removeprefix(".")
        if type(old) is not dict:
            return False
        new, old = new.get(name, _MISSING) if type(new) is dict else _MISSING, old.get(name, _MISSING)
        if denial.kind == MISSING and old is _MISSING:
            return not any(entry for _, entry in parts[depth:])
        if index:
            declared += "[*]"
            new, old, told = _entry(new, old, int(index), places.get(declared))
            if not told:
                return _same(new, old)
    if _counted(denial) and type(old) is list:
        return len(new) <= len(old)
    return _same(new, old)


def _entry(new: Any, old: Any, index: int, place: Place | None) -> tuple[Any, Any, bool]:
    """The entry and its namesake in the old list; the whole lists where entries have no key."""
    if type(new) is not list or type(old) is not list or index >= len(new):
        return new, _MISSING, False
    key = place.field.shape.key if place is not None and place.field.shape is not None else ""
    if not key:
        return new, old, False
    entry = new[index]
    name = entry.get(key) if type(entry) is dict else None
    if type(name) not in (str, int):
        return entry, _MISSING, False
    namesakes = [item for item in old if type(item) is dict and item.get(key) == name]
    return entry, namesakes[0] if len(namesakes) == 1 else _MISSING, True


def _counted(denial: Denial) -> bool:
    return any(each.name == "count-above" for each in denial.rule.conditions)


def _same(new: Any, old: Any) -> bool:
    return type(new) is type(old) and bool(new == old)
