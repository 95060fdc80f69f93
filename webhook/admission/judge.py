"""Policy over one reading of an object: the bridge between a review and the policy engine."""

from __future__ import annotations

from typing import Any

from webhook.abi.state import LATEST
from webhook.admission.review import Review
from webhook.admission.site import marks_of
from webhook.admission.world import World
from webhook.declare.inspect import Inspection
from webhook.findings import MOST
from webhook.kinds import Kind
from webhook.policy import Decision, Request
from webhook.policy.removed import Removed


def judge(
    review: Review, kind: Kind, reading: Inspection, spec: Any, stored: Any, world: World, most: int = MOST
) -> Decision:
    """What the policies in force say of every field of `spec` that is not stored already, for this user and place.

    At most so many findings; none where the reading ended early: the review is refused for that.
    """
    if reading.oversized or not most:
        return Decision()
    tree = spec if type(spec) is dict else {}
    frozen = LATEST not in (_policy(tree), _policy(stored))
    engine = world.policies.engine
    marks, request = marks_of(reading.marks, world.site, kind.spec_path), _request(review, world)
    return engine.decide(marks, tree, request, kind.spec_path, stored=stored, frozen=frozen, most=most)


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
