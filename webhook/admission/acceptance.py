"""What a review says of a change that the guest may not survive: which object it is, and the digest that it accepts."""

from __future__ import annotations

from typing import Any

from webhook.abi.acceptance import ANNOTATION, Acceptance
from webhook.admission.review import Review
from webhook.trees import Tree


def acceptance_of(review: Review, stored: Tree) -> Acceptance:
    """The acceptance in a review's annotations, for the object that is stored."""
    digest = _part(_part(review.object, "metadata"), "annotations").get(ANNOTATION)
    uid = _part(review.old_object, "metadata").get("uid")
    identity = (review.kind, review.namespace, review.name, uid if type(uid) is str else "")
    history = (stored.get("abi") or {}).get("history") or []
    return Acceptance(identity, history, digest if type(digest) is str else "")


def _part(tree: Any, name: str) -> Tree:
    """An object within an object; empty where there is none."""
    part = tree.get(name) if type(tree) is dict else None
    return part if type(part) is dict else {}
