"""The ruled fields that are no backend, as a tree of names to walk beside a VM's: only what rules are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.declare import BACKEND_KINDS, DeclaredField, Field, FieldPath
from webhook.policy.engine.index import of_lists
from webhook.policy.language.condition import Subject
from webhook.policy.language.model import Rule
from webhook.policy.language.selection import class_name, possible, selects


@dataclass(slots=True, eq=False)
class FieldNode:
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
    below: dict[str, FieldNode] = field(default_factory=dict)
    wanting: bool = False
    passed: dict[Any, type] = field(default_factory=dict)

    @property
    def leaf(self) -> bool:
        """Whether all rules here are about the value itself."""
        return not (self.many or self.counts or self.below)

    def class_name(self, value: object) -> str:
        """The class of one of its values."""
        return self.kind or (class_name(self.entry.class_of_value(value)) if self.entry else "frontend")


def field_tree(
    rules: Iterable[Rule], declared_fields: Mapping[str, DeclaredField], below: Mapping[str, list[DeclaredField]]
) -> FieldNode:
    """The tree of what these rules are about; `below` has the places at and below each path."""
    root = FieldNode("")
    added: set[tuple[str, str]] = set()
    for rule in rules:
        if rule.effect == "permit" or rule.selector.total:
            continue
        about = (rule.selector.kind, rule.selector.path)
        if of_lists(rule):
            _add(root, declared_fields[rule.selector.path], rule, declared_fields)
        elif about not in added:
            added.add(about)
            for place in _ruled(rule, declared_fields, below):
                _add(root, place, rule, declared_fields)
    return root


def _ruled(
    rule: Rule, declared_fields: Mapping[str, DeclaredField], below: Mapping[str, list[DeclaredField]]
) -> list[DeclaredField]:
    """The places that the rule is about, but for those of backend classes: their values are marked."""
    wanted, path = rule.selector.kind, rule.selector.path
    if wanted in BACKEND_KINDS or wanted == "backend":
        return []
    if wanted:
        near = below.get(path, ())
        return [place for place in near if wanted in possible(place) and selects(rule, place.path, wanted)]
    return [declared_fields[path]]


def _add(root: FieldNode, place: DeclaredField, rule: Rule, declared_fields: Mapping[str, DeclaredField]) -> None:
    node, way = root, [root]
    for name, _, declared in FieldPath.parse(place.path).steps:
        if name not in node.below:
            node.below[name] = _node(declared, declared_fields)
        node = node.below[name]
        way.append(node)
    if not of_lists(rule):
        node.ruled = True
    elif rule.conditions[0].subject is Subject.LIST:
        node.counts.append(rule)
    else:
        node.absents.append(rule)
        for each in way:
            each.wanting = True


def _node(declared: str, declared_fields: Mapping[str, DeclaredField]) -> FieldNode:
    place = declared_fields.get(declared)
    if place is None:
        return FieldNode(declared, kind="frontend")
    entry = place.field
    return FieldNode(declared, entry, entry.many, "" if entry.unless else class_name(entry.field_class))
