"""`in: [a, b]`: the value is one of these."""

from __future__ import annotations

from webhook.declare import Field
from webhook.policy.language.condition import Condition, ConditionKind
from webhook.policy.language.value_lists import SCHEMA, cel_members, members


def make(wanted: object, field: Field | None) -> Condition:
    listed = members(wanted, field, within=True)
    values, same = listed.values, listed.same
    assert isinstance(wanted, list)  # noqa: S101 - `members` refuses anything else
    return Condition("in", wanted, lambda value: same(value) in values, members=listed, only=tuple(wanted))


KIND = ConditionKind("in", "the value is one of these", SCHEMA, make, cel_members, counted=False)
