"""Policy over one reading of an object: the bridge between a review and the policy engine."""

from __future__ import annotations

from typing import Any

from webhook.admission.review import Review
from webhook.admission.world import World
from webhook.declare.inspect import Inspection
from webhook.kinds import Kind
from webhook.policy import Decision, Request


def judge(review: Review, kind: Kind, reading: Inspection, spec: Any, stored: Any, world: World) -> Decision:
    """What the policies in force say of every field of `spec` that is not stored already, for this user and place."""
    request = Request(
        namespace=review.namespace,
        labels=world.labels(review.namespace),
        user=review.user,
        groups=review.groups,
        operation=review.operation,
    )
    tree = spec if type(spec) is dict else {}
    return world.policies.engine.decide(reading.marks, tree, request, kind.spec_path, stored=stored)
