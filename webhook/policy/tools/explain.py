"""Which rule decides about each field of a VM, and how: the engine's own decision, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.declare import FieldClass, Mark
from webhook.policy.engine.effective import EffectiveRules, location_at
from webhook.policy.engine.engine import Engine
from webhook.policy.engine.evaluate import denials
from webhook.policy.language.model import Request, Rule
from webhook.policy.language.selection import class_name

_INDEX = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class FieldDecision:
    """The decision about one field: its class, whether it is refused, and the rule that decided (None: none had to)."""

    path: str
    kind: str
    refused: bool
    rule: Rule | None


def explain(
    engine: Engine, marks: Sequence[Mark], spec: dict[str, Any], request: Request, path: str
) -> list[FieldDecision]:
    """Every field of a spec that has been inspected, in its own order; then refusals of lists and sums."""
    rules = engine.rules_for(request).enforce
    marked = {mark.path: mark.field_class for mark in marks}
    found = [_decided(engine, rules, spec, path, *leaf) for leaf in _leaves(engine, marked, spec, path, path)]
    known = {each.path for each in found if each.refused}
    for denial in denials(rules, marks, spec, path):
        if denial.path not in known:
            found.append(FieldDecision(denial.path, denial.kind or "missing", True, denial.rule))
    return found


def _decided(
    engine: Engine, rules: EffectiveRules, spec: dict[str, Any], root: str, here: str, kind: str, value: Any
) -> FieldDecision:
    declared = _declared(engine, here, root)
    rule, refused = rules.rules_about(declared, kind).deciding(value, location_at(spec, here, root, {}))
    return FieldDecision(here, kind, refused, rule)


def _declared(engine: Engine, path: str, root: str) -> str:
    """A path as the declarations have it; a list that is backend as a whole is declared by its entries."""
    declared = _INDEX.sub("[*]", path[len(root) + 1 :])
    return declared if declared in engine.declared_fields else f"{declared}[*]"


def _leaves(
    engine: Engine, marked: Mapping[str, FieldClass], tree: Any, path: str, root: str
) -> Iterator[tuple[str, str, Any]]:
    """Each field with its path and class; an element that is backend as a whole is one field."""
    for name, value in tree.items():
        here = f"{path}.{name}"
        field_class = marked.get(here)
        if field_class is not None:
            yield here, class_name(field_class), value
        elif isinstance(value, dict):
            yield from _leaves(engine, marked, value, here, root)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, entry in enumerate(value):
                yield from _leaves(engine, marked, entry, f"{here}[{index}]", root)
        else:
            yield (
                here,
                class_name(engine.declared_fields[_declared(engine, here, root)].field.class_of_value(value)),
                value,
            )
