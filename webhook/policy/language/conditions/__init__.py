"""The closed set of conditions that a rule can put on a value, one file each, found by being there.

A file has `KIND`: the word, what may be written behind it, the check against the field's type, the words of a refusal,
how many of it are merged, and the formula of the export. Nothing else has to be edited for another condition.
"""

from __future__ import annotations

import importlib
import pkgutil

from webhook.declare import Field
from webhook.policy.language.condition import Condition, ConditionKind, InvalidCondition


def found() -> dict[str, ConditionKind]:
    """The kinds by their word, in the order of the files."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    kinds: list[ConditionKind] = [importlib.import_module(f"{__name__}.{name}").KIND for name in names]
    return {kind.name: kind for kind in kinds}


CONDITIONS = found()


def condition(name: str, wanted: object, field: Field | None) -> Condition:
    """The condition `name: wanted` on this field (None: on any field of a class); raises InvalidCondition."""
    return CONDITIONS[name].make(wanted, field)


def total_condition(name: str, wanted: object, unit: str) -> Condition:
    """The condition `name: wanted` on a sum over the VM in this unit (totals.py); raises InvalidCondition."""
    make = CONDITIONS[name].of_total
    assert make is not None  # noqa: S101 - the reader refuses others first
    return make(wanted, unit)


def of_totals() -> tuple[str, ...]:
    """The words that a rule about a sum may use."""
    return tuple(name for name, kind in CONDITIONS.items() if kind.of_total is not None)


__all__ = ["CONDITIONS", "Condition", "InvalidCondition", "condition", "found", "of_totals", "total_condition"]
