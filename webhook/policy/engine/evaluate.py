"""Everything that the rules in force refuse of a VM: its marks one by one, and one walk over its other ruled fields."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from webhook.declare import BACKEND_KINDS, SIMPLE, Backend, Where, place_text, remember
from webhook.policy.engine.denial import MISSING, TOTAL, Denial
from webhook.policy.engine.effective import EffectiveRules, location_at
from webhook.policy.engine.field_tree import FieldNode
from webhook.policy.engine.submission import Submission
from webhook.policy.language.cross_field import Memo, Tree
from webhook.policy.language.model import Rule

_NOTHING: Tree = {}


def denials(one: EffectiveRules, submitted: Submission, enough: int = sys.maxsize) -> Iterator[Denial]:
    """All refusals of the rules in force: backend fields, the others in the order of the declarations, then sums.

    The walk over the others ends when it has found more than `enough`.
    """
    memo: Memo = {}
    spec, path = submitted.spec, submitted.path
    for mark in submitted.marks:
        field_class = mark.field_class
        if field_class.__class__ is Backend:
            denial = one.backend(mark, field_class, spec, path, memo)
            if denial is not None:
                yield denial
    if type(spec) is dict:
        if one.root.below:
            found: list[Denial] = []
            _Walk(one, spec, path, found, memo, enough).walk(one.root, spec, path)
            yield from found
        if one.totals:
            yield from _exceeded(one, spec, path, memo)


def _exceeded(one: EffectiveRules, spec: Tree, path: str, memo: Memo) -> Iterator[Denial]:
    """The sums over the VM that a rule refuses."""
    for total, rules_about in one.totals:
        size, place = total.of(spec), f"{path}.{total.at}"
        rule = rules_about.refusing(size, location_at(spec, place, path, memo))
        if rule is not None:
            yield Denial(rule, total.name, TOTAL, place, size)


@dataclass(slots=True, eq=False)
class _Walk:
    """One walk over a VM's ruled fields. Nothing in it depends on how many rules there are elsewhere."""

    one: EffectiveRules
    spec: Tree
    root: str
    found: list[Denial]
    memo: Memo
    enough: int

    def walk(self, parent: FieldNode, tree: Tree, where: Where) -> None:
        """The ruled fields below one element of the tree."""
        below = parent.below
        if parent.wanting:
            for name, wanted in below.items():
                if wanted.wanting and name not in tree:
                    self._missing(wanted, (where, name))
        for name, value in tree.items():
            node = below.get(name)
            # Most are leaves that have passed before. Lists and objects are no keys of a memory, and True is not 1.
            if node is None or (type(value) in SIMPLE and node.passed.get(value) is type(value)):
                continue
            if node.counts:
                self._list(node, node.counts, node.class_name(value), value, (where, name))
            if not node.many:
                self._enter(node, value, (where, name))
            elif type(value) is list:
                for number, item in enumerate(value):
                    self._enter(node, item, ((where, name), number))

    def _enter(self, node: FieldNode, value: Any, where: Where) -> None:
        """A value, or an entry of a list, and what is ruled below it."""
        if node.ruled:
            self._look(node, value, where)
        if node.below and type(value) is dict and len(self.found) <= self.enough:
            self.walk(node, value, where)

    def _look(self, node: FieldNode, value: Any, where: Where) -> None:
        kind = node.kind or node.class_name(value)
        if kind in BACKEND_KINDS:
            return  # a mark, and decided as such
        rules_about, path = self.one.rules_about(node.declared, kind), place_text(where)
        rule = rules_about.refusing(value, location_at(self.spec, path, self.root, self.memo))
        if rule is not None:
            self.found.append(Denial(rule, node.declared, kind, path, value))
        elif node.leaf and rules_about.passes(value):
            remember(node.passed, value)

    def _list(self, node: FieldNode, rules: Iterable[Rule], kind: str, value: Any, where: Where) -> None:
        """The refusals of a list as a whole, or of something missing."""
        path = place_text(where)
        for rule in rules:
            clause = self.one.clause(rule, node.declared, node.class_name(value))
            if clause.holds(value, location_at(self.spec, path, self.root, self.memo)):
                self.found.append(Denial(rule, node.declared, kind, path, value))

    def _missing(self, node: FieldNode, where: Where) -> None:
        """What rules want to be there and is not, also where all around it is missing."""
        self._list(node, node.absents, MISSING, None, where)
        if not node.many:
            self.walk(node, _NOTHING, where)
