"""What an update leaves as it is stored: the same value at the same place, devices known by name and not by index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from operator import eq
from typing import Any

from webhook.declare import DeclaredField
from webhook.policy.engine.devices import Parts, device_at, device_of, namesake
from webhook.policy.engine.effective import MISSING, TOTAL, Denial, EffectiveRules, Tree
from webhook.policy.engine.namesakes import Namesakes
from webhook.policy.language.condition import Subject
from webhook.policy.language.cross_field import FieldLocation
from webhook.policy.language.model import Rule
from webhook.policy.language.totals import totals

# A name of a path, and the index of its entry where it is a list.
PART = re.compile(r"([^.\[\]]+)(?:\[([0-9]+)\])?")
_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class _Pair:
    """What stands at one place now and what stood there, or the whole lists, and the old path of the value."""

    new: Any
    old: Any
    old_path: str


def unchanged(
    one: EffectiveRules,
    denial: Denial,
    spec: Tree,
    stored: Tree,
    path: str,
    declared_fields: Mapping[str, DeclaredField],
    known: Namesakes,
) -> bool:
    """Whether the old spec holds the refused value just as the new one does, and its rule refused it there too.

    A list whose entries have no key is one value. For what is missing: whether its surroundings were there without it.
    For what is counted or summed: whether there is no more than before. A device is the same where it has come to rest
    or has come back. `known` is one for all of a decision.
    """
    if denial.kind == TOTAL:
        return _no_worse(denial.rule, denial.value, totals()[denial.declared].of(stored))
    pair = _pair(denial, spec, stored, path, declared_fields, known)
    return pair is not None and _as_before(denial, pair, known) and _refused_before(one, denial, pair, stored, known)


def _as_before(denial: Denial, pair: _Pair, known: Namesakes) -> bool:
    if denial.kind == MISSING and pair.old is _MISSING:
        return True
    if _about_lists(denial.rule) and type(pair.old) is list:
        return len(pair.new) <= len(pair.old)
    return type(pair.new) is type(pair.old) and known.pair(pair.new, pair.old, eq)


def _refused_before(one: EffectiveRules, denial: Denial, pair: _Pair, stored: Tree, known: Namesakes) -> bool:
    """A rule that looks at other fields may be about a value today only because one of those has changed."""
    if not denial.rule.guards and not denial.rule.comparisons:
        return True
    value = pair.old if _about_lists(denial.rule) else denial.value
    return one.clause(denial.rule, denial.declared, denial.kind).holds(
        value, lambda: FieldLocation(stored, pair.old_path, known.memo)
    )


def _no_worse(rule: Rule, new: int, old: int) -> bool:
    """Whether a sum that a rule refuses did not go further past its limit."""
    limits = [each.limit for each in rule.conditions if each.limit is not None]
    return all(new <= old if each.above else new >= old for each in limits)


def _pair(
    denial: Denial, spec: Tree, stored: Tree, path: str, declared_fields: Mapping[str, DeclaredField], known: Namesakes
) -> _Pair | None:
    """The value now and then; None where the old spec has no such place."""
    parts: Parts = PART.findall(denial.path[len(path) + 1 :])
    where = device_of(parts)
    now = device_at(spec, where, parts[2]) if where is not None else None
    if where is None or now is None:
        return _below(parts, _Pair(spec, stored, ""), "", declared_fields, known)
    kind, index = parts[2]
    then = namesake(stored, where, kind, now.device, known)
    if then is None:
        return None
    declared = f"{'.'.join(where)}.{kind}{'[*]' if index else ''}"
    return _below(parts[3:], _Pair(now.device, then.device, then.path), declared, declared_fields, known)


def _below(
    parts: Parts,
    at: _Pair,
    declared: str,
    declared_fields: Mapping[str, DeclaredField],
    known: Namesakes,
) -> _Pair | None:
    """The value now and then, by the way from a pair of elements that hold it."""
    new, old, old_path = at.new, at.old, at.old_path
    for depth, (name, index) in enumerate(parts):
        declared, old_path = f"{declared}.{name}".removeprefix("."), f"{old_path}.{name}".removeprefix(".")
        if type(old) is not dict:
            return None
        new, old = new.get(name, _MISSING) if type(new) is dict else _MISSING, old.get(name, _MISSING)
        if old is _MISSING:
            inside = any(entry for _, entry in parts[depth:])
            return None if inside else _Pair(new, old, old_path)
        if not index:
            continue
        declared += "[*]"
        if type(old) is not list:
            return None
        key = key_of(declared_fields.get(declared))
        if not key:
            return _Pair(new, old, ".".join([f"{old_path}[{index}]", *map(_text, parts[depth + 1 :])]))
        number = known.number(new[int(index)], old, key)
        if number is None:
            return None
        new, old, old_path = new[int(index)], old[number], f"{old_path}[{number}]"
    return _Pair(new, old, old_path)


def _text(part: tuple[str, str]) -> str:
    name, index = part
    return f"{name}[{index}]" if index else name


def key_of(place: DeclaredField | None) -> str:
    """The field by which a list's entries are distinguished; empty where they have none."""
    return place.field.shape.key if place is not None and place.field.shape is not None else ""


def _about_lists(rule: Rule) -> bool:
    return any(each.subject is Subject.LIST for each in rule.conditions)
