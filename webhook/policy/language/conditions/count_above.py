"""`count-above: 4`: the list has more entries than this."""

from __future__ import annotations

from webhook.declare import Field, shown
from webhook.policy.language.cel_form import Cel, CelValue
from webhook.policy.language.condition import Condition, ConditionKind, InvalidCondition, Subject
from webhook.policy.language.field_content import ELEMENTS, holding, whole


def make(wanted: object, field: Field | None) -> Condition:
    if holding(field) != ELEMENTS:
        raise InvalidCondition("counts entries, and the rule names no list", "name a list, whose path ends with `[*]`")
    limit = whole(wanted)
    if limit is None or limit < 0:
        raise InvalidCondition(f"is `{shown(wanted)}`, expected a whole number from 0")
    return Condition(
        "count-above",
        wanted,
        lambda value: type(value) is list and len(value) > limit,
        lambda value: f"has {len(value)} entries, at most {limit} are allowed here",
        Subject.LIST,
    )


def formula(each: Condition, value: CelValue, _cel: Cel) -> str:
    return f"size({value.words}) > {each.wanted}"


KIND = ConditionKind(
    "count-above",
    "the list has more entries than this",
    {"type": "integer", "minimum": 0},
    make,
    formula,
    in_permit=False,
    counted=False,
)
