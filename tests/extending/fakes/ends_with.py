"""`ends-with: .img`: a condition that the language does not have."""

from __future__ import annotations

from webhook.declare import Field, shown
from webhook.policy.language.cel_form import Cel, CelValue
from webhook.policy.language.condition import Condition, ConditionKind, InvalidCondition


def make(wanted: object, field: Field | None) -> Condition:
    if field is None or not isinstance(wanted, str):
        raise InvalidCondition(f"is `{shown(wanted)}`, expected the end of a text", "name a path and a text")
    return Condition(
        "ends-with",
        wanted,
        lambda value: type(value) is str and value.endswith(wanted),
        lambda value: f"`{shown(value)}` ends with `{wanted}`",
    )


def formula(each: Condition, value: CelValue, cel: Cel) -> str:
    return f"{value.words}.endsWith({cel.text(str(each.wanted))})"


KIND = ConditionKind("ends-with", "the value ends with this", {"type": "string", "minLength": 1}, make, formula)
