"""What an update leaves as it is stored: the same value at the same place, devices told by name and not by index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from operator import eq
from typing import Any

from webhook.declare import Place
from webhook.policy.guards import Seat
from webhook.policy.model import Rule
from webhook.policy.namesakes import Namesakes
from webhook.policy.totals import totals
from webhook.policy.view import MISSING, TOTAL, Denial, Tree, View

# A name of a path, and the index of its entry where it is a list.
PART = re.compile(r"([^.\[\]]+)(?:\[([0-9]+)\])?")
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class _Pair:
    """What stands at one place now and what stood there, or the whole lists, and the old path of the value."""

    new: Any
    old: Any
    old_path: str
    # The outermost entries with a key that the value stands in, now and then.
    device: tuple[Any, Any] | None = None


def unchanged(
    one: View,
    denial: Denial,
    spec: Tree,
    stored: Tree,
    path: str,
    places: Mapping[str, Place],
    frozen: bool,
    known: Namesakes,
) -> bool:
    """Whether the old spec holds the refused value just as the new one does, and its rule refused it there too.

    A list whose entries have no key is one value. For what is missing: whether its surroundings were there without it.
    For what is counted or summed: whether there is no more than before. A device must make no other use of a value that
    stays; one that is not `frozen` has to stay as a whole, but for its place. `known` is one for all of a decision.
    """
    if denial.kind == TOTAL:
        return _no_worse(denial.rule, denial.value, totals()[denial.declared].of(stored))
    pair = _pair(denial, spec, stored, path, places, known)
    if pair is None or not _as_before(denial, pair, known):
        return False
    if pair.device is not None and known.pair(*pair.device, _turned_frozen if frozen else _turned):
        return False
    return _refused_before(one, denial, pair, stored, known)


def _as_before(denial: Denial, pair: _Pair, known: Namesakes) -> bool:
    if denial.kind == MISSING and pair.old is _MISSING:
        return True
    if _counted(denial.rule) and type(pair.old) is list:
        return len(pair.new) <= len(pair.old)
    return type(pair.new) is type(pair.old) and known.pair(pair.new, pair.old, eq)


def _refused_before(one: View, denial: Denial, pair: _Pair, stored: Tree, known: Namesakes) -> bool:
    """A rule that looks at other fields may be about a value today only because one of those has changed."""
    if not denial.rule.guards and not denial.rule.comparisons:
        return True
    value = pair.old if _counted(denial.rule) else denial.value
    return one.clause(denial.rule, denial.declared, denial.kind).holds(
        value, lambda: Seat(stored, pair.old_path, known.memo)
    )


def _no_worse(rule: Rule, new: int, old: int) -> bool:
    """Whether a sum that a rule refuses did not go further past its limit."""
    return all(new <= old if each.name == "above" else new >= old for each in rule.conditions)


def _pair(
    denial: Denial, spec: Tree, stored: Tree, path: str, places: Mapping[str, Place], known: Namesakes
) -> _Pair | None:
    """The value now and then; None where the old spec has no such place."""
    new: Any = spec
    old: Any = stored
    device: tuple[Any, Any] | None = None
    declared = old_path = ""
    parts = PART.findall(denial.path[len(path) + 1 :])
    for depth, (name, index) in enumerate(parts):
        declared, old_path = f"{declared}.{name}".removeprefix("."), f"{old_path}.{name}".removeprefix(".")
        if type(old) is not dict:
            return None
        new, old = new.get(name, _MISSING) if type(new) is dict else _MISSING, old.get(name, _MISSING)
        if denial.kind == MISSING and old is _MISSING:
            inside = any(entry for _, entry in parts[depth:])
            return None if inside else _Pair(new, old, ".".join([old_path, *map(_text, parts[depth + 1 :])]), device)
        if not index:
            continue
        declared += "[*]"
        if type(new) is not list or type(old) is not list or int(index) >= len(new):
            return None
        key = key_of(places.get(declared))
        if not key:
            return _Pair(new, old, ".".join([f"{old_path}[{index}]", *map(_text, parts[depth + 1 :])]), device)
        number = known.number(new[int(index)], old, key)
        if number is None:
            return None
        new, old, old_path = new[int(index)], old[number], f"{old_path}[{number}]"
        device = device or (new, old)
    return _Pair(new, old, old_path, device)


def _text(part: tuple[str, str]) -> str:
    name, index = part
    return f"{name}[{index}]" if index else name


def key_of(place: Place | None) -> str:
    """The field that tells a list's entries apart; empty where they have none."""
    return place.field.shape.key if place is not None and place.field.shape is not None else ""


# What says how a device uses what the host gave it, by the names of its own fields; all else of it is frozen.
USES = ("type", "backend", "transient", "shareBacking")


def _turned_frozen(new: Any, old: Any) -> bool:
    """Whether a device whose frontend is frozen makes another use of what it was given."""
    return any(new.get(name) != old.get(name) for name in USES)


def _turned(new: Any, old: Any) -> bool:
    """Whether a device that is not frozen is another one, but for its place."""
    return bool({**new, "address": None} != {**old, "address": None})


def _counted(rule: Rule) -> bool:
    return any(each.name == "count-above" for each in rule.conditions)
