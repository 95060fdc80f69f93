"""The policies that hold for one kind of request, compiled into an index by class and path.

A backend field is looked up by its declared path and class; every other ruled field stands in a tree of names that
is walked beside the VM's, so that a review costs what its backend and ruled fields cost. Which device is meant by a
path is the declarations' business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.declare import BACKEND_KINDS, Backend, Field, Mark, Place
from webhook.policy.denials import DEFAULT_DENY
from webhook.policy.exceptions import of_values
from webhook.policy.model import Exemption, Rule, Selector, Today
from webhook.policy.selection import class_of, possible, selects

_HALVES = frozenset(("frontend", "reference", "goal"))
# The class of what is not there.
MISSING = ""
Tree = Mapping[str, Any]


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
    """All rules about values of one class at one declared place, in the order of their files."""

    forbids: tuple[Rule, ...]
    permits: tuple[Rule, ...]
    denies: tuple[Rule, ...]


@dataclass(slots=True)
class Branch:
    """A name in the tree of ruled fields; `counts` rule a list's length, `absents` its being missing."""

    declared: str
    entry: Field | None = None
    ruled: bool = False
    counts: list[Rule] = field(default_factory=list)
    absents: list[Rule] = field(default_factory=list)
    below: dict[str, Branch] = field(default_factory=dict)
    # Whether a rule about something missing stands here or below.
    wanting: bool = False


@dataclass(slots=True)
class View:
    """Rules and exceptions in force together."""

    rules: tuple[Rule, ...]
    # What each exempted rule does not refuse, by the rule's id; they permit as well.
    lifts: Mapping[str, tuple[Rule, ...]]
    root: Branch
    today: Today
    rulings: dict[tuple[str, str], Ruling] = field(default_factory=dict)

    def backend(self, mark: Mark, path: str) -> Denial | None:
        """The denial of a backend field, if any."""
        assert isinstance(mark.half, Backend)  # noqa: S101 - the caller asks for no other
        declared, kind = declared_path(mark, path), mark.half.kind
        rule = self.refusing(self.ruling(declared, kind), declared, kind, mark.value)
        return Denial(rule, declared, kind, mark.path, mark.value) if rule else None

    def ruling(self, declared: str, kind: str) -> Ruling:
        """The rules about a place and a class; the default deny comes last."""
        known = self.rulings.get((declared, kind))
        if known is None:
            about = [rule for rule in self.rules if not _of_lists(rule) and selects(rule, declared, kind)]
            denies = [rule for rule in about if rule.effect == "deny"]
            lifted = [rule for rules in self.lifts.values() for rule in rules if not _of_lists(rule)]
            known = Ruling(
                forbids=tuple(rule for rule in about if rule.effect == "forbid"),
                permits=tuple(rule for rule in about if rule.effect == "permit")
                + tuple(rule for rule in lifted if selects(rule, declared, kind)),
                # Where a rule names the field, its words are more to the point than those about a class.
                denies=tuple(sorted(denies, key=lambda rule: not rule.selector.path))
                + ((DEFAULT_DENY[kind],) if kind in DEFAULT_DENY else ()),
            )
            self.rulings[declared, kind] = known
        return known

    def refusing(self, ruling: Ruling, declared: str, kind: str, value: Any) -> Rule | None:
        """The rule that refuses a value; None where it is allowed."""
        for rule in ruling.forbids:
            if self.holds(rule, value) and not self.lifted(rule, declared, kind, value):
                return rule
        for rule in ruling.denies:
            if self.holds(rule, value):
                return None if any(self.holds(permit, value) for permit in ruling.permits) else rule
        return None

    def holds(self, rule: Rule, value: Any) -> bool:
        """Whether all conditions of a rule hold, and its day has not passed."""
        for each in rule.conditions:
            if not each.holds(value):
                return False
        return rule.until is None or self.today() <= rule.until

    def lifted(self, rule: Rule, declared: str, kind: str, value: Any) -> bool:
        """Whether an exception to this very rule covers the value."""
        exempted = self.lifts.get(rule.id, ())
        return any(selects(each, declared, kind) and self.holds(each, value) for each in exempted)


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
    root = Branch("")
    for rule in rules:
        if rule.effect != "permit":
            for place in _ruled(rule, places):
                _grow(root, place, rule, places)
    return View(rules, lifts, root, today)


def _exempted(exemption: Exemption, rule: Rule, places: Mapping[str, Place]) -> Rule:
    """An exception as the permit that it is: what its rule selects, narrowed to its path and values."""
    selector = Selector(rule.selector.kind, exemption.selector.path or rule.selector.path)
    conditions = of_values(exemption, rule, places) or (() if rule.effect == "permit" else rule.conditions)
    return Rule(rule.id, "permit", selector, conditions, where=exemption.where, until=exemption.until)


def _ruled(rule: Rule, places: Mapping[str, Place]) -> list[Place]:
    """The places of the tree that the rule is about: backend values are marked, and not looked up there."""
    wanted, path = rule.selector.kind, rule.selector.path
    if not wanted:
        place = places[path]
        backend_only = bool(possible(place)) and not possible(place) & _HALVES
        return [place] if _of_lists(rule) or not backend_only else []
    if wanted in BACKEND_KINDS or wanted == "backend":
        return []
    return [place for name, place in places.items() if wanted in possible(place) and selects(rule, name, wanted)]


def _of_lists(rule: Rule) -> bool:
    return any(each.name == "count-above" or (each.name == "present" and not each.wanted) for each in rule.conditions)


def _grow(root: Branch, place: Place, rule: Rule, places: Mapping[str, Place]) -> None:
    branch, declared, above = root, "", [root]
    for part in place.path.split("."):
        declared = f"{declared}.{part}".removeprefix(".")
        name = part.removesuffix("[*]")
        found = places.get(declared)
        branch = branch.below.setdefault(name, Branch(declared, found.field if found else None))
        above.append(branch)
    if rule.conditions and rule.conditions[0].name == "count-above":
        branch.counts.append(rule)
    elif _of_lists(rule):
        branch.absents.append(rule)
        for each in above:
            each.wanting = True
    else:
        branch.ruled = True


def value_class(entry: Field | None, value: Any) -> str:
    """The class of a value at a declared field."""
    return class_of(entry.half_of(value)) if entry else "frontend"
