"""`stated: true`: the requester wrote the field in the object; what the service completed alone is not meant."""

from __future__ import annotations

from webhook.declare import Field
from webhook.policy.language.cel_form import Cel, CelValue, Inexpressible
from webhook.policy.language.condition import Condition, ConditionKind, InvalidCondition, Subject, flag
from webhook.policy.language.model import STATED

_PROBLEM = "is stated here, where it is for the service to complete"


def make(wanted: object, _field: Field | None) -> Condition:
    if not flag(wanted):
        raise InvalidCondition("is false: a rule without it is about every value, whoever wrote it", "remove it")
    return Condition(STATED, wanted, lambda _: True, lambda _: _PROBLEM, Subject.PRESENT)


def formula(_each: Condition, _value: CelValue, _cel: Cel) -> str:
    raise Inexpressible("the API server sees the object when the service has completed it")


KIND = ConditionKind(
    STATED,
    "the requester wrote it, rather than the service that completed the object",
    {"const": True},
    make,
    formula,
    in_permit=False,
    in_guard=False,
    counted=False,
)
