"""What an update leaves as it is stored: the same value at the same place, devices known by name and not by index."""

from __future__ import annotations

from operator import eq

from webhook.declare import FieldPath
from webhook.declare.field_path import ABSENT, Pair
from webhook.policy.engine.denial import MISSING, TOTAL, Denial
from webhook.policy.engine.devices import device_at, device_of, namesake
from webhook.policy.engine.effective import EffectiveRules
from webhook.policy.engine.submission import Update
from webhook.policy.language.condition import Subject
from webhook.policy.language.cross_field import FieldLocation
from webhook.policy.language.model import Rule
from webhook.policy.language.totals import totals


def unchanged(one: EffectiveRules, denial: Denial, update: Update) -> bool:
    """Whether the old spec holds the refused value just as the new one does, and its rule refused it there too.

    A list whose entries have no key is one value. For what is missing: whether its surroundings were there without it.
    For what is counted or summed: whether there is no more than before. A device is the same where it has come to rest
    or has come back.
    """
    if denial.kind == TOTAL:
        return _no_worse(denial.rule, denial.value, totals()[denial.declared].of(update.stored))
    pair = _pair(denial, update)
    return pair is not None and _as_before(denial, pair, update) and _refused_before(one, denial, pair, update)


def _as_before(denial: Denial, pair: Pair, update: Update) -> bool:
    new, old = pair.one, pair.other
    if denial.kind == MISSING and old is ABSENT:
        return True
    if _about_lists(denial.rule) and type(old) is list:
        return len(new) <= len(old)
    return type(new) is type(old) and update.known.pair(new, old, eq)


def _refused_before(one: EffectiveRules, denial: Denial, pair: Pair, update: Update) -> bool:
    """A rule that looks at other fields may be about a value today only because one of those has changed."""
    if not denial.rule.guards and not denial.rule.comparisons:
        return True
    value = pair.other if _about_lists(denial.rule) else denial.value
    return one.clause(denial.rule, denial.declared, denial.kind).holds(
        value, lambda: FieldLocation(update.stored, str(pair.path), update.known.memo)
    )


def _no_worse(rule: Rule, new: int, old: int) -> bool:
    """Whether a sum that a rule refuses did not go further past its limit."""
    limits = [each.limit for each in rule.conditions if each.limit is not None]
    return all(new <= old if each.above else new >= old for each in limits)


def _pair(denial: Denial, update: Update) -> Pair | None:
    """The value now and then, or the whole lists; None where the old spec has no such place."""
    path, spec, stored = update.inside(denial.path), update.submitted.spec, update.stored
    where = device_of(path)
    now = device_at(spec, where, path[2]) if where is not None else None
    if where is None or now is None:
        return _below(path, 0, Pair(spec, stored, FieldPath()), update)
    then = namesake(stored, where, path[2][0], now.device, update.known)
    return _below(path, 3, Pair(now.device, then.device, then.parts), update) if then is not None else None


def _below(path: FieldPath, depth: int, at: Pair, update: Update) -> Pair | None:
    """The value now and then, from a pair of elements which hold it that is so deep in its path."""
    for number, (name, entry) in enumerate(path[depth:], depth):
        if type(at.other) is not dict:
            return None
        at = at.field(name)
        if at.other is ABSENT:
            inside = any(each for _, each in path[number:])
            return None if inside else at
        if not entry:
            continue
        if type(at.other) is not list:
            return None
        key = update.key(path.declared(number + 1))
        if not key:
            return Pair(at.one, at.other, at.path.at(entry).below(*path[number + 1 :]))
        there = update.known.number(at.one[int(entry)], at.other, key)
        if there is None:
            return None
        at = at.entry(int(entry), there)
    return at


def _about_lists(rule: Rule) -> bool:
    return any(each.subject is Subject.LIST for each in rule.conditions)
