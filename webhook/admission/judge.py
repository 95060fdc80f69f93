"""Policy over one reading of an object: the bridge between a review and the policy engine."""

from __future__ import annotations

from typing import Any

from webhook.abi.state import LATEST
from webhook.admission.review import Review
from webhook.admission.world import World
from webhook.declare.inspect import Inspection
from webhook.kinds import Kind
from webhook.policy import Decision, Request
from webhook.policy.granted import Lost


def judge(
    review: Review, kind: Kind, reading: Inspection, spec: Any, stored: Any, stored_reading: Inspection, world: World
) -> Decision:
    """What the policies in force say of every field of `spec` that is not stored already, for this user and place.

    And what they say of stored fields that are not as they were. Nothing, where the reading found a list too long to
    look at: the review is refused for that.
    """
    if reading.oversized or stored_reading.oversized:
        return Decision()
    return world.policies.engine.decide(
        reading.marks,
        spec if type(spec) is dict else {},
        _request(review, world),
        kind.spec_path,
        stored=stored,
        stored_marks=stored_reading.marks,
        frozen=_frozen(spec, stored),
    )


def granted(review: Review, kind: Kind, stored_reading: Inspection, spec: Any, stored: Any, world: World) -> list[Lost]:
    """The stored backend that an update does not leave as it is, and that its user could not set."""
    request = _request(review, world)
    frozen = _frozen(spec, stored)
    return world.policies.engine.lost(stored_reading.marks, spec, stored, request, kind.spec_path, frozen)


def _request(review: Review, world: World) -> Request:
    return Request(
        namespace=review.namespace,
        labels=world.labels(review.namespace),
        user=review.user,
        groups=review.groups,
        operation=review.operation,
    )


def _frozen(spec: Any, stored: Any) -> bool:
    return LATEST not in (_policy(spec), _policy(stored))


def _policy(spec: Any) -> Any:
    abi = spec.get("abi") if type(spec) is dict else None
    return abi.get("policy") if type(abi) is dict else None
