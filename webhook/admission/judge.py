"""Policy over one reading of an object: the bridge between a review and the policy engine."""

from __future__ import annotations

from typing import Any

from webhook.abi.state import LATEST
from webhook.admission.review import Review
from webhook.admission.site import marks_of
from webhook.admission.world import World
from webhook.declare.inspect import Inspection
from webhook.kinds import Kind
from webhook.policy import Decision, Request
from webhook.policy.removed import Removed


def judge(review: Review, kind: Kind, reading: Inspection, spec: Any, stored: Any, world: World) -> Decision:
    """What the policies in force say of every field of `spec` that is not stored already, for this user and place.

    Nothing, where the reading found a list too long to look at: the review is refused for that.
    """
    if reading.oversized:
        return Decision()
    tree = spec if type(spec) is dict else {}
    frozen = LATEST not in (_policy(tree), _policy(stored))
    engine = world.policies.engine
    marks = marks_of(reading.marks, world.site, kind.spec_path)
    return engine.decide(marks, tree, _request(review, world), kind.spec_path, stored=stored, frozen=frozen)


def taken_away(
    review: Review, kind: Kind, stored_reading: Inspection, spec: Any, stored: Any, world: World
) -> list[Removed]:
    """The stored backend that an update leaves out of what stays, and that its user could not set."""
    if stored is None or not stored_reading.marks:
        return []
    request, marks = _request(review, world), marks_of(stored_reading.marks, world.site, kind.spec_path)
    return world.policies.engine.removed(marks, spec, stored, request, kind.spec_path)


def _request(review: Review, world: World) -> Request:
    return Request(
        namespace=review.namespace,
        labels=world.labels(review.namespace),
        user=review.user,
        groups=review.groups,
        operation=review.operation,
    )


def _policy(spec: Any) -> Any:
    abi = spec.get("abi") if type(spec) is dict else None
    return abi.get("policy") if type(abi) is dict else None
