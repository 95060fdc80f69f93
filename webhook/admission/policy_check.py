"""Policy over one reading of an object: the bridge between a review and the policy engine."""

from __future__ import annotations

from typing import Any

from webhook.abi.state import LATEST
from webhook.admission.context import AdmissionContext
from webhook.admission.reading import Reading
from webhook.admission.review import Review
from webhook.admission.site import marks_of
from webhook.findings import MOST
from webhook.policy import Decision, Request, Submission
from webhook.policy.engine.granted import Lost


def check_policy(review: Review, reading: Reading, context: AdmissionContext, most: int = MOST) -> Decision:
    """What the policies in force say of every field of the spec that is not stored already, for this user and place.

    And what they say of stored fields that are not as they were. At most so many findings; none where a reading ended
    early: the review is refused for that.
    """
    if reading.inspection.oversized or reading.stored_inspection.oversized:
        return Decision()
    return context.policies.engine.decide(
        submission(reading, context), request_of(review, context, boots=reading.boots), most
    )


def granted(review: Review, reading: Reading, context: AdmissionContext) -> list[Lost]:
    """The stored backend that an update does not leave as it is, and that its user could not set."""
    return list(
        context.policies.engine.lost(submission(reading, context), request_of(review, context, boots=reading.boots))
    )


def submission(reading: Reading, context: AdmissionContext) -> Submission:
    """A reading as the engine takes it."""
    site = context.site
    return Submission(
        spec=reading.spec if type(reading.spec) is dict else {},
        marks=marks_of(reading.inspection.marks, site, reading.path),
        path=reading.path,
        stored=reading.stored,
        stored_marks=marks_of(reading.stored_inspection.marks, site, reading.path),
        frozen=LATEST not in (_policy(reading.spec), _policy(reading.stored)),
    )


def request_of(review: Review, context: AdmissionContext, *, boots: bool = False) -> Request:
    """Who asks where; `boots` about a VM of a configuration."""
    return Request(
        namespace=review.namespace,
        labels=context.labels(review.namespace),
        user=review.user,
        groups=review.groups,
        # What a configuration has is granted to the VMs that are made of it.
        operation="UPDATE" if boots else review.operation,
    )


def _policy(spec: Any) -> Any:
    abi = spec.get("abi") if type(spec) is dict else None
    return abi.get("policy") if type(abi) is dict else None
