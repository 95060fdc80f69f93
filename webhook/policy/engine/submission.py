"""What a requester submits for a decision, and what an update makes of it: the spec beside the one that is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from webhook.declare import DeclaredField, FieldPath, Mark
from webhook.policy.engine.namesakes import Namesakes
from webhook.policy.language.cross_field import Tree


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """A spec and its marks, which stands at `path` of its object, and the stored spec with its own.

    Where the VM is not `frozen`, devices may move: their place and their turn at boot are no part of what they are.
    """

    spec: Tree
    marks: Sequence[Mark]
    path: str = "spec"
    stored: Tree | None = None
    stored_marks: Sequence[Mark] = ()
    frozen: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """A submission that changes what is stored; `known` is what one decision has found out of both specs."""

    submitted: Submission
    stored: Tree
    declared_fields: Mapping[str, DeclaredField]
    known: Namesakes = field(default_factory=Namesakes)

    def inside(self, path: str) -> FieldPath:
        """A path of the object, below its spec."""
        return FieldPath.parse(path[len(self.submitted.path) + 1 :])

    def key(self, declared: str) -> str:
        """The field by which the entries of a declared list are distinguished; empty where they have none."""
        place = self.declared_fields.get(declared)
        return place.field.shape.key if place is not None and place.field.shape is not None else ""
