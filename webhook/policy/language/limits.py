"""Limits, as `above` and `below` have them: on a number, on an amount of memory, and on a sum over the VM."""

from __future__ import annotations

from functools import partial
from typing import Any

from webhook.declare import Field, nano, shown
from webhook.policy.language.cel_form import Cel, CelValue
from webhook.policy.language.condition import Condition, ConditionKind, InvalidCondition, Limit
from webhook.policy.language.field_content import ANY, MEMORY, NUMBER, QUANTITY, READ_BY, amounts, holding, whole

_SCHEMA: dict[str, Any] = {"type": ["integer", "string"]}
_EXAMPLES = {
    MEMORY: "MiB as a whole number or a quantity like `4Gi`",
    QUANTITY: "a quantity like `4Gi` or `500m`, or a whole number of bytes or cores",
    NUMBER: "a whole number",
}


def limit_kind(name: str, doc: str, *, above: bool) -> ConditionKind:
    """The kind of condition that holds of what is above a limit, or below it."""
    of_field, of_total = partial(_of_field, name, above), partial(_of_total, name, above)
    return ConditionKind(name, doc, _SCHEMA, of_field, cel_limit, of_total, counted=False)


def _of_field(name: str, above: bool, wanted: object, field: Field | None) -> Condition:
    return limited(name, wanted, _held(field), above=above)


def _of_total(name: str, above: bool, wanted: object, unit: str) -> Condition:
    return limited(name, wanted, MEMORY if unit == "memory" else NUMBER, above=above, total=True)


def limited(name: str, wanted: object, held: str, *, above: bool, total: bool = False) -> Condition:
    """The condition on a field that holds this, or on a `total` of it, which is counted in KiB where it is memory."""
    amount = amounts(held)
    size = amount(wanted)
    if size is None:
        raise InvalidCondition(f"is `{shown(wanted)}`, expected {_EXAMPLES[held]}")
    limit = Limit(size, whole if total else amount, above)
    words = f"{'at most' if above else 'at least'} {wanted} is allowed here"

    def holds(value: Any) -> bool:
        found = limit.amount(value)
        return found is not None and limit.exceeded(found)

    def refusal(value: Any) -> str:
        if total:
            return f"is {shown(quantity(value) if held == MEMORY else value)} in all, {words}"
        return f"is {shown(value)}, {words}"

    return Condition(name, wanted, holds, refusal, limit=limit)


def quantity(value: int) -> str:
    """An amount of KiB as a quantity, so that it stands beside a limit of `8Gi`."""
    return f"{value // 1024}Mi" if value % 1024 == 0 else f"{value}Ki"


def _held(field: Field | None) -> str:
    """What the field holds, of which there can be more or less; raises InvalidCondition."""
    held = holding(field)
    if held == ANY:
        raise InvalidCondition(
            "compares amounts, and a class has fields of every type", "name a `path` beside the class"
        )
    if held not in _EXAMPLES:
        raise InvalidCondition(f"compares amounts, and the field holds {held}", READ_BY[held])
    return held


def cel_limit(each: Condition, value: CelValue, cel: Cel) -> str:
    """Whether a value that is an amount is beyond the limit."""
    limit = each.limit
    assert limit is not None  # noqa: S101 - it was made by `limited`
    if limit.amount is whole:
        return f"{value.words} {'>' if limit.above else '<'} {limit.limit}"
    compare = "isGreaterThan" if limit.above else "isLessThan"
    if limit.amount is nano:
        beyond = f"{cel.any_quantity(value.words)}.{compare}({cel.any_quantity(cel.text(str(each.wanted)))})"
        return cel.all_of([cel.is_quantity(value.words), beyond])
    beyond = f"{cel.quantity(value.words)}.{compare}({cel.kib_quantity(limit.limit)})"
    return cel.all_of([cel.is_amount(value.words), beyond])
