"""Lists of values, as `in` and `not-in` have them: each has to be one that the field can have, and is named once."""

from __future__ import annotations

from typing import Any

from webhook.declare import Field, kib, problem_of, shown, told
from webhook.policy.language.cel_form import Cel, CelValue
from webhook.policy.language.condition import Condition, InvalidCondition, Members
from webhook.policy.language.field_content import (
    ELEMENT,
    ELEMENTS,
    MEMORY,
    QUANTITY,
    READ_BY,
    SET,
    comparable,
    holding,
    json_types,
)

SCHEMA: dict[str, Any] = {"type": "array", "items": {"type": ["string", "integer", "boolean"]}, "minItems": 1}
_JSON_TYPES = {str: "string", int: "integer", bool: "boolean"}


def members(wanted: object, field: Field | None, *, within: bool) -> Members:
    """The values that an admin listed; raises InvalidCondition."""
    if type(wanted) is not list or not wanted:
        raise InvalidCondition("names no values", "write a list with at least one value")
    held = holding(field)
    if held in (ELEMENT, ELEMENTS, SET):
        raise InvalidCondition(f"compares values, and the field holds {held}", READ_BY[held])
    made, same = set(), comparable(field)
    for value in wanted:
        _check(value, field)
        known = same(value)
        if known is None:
            raise InvalidCondition(f"holds `{shown(value)}`, expected texts, whole numbers or booleans")
        if known in made:
            raise InvalidCondition(f"names {told(field, value)} twice", "keep one of them")
        made.add(known)
    return Members(frozenset(made), same, within)


def _check(value: object, field: Field | None) -> None:
    problem = problem_of(field, value) if field and field.scalar else None
    if problem:
        named = "" if problem.startswith("`") else f"{told(field, value)} "
        way = "name values that the field can have"
        raise InvalidCondition(f"names what the field never has: {named}{problem}", way)


def cel_members(each: Condition, value: CelValue, cel: Cel) -> str:
    """Whether a value that can be compared is one of those listed."""
    listed = list(each.wanted) if isinstance(each.wanted, list | tuple) else []
    held = holding(value.checked)
    if held == QUANTITY:
        own = cel.any_quantity(value.words)
        same = [f"{own}.compareTo({cel.any_quantity(cel.text(str(one)))}) == 0" for one in listed]
        return cel.all_of([cel.is_quantity(value.words), cel.any_of(same)])
    if held != MEMORY:
        types = json_types(value.field)
        return cel.among(value.words, [one for one in listed if _JSON_TYPES.get(type(one)) in types])
    amounts = [amount for amount in map(kib, listed) if amount is not None]
    same = [f"{cel.quantity(value.words)}.compareTo({cel.kib_quantity(amount)}) == 0" for amount in amounts]
    return cel.all_of([cel.is_amount(value.words), cel.any_of(same)])
