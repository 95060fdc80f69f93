"""`present: false`: the field is missing where what is around it may be; `present: true`: any value."""

from __future__ import annotations

from webhook.declare import Field
from webhook.policy.language.cel_form import Cel, CelValue
from webhook.policy.language.condition import Condition, ConditionKind, InvalidCondition, Subject, flag


def make(wanted: object, field: Field | None) -> Condition:
    if field is None:
        raise InvalidCondition("asks for a field by name, and a class names none", "name a `path`")
    if flag(wanted):
        return Condition("present", wanted, lambda _: True, subject=Subject.PRESENT)
    if field.many:
        raise InvalidCondition(
            "asks for an entry that is not there", "name a field of the entries, or the list's parent"
        )
    return Condition("present", wanted, lambda _: True, lambda _: "is missing", Subject.MISSING)


def formula(_each: Condition, _value: CelValue, cel: Cel) -> str:
    """Whoever asks has a value."""
    return cel.TRUE


KIND = ConditionKind(
    "present", "the field is there, or is not", {"type": "boolean"}, make, formula, in_permit=False, counted=False
)
