"""The policies that hold for one kind of request, compiled into an index by class and path.

A backend field is looked up by its declared path and class; every other ruled field stands in a tree of names
(branches.py) that is walked beside the VM's, so that a review costs what its backend and ruled fields cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.declare import Backend, Mark, Place
from webhook.policy.branches import Branch, grow, of_lists
from webhook.policy.denials import DEFAULT_DENY
from webhook.policy.exceptions import of_values
from webhook.policy.model import Exemption, Rule, Selector, Today
from webhook.policy.selection import selects

# The class of what is not there.
MISSING = ""
Tree = Mapping[str, Any]
# Whether a rule is about a value, and the rule.
Test = tuple[Callable[[Any], bool], Rule]


@dataclass(frozen=True, slots=True)
class Denial:
    """A value that a rule refuses, at `path` below the spec and at `declared` among the declarations."""

    rule: Rule
    declared: str
    kind: str
    path: str
    value: Any


@dataclass(frozen=True, slots=True)
class Ruling:
    """All rules about values of one class at one declared place."""

    forbids: tuple[Test, ...]
    permits: tuple[Test, ...]
    denies: tuple[Test, ...]

    def refusing(self, value: Any) -> Rule | None:
        """The rule that refuses a value; None where it is allowed."""
        for holds, rule in self.forbids:
            if holds(value):
                return rule
        for holds, rule in self.denies:
            if holds(value):
                return None if any(permits(value) for permits, _ in self.permits) else rule
        return None


@dataclass(slots=True)
class View:
    """Rules and exceptions in force together."""

    rules: tuple[Rule, ...]
    # What each exempted rule does not refuse, by the rule's id; they permit as well.
    lifts: Mapping[str, tuple[Rule, ...]]
    root: Branch
    today: Today
    rulings: dict[tuple[str, str], Ruling] = field(default_factory=dict)

    def backend(self, mark: Mark, half: Backend, path: str) -> Denial | None:
        """The denial of a backend field, if any."""
        declared = declared_path(mark, path)
        rule = self.ruling(declared, half.kind).refusing(mark.value)
        return Denial(rule, declared, half.kind, mark.path, mark.value) if rule else None

    def ruling(self, declared: str, kind: str) -> Ruling:
        """The rules about a place and a class, made once; the default deny comes last."""
        known = self.rulings.get((declared, kind))
        if known is None:
            known = self.rulings[declared, kind] = self._ruling(declared, kind)
        return known

    def _ruling(self, declared: str, kind: str) -> Ruling:
        lifting = [rule for rules in self.lifts.values() for rule in rules]
        about: dict[str, list[Test]] = {"forbid": [], "permit": [], "deny": []}
        for rule in (*self.rules, *lifting):
            if not of_lists(rule) and selects(rule, declared, kind):
                about[rule.effect].append((self.test(rule, declared, kind), rule))
        # Where a rule names the field, its words are more to the point than those about a class.
        about["deny"].sort(key=lambda test: not test[1].selector.path)
        if kind in DEFAULT_DENY:
            about["deny"].append((_always, DEFAULT_DENY[kind]))
        return Ruling(tuple(about["forbid"]), tuple(about["permit"]), tuple(about["deny"]))

    def test(self, rule: Rule, declared: str, kind: str) -> Callable[[Any], bool]:
        """Whether a rule is about a value: its conditions hold, and no exception to a forbid covers the value."""
        exempted = self.lifts.get(rule.id, ()) if rule.effect == "forbid" else ()
        lifts = [self._holds(each) for each in exempted if selects(each, declared, kind)]
        holds = self._holds(rule)
        if not lifts:
            return holds
        return lambda value: holds(value) and not any(lifted(value) for lifted in lifts)

    def _holds(self, rule: Rule) -> Callable[[Any], bool]:
        conditions = tuple(each.holds for each in rule.conditions)
        until = rule.until
        if until is not None:
            return lambda value: all(holds(value) for holds in conditions) and self.today() <= until
        if len(conditions) == 1:
            return conditions[0]
        return (lambda value: all(holds(value) for holds in conditions)) if conditions else _always


def _always(_: Any) -> bool:
    return True


def declared_path(mark: Mark, path: str) -> str:
    """A mark's place among the declarations: `domain.devices.disks[*].source.file`."""
    here = mark.path[len(path) + 1 :]
    if "[" in here:
        first, *rest = here.split("[")
        here = first + "".join(f"[*{part[part.index(']') :]}" for part in rest)
    return f"{here}[*]" if mark.field.many else here


def view(rules: Iterable[Rule], exemptions: Iterable[Exemption], places: Mapping[str, Place], today: Today) -> View:
    """Compile the rules and exceptions that hold together."""
    rules = tuple(rules)
    by_id = {rule.id: rule for rule in (*rules, *DEFAULT_DENY.values())}
    lifts: dict[str, tuple[Rule, ...]] = {}
    for each in exemptions:
        if each.rule in by_id:
            lifts[each.rule] = (*lifts.get(each.rule, ()), _exempted(each, by_id[each.rule], places))
    return View(rules, lifts, grow(rules, places), today)


def _exempted(exemption: Exemption, rule: Rule, places: Mapping[str, Place]) -> Rule:
    """An exception as the permit that it is: what its rule selects, narrowed to its path and values."""
    selector = Selector(rule.selector.kind, exemption.selector.path or rule.selector.path)
    conditions = of_values(exemption, rule, places) or (() if rule.effect == "permit" else rule.conditions)
    return Rule(rule.id, "permit", selector, conditions, where=exemption.where, until=exemption.until)
