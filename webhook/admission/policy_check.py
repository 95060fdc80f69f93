"""Policy over one reading of an object: the bridge between a review and the policy engine."""

from __future__ import annotations

from typing import Any

from webhook.abi.state import LATEST
from webhook.admission.context import AdmissionContext
from webhook.admission.review import Review
from webhook.admission.site import marks_of
from webhook.declare.inspect import Inspection
from webhook.findings import MOST
from webhook.kinds import Kind
from webhook.policy import Decision, Request
from webhook.policy.engine.granted import Lost


def check_policy(
    review: Review,
    kind: Kind,
    reading: Inspection,
    spec: Any,
    stored: Any,
    stored_reading: Inspection,
    context: AdmissionContext,
    most: int = MOST,
) -> Decision:
    """What the policies in force say of every field of `spec` that is not stored already, for this user and place.

    And what they say of stored fields that are not as they were. At most so many findings; none where a reading ended
    early: the review is refused for that.
    """
    if reading.oversized or stored_reading.oversized:
        return Decision()
    return context.policies.engine.decide(
        marks_of(reading.marks, context.site, kind.spec_path),
        spec if type(spec) is dict else {},
        _request(review, context),
        kind.spec_path,
        stored=stored,
        stored_marks=marks_of(stored_reading.marks, context.site, kind.spec_path),
        frozen=_frozen(spec, stored),
        most=most,
    )


def granted(
    review: Review, kind: Kind, stored_reading: Inspection, spec: Any, stored: Any, context: AdmissionContext
) -> list[Lost]:
    """The stored backend that an update does not leave as it is, and that its user could not set."""
    request, marks = _request(review, context), marks_of(stored_reading.marks, context.site, kind.spec_path)
    return list(context.policies.engine.lost(marks, spec, stored, request, kind.spec_path, _frozen(spec, stored)))


def _request(review: Review, context: AdmissionContext) -> Request:
    return Request(
        namespace=review.namespace,
        labels=context.labels(review.namespace),
        user=review.user,
        groups=review.groups,
        operation=review.operation,
    )


def _frozen(spec: Any, stored: Any) -> bool:
    return LATEST not in (_policy(spec), _policy(stored))


def _policy(spec: Any) -> Any:
    abi = spec.get("abi") if type(spec) is dict else None
    return abi.get("policy") if type(abi) is dict else None
