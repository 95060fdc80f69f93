"""Rules that make no difference: no value meets their conditions, others cover them, or no policy denies it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from webhook.declare import BACKEND_KINDS, around
from webhook.findings import Finding
from webhook.policy.language.condition import Condition
from webhook.policy.language.model import Policy, Rule, Selector

_OPPOSITE = {"permit": "forbid", "forbid": "permit"}
_BACKEND = "backend"
# A text of a list that is longer is not tried against the other conditions, which would take long.
_TRIED = 1024
_WAY = "remove one of them"
# What is wrong with a rule, and the way out.
Problem = tuple[str, str]


def lint(rules: Sequence[Rule], rest: Callable[[], None]) -> Iterator[tuple[Rule, Problem]]:
    """The rules of one policy that make no difference, each with why; `rest` is called with each rule."""
    unconditional: dict[tuple[str, str], Rule] = {}
    for rule in rules:
        if rule.effect == "forbid" and not _asks(rule) and not rule.selector.total:
            unconditional.setdefault((rule.selector.kind, rule.selector.path), rule)
    known: dict[object, Rule] = {}
    for rule in rules:
        rest()
        if impossible(rule.conditions):
            yield rule, (f"no value meets all conditions of `{rule.id}`", _WAY)
            continue
        about = _about(rule)
        same, opposite = known.get((rule.effect, about)), known.get((_OPPOSITE.get(rule.effect), about))
        known.setdefault((rule.effect, about), rule)
        forbid = None if rule.effect == "forbid" else _covering(unconditional, rule.selector)
        if same is not None:
            yield rule, (f"`{rule.id}` says just what `{same.id}` says", _WAY)
        elif opposite is not None:
            yield rule, (f"one of `{rule.id}` and `{opposite.id}` forbids just what the other permits", _WAY)
        elif forbid is not None and (rule.effect == "deny" or _about(forbid) != about):
            yield rule, (f"`{rule.id}` never decides: `{forbid.id}` forbids all that it is about", _WAY)


def _covering(unconditional: Mapping[tuple[str, str], Rule], selector: Selector) -> Rule | None:
    """A forbid that is about all that is selected: looked up, because a policy may have thousands of them."""
    paths = ["", *around(selector.path)]
    near = (unconditional.get((kind, path)) for kind in ("", selector.kind, _BACKEND) for path in paths)
    return next((each for each in near if each is not None and covers(each.selector, selector)), None)


def _asks(rule: Rule) -> bool:
    return bool(rule.conditions or rule.comparisons or rule.guards)


def idle_permits(policies: Iterable[Policy], classes: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Permits of what is allowed without them: no backend, and no policy denies it. `classes`: of and below each path.

    A note and no reason to refuse the policies: the `deny` may come with another release, or go with one.
    """
    rules = [rule for policy in policies for rule in policy.rules]
    denied = [rule.selector for rule in rules if rule.effect == "deny"]
    paths = {each.path for each in denied}
    around_them = {path for each in paths for path in around(each)}
    everywhere = {each.kind for each in denied if not each.path}
    kinds = {"backend", *BACKEND_KINDS}.union(
        *({each.kind} if each.kind else classes.get(each.path, ()) for each in denied)
    )
    for rule in rules:
        about = rule.selector
        if rule.effect != "permit":
            continue
        if about.total:
            idle = not any(each.total == about.total for each in denied)
        elif about.path:
            own = {about.kind} if about.kind else classes.get(about.path, set())
            near = about.path in around_them or not paths.isdisjoint(around(about.path))
            idle = not near and own.isdisjoint(everywhere | {"backend", *BACKEND_KINDS})
        else:
            idle = about.kind not in kinds
        if idle:
            way = "remove it, or write the `deny` that it shall be an exception from"
            yield Finding(rule.where, f"`{rule.id}` decides nothing: no policy denies what it permits", way, "policy")


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
    listed = next((each for each in known if each.only), None)
    if listed is not None:
        others = [each for each in known if each is not listed]
        return not any(_long(value) or all(each.holds(value) for each in others) for value in listed.only)
    limits = [each.limit for each in known if each.limit is not None]
    floor = max((each.limit for each in limits if each.above), default=-1)
    ceiling = min((each.limit for each in limits if not each.above), default=None)
    return ceiling is not None and floor + 1 >= ceiling


def _long(value: object) -> bool:
    return isinstance(value, str) and len(value) > _TRIED


def _about(rule: Rule) -> object:
    """What a rule is about, without its effect."""
    conditions = tuple((each.name, repr(each.wanted)) for each in rule.conditions)
    guards = tuple(
        (each.word, path, condition.name, repr(condition.wanted))
        for each in rule.guards
        for path, wanted in each.conditions.items()
        for condition in wanted
    )
    return rule.selector, conditions, tuple((each.name, each.path) for each in rule.comparisons), guards
