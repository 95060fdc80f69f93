"""The ruled fields that are no backend, as a tree of names to walk beside a VM's: only what rules are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.declare import BACKEND_KINDS, Field, Place
from webhook.policy.index import of_lists
from webhook.policy.model import Rule
from webhook.policy.selection import class_of, possible, selects


@dataclass(slots=True)
class Branch:
    """One name: `ruled` where rules are about its values, `counts` rule a list's length, `absents` its being missing.

    `kind` is the class of all its values, empty where the value decides. `wanting` says that a rule about something
    missing stands here or below. `passed` has values that no rule refused, with their type.
    """

    declared: str
    entry: Field | None = None
    many: bool = False
    kind: str = ""
    ruled: bool = False
    counts: list[Rule] = field(default_factory=list)
    absents: list[Rule] = field(default_factory=list)
    below: dict[str, Branch] = field(default_factory=dict)
    wanting: bool = False
    passed: dict[Any, type] = field(default_factory=dict)

    @property
    def leaf(self) -> bool:
        """Whether all that rules say here is about the value itself."""
        return not (self.many or self.counts or self.below)

    def class_of(self, value: object) -> str:
        """The class of one of its values."""
        return self.kind or (class_of(self.entry.half_of(value)) if self.entry else "frontend")


def grow(rules: Iterable[Rule], places: Mapping[str, Place], below: Mapping[str, list[Place]]) -> Branch:
    """The tree of what these rules are about; `below` has the places at and below each path."""
    root = Branch("")
    grown: set[tuple[str, str]] = set()
    for rule in rules:
        if rule.effect == "permit" or rule.selector.total:
            continue
        about = (rule.selector.kind, rule.selector.path)
        if of_lists(rule):
            _add(root, places[rule.selector.path], rule, places)
        elif about not in grown:
            grown.add(about)
            for place in _ruled(rule, places, below):
                _add(root, place, rule, places)
    return root


def _ruled(rule: Rule, places: Mapping[str, Place], below: Mapping[str, list[Place]]) -> list[Place]:
    """The places that the rule is about, but for those of backend classes: their values are marked."""
    wanted, path = rule.selector.kind, rule.selector.path
    if wanted in BACKEND_KINDS or wanted == "backend":
        return []
    if wanted:
        near = below.get(path, ())
        return [place for place in near if wanted in possible(place) and selects(rule, place.path, wanted)]
    return [places[path]]


def _add(root: Branch, place: Place, rule: Rule, places: Mapping[str, Place]) -> None:
    branch, declared, way = root, "", [root]
    for part in place.path.split("."):
        declared = f"{declared}.{part}".removeprefix(".")
        name = part.removesuffix("[*]")
        if name not in branch.below:
            branch.below[name] = _branch(declared, places)
        branch = branch.below[name]
        way.append(branch)
    if not of_lists(rule):
        branch.ruled = True
    elif rule.conditions[0].name == "count-above":
        branch.counts.append(rule)
    else:
        branch.absents.append(rule)
        for each in way:
            each.wanting = True


def _branch(declared: str, places: Mapping[str, Place]) -> Branch:
    place = places.get(declared)
    if place is None:
        return Branch(declared, kind="frontend")
    entry = place.field
    return Branch(declared, entry, entry.many, "" if entry.unless else class_of(entry.half))
