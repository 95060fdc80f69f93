"""Which rule decides about each field of a VM, and how: the engine's own decision, field by field."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.declare import Backend, DeclaredField, FieldClass, Frontend, declared_form
from webhook.policy.engine.effective import location_at
from webhook.policy.engine.engine import Engine
from webhook.policy.engine.evaluate import denials
from webhook.policy.engine.stated import refusals
from webhook.policy.engine.submission import Submission
from webhook.policy.language.model import Request, Rule
from webhook.policy.language.selection import class_name


@dataclass(frozen=True, slots=True)
class FieldDecision:
    """The decision about one field: its class, whether it is refused, and the rule that decided (None: none had to)."""

    path: str
    kind: str
    refused: bool
    rule: Rule | None


def explain(engine: Engine, submitted: Submission, request: Request) -> list[FieldDecision]:
    """Every field of a spec that has been inspected, in its own order; then refusals of lists and sums."""
    rules, spec, root = engine.rules_for(request).enforce, submitted.spec, submitted.path
    marked = {mark.path: mark.field_class for mark in submitted.marks}
    found = []
    for each in _Fields(engine.declared_fields, marked, root).below(spec, root):
        location = location_at(spec, each.path, root, {})
        rule, refused = rules.rules_about(each.declared, each.kind).deciding(each.value, location)
        found.append(FieldDecision(each.path, each.kind, refused, rule))
    known = {each.path for each in found if each.refused}
    for denial in denials(rules, submitted):
        if denial.path not in known:
            found.append(FieldDecision(denial.path, denial.kind or "missing", True, denial.rule))
    return found


def explain_stated(
    engine: Engine, submitted: Submission, request: Request, stated: Collection[str]
) -> list[FieldDecision]:
    """What rules about stated fields refuse of a spec as it was written, of which the requester states these paths."""
    if engine.of_stated is None:
        return []
    rules = engine.of_stated.rules_for(request).enforce
    return [FieldDecision(each.path, each.kind, True, each.rule) for each in refusals(rules, submitted, stated)]


@dataclass(frozen=True, slots=True)
class _FieldValue:
    """A field that is decided by itself, with its class and what stands there."""

    path: str
    declared: str
    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of a spec at `root`; `marked` has the classes of those that are no frontend."""

    declared_fields: Mapping[str, DeclaredField]
    marked: Mapping[str, FieldClass]
    root: str

    def below(self, tree: Any, path: str) -> Iterator[_FieldValue]:
        """Each field below an element; an element that is backend as a whole is one field."""
        for name, value in tree.items():
            here = f"{path}.{name}"
            if here in self.marked:
                yield _FieldValue(here, self._declared(here), class_name(self.marked[here]), value)
            elif isinstance(value, dict):
                yield from self.below(value, here)
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                for index, entry in enumerate(value):
                    yield from self.below(entry, f"{here}[{index}]")
            else:
                declared = self._declared(here)
                place = self.declared_fields.get(declared)
                field_class = place.field.class_of_value(value) if place is not None else Frontend()
                # What is backend and has no mark asks for nothing.
                if isinstance(field_class, Backend):
                    continue
                yield _FieldValue(here, declared, class_name(field_class), value)

    def _declared(self, path: str) -> str:
        """A path as the declarations have it; a list that is backend as a whole is declared by its entries."""
        declared = declared_form(path[len(self.root) + 1 :])
        return declared if declared in self.declared_fields else f"{declared}[*]"
