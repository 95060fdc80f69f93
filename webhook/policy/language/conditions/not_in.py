"""`not-in: [a, b]`: the value can be compared with these, and is none of them."""

from __future__ import annotations

from typing import Any

from webhook.declare import Field
from webhook.policy.language.cel_form import Cel, CelValue
from webhook.policy.language.condition import Condition, ConditionKind
from webhook.policy.language.field_content import MEMORY, QUANTITY, holding
from webhook.policy.language.value_lists import SCHEMA, cel_members, members


def make(wanted: object, field: Field | None) -> Condition:
    listed = members(wanted, field, within=False)
    values, same = listed.values, listed.same

    def holds(value: Any) -> bool:
        known = same(value)
        return known is not None and known not in values

    return Condition("not-in", wanted, holds, members=listed)


def formula(each: Condition, value: CelValue, cel: Cel) -> str:
    other = cel.negated(cel_members(each, value, cel))
    held = holding(value.checked)
    if held not in (MEMORY, QUANTITY):
        return other
    return cel.all_of([cel.is_amount(value.words) if held == MEMORY else cel.is_quantity(value.words), other])


KIND = ConditionKind("not-in", "the value is none of these", SCHEMA, make, formula)
