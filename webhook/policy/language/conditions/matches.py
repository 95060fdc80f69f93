"""`matches: "[a-z]+"`: the whole value is of this form, by RE2's syntax, which runs in linear time."""

from __future__ import annotations

import re
from typing import Any

from webhook.declare import Field, shown
from webhook.policy.language.cel_form import Cel, CelValue, Inexpressible
from webhook.policy.language.condition import Condition, ConditionKind, InvalidCondition
from webhook.policy.language.field_content import ANY, QUANTITY, READ_BY, TEXT, holding, json_types
from webhook.policy.language.patterns import InvalidPattern, pattern

# RE2's single byte, which Go's regular expressions do not have.
_SINGLE_BYTE = r"(?<!\\)(?:\\\\)*\\C"


def make(wanted: object, field: Field | None) -> Condition:
    held = holding(field)
    if held not in (TEXT, QUANTITY, ANY):
        raise InvalidCondition(f"reads texts, and the field holds {held}", READ_BY[held])
    if type(wanted) is not str or not 0 < len(wanted) <= 512:
        raise InvalidCondition("is no regular expression of 1 to 512 characters")
    try:
        known = pattern(wanted)
    except InvalidPattern as invalid:
        raise InvalidCondition(shown(str(invalid)), invalid.help) from None

    def holds(value: Any) -> bool:
        return type(value) is str and known.matches(value)

    return Condition("matches", wanted, holds, pattern=known)


def formula(each: Condition, value: CelValue, cel: Cel) -> str:
    types, expression = json_types(value.field), str(each.wanted)
    if "string" not in types:
        return cel.FALSE
    if re.search(_SINGLE_BYTE, expression):
        raise Inexpressible(f"`{expression}` matches single bytes, which the API server's regular expressions cannot")
    matched = f"{value.words}.matches({cel.text(f'^(?:{expression})$')})"
    return matched if types == {"string"} else f"type({value.words}) == string && {matched}"


KIND = ConditionKind(
    "matches",
    "the whole value matches this regular expression (RE2)",
    {"type": "string"},
    make,
    formula,
    expression=True,
)
