"""Rules that cannot mean what they say: conditions that nothing meets, rules that others of the policy make idle."""

from __future__ import annotations

from collections.abc import Iterable

from webhook.declare import BACKEND_KINDS
from webhook.policy.conditions import Condition
from webhook.policy.model import Rule, Selector

_OPPOSITE = {"permit": "forbid", "forbid": "permit"}
Said = tuple[str, str]


def senseless(rule: Rule, others: Iterable[Rule]) -> Said | None:
    """What is wrong with a rule beside those before it, and the way out; None where it can make a difference."""
    if impossible(rule.conditions):
        return f"no value meets all conditions of `{rule.id}`", "remove one of them"
    for other in others:
        if found := _beside(rule, other):
            return found
    return None


def _beside(rule: Rule, other: Rule) -> Said | None:
    if rule.selector == other.selector and _about(rule) == _about(other):
        if rule.effect == other.effect:
            return f"`{rule.id}` says just what `{other.id}` says", "remove one of them"
        if _OPPOSITE.get(rule.effect) == other.effect:
            return f"one of `{rule.id}` and `{other.id}` forbids just what the other permits", "remove one of them"
    for forbid, idle in ((rule, other), (other, rule)):
        whole = forbid.effect == "forbid" and not (forbid.conditions or forbid.comparisons or forbid.guards)
        if whole and idle.effect != "forbid" and covers(forbid.selector, idle.selector):
            return f"`{idle.id}` never decides: `{forbid.id}` forbids all that it is about", "remove one of them"
    return None


def covers(wide: Selector, narrow: Selector) -> bool:
    """Whether a forbid of `wide` is about every value that `narrow` selects."""
    if wide.total or narrow.total:
        return False
    if wide.kind not in ("", narrow.kind) and not (wide.kind == "backend" and narrow.kind in BACKEND_KINDS):
        return False
    # A path of a forbid without a class is one field; with one it stands for those below, too.
    return wide.path in ("", narrow.path) or (bool(wide.kind) and narrow.path.startswith(f"{wide.path}."))


def impossible(conditions: Iterable[Condition]) -> bool:
    """Whether no value can meet them all."""
    known = tuple(conditions)
    listed = [each for each in known if each.name == "in"]
    if listed:
        others = [each for each in known if each.name != "in"]
        return not any(all(each.holds(value) for each in others) for value in _values(listed[0]))
    floor = max((each.limit for each in known if each.name == "above"), default=-1)
    ceiling = min((each.limit for each in known if each.name == "below"), default=None)
    return ceiling is not None and floor + 1 >= ceiling


def _values(listed: Condition) -> list[object]:
    return list(listed.wanted) if isinstance(listed.wanted, list) else []


def _about(rule: Rule) -> object:
    """What a rule is about, whatever it says of it."""
    conditions = tuple((each.name, repr(each.wanted)) for each in rule.conditions)
    guards = tuple(
        (each.word, path, condition.name, repr(condition.wanted))
        for each in rule.guards
        for path, wanted in each.conditions.items()
        for condition in wanted
    )
    return rule.selector, conditions, tuple((each.name, each.path) for each in rule.comparisons), guards
