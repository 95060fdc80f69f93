"""What both webhooks read first: the spec of the object and the one that is stored, and the shape of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from webhook.admission.review import Review
from webhook.declare.inspect import Inspection
from webhook.declare.tree import identical
from webhook.findings import Finding, Findings
from webhook.kinds import Kind, inspect_spec


@dataclass(frozen=True, slots=True)
class Reading:
    """A spec and what its inspection found, beside those of the stored one; None where nothing is stored."""

    kind: Kind
    spec: Any
    inspection: Inspection
    stored: Any = None
    stored_inspection: Inspection = field(default_factory=Inspection)

    @property
    def path(self) -> str:
        """The spec's place in findings."""
        return self.kind.spec_path


def read(review: Review, kind: Kind) -> Reading | None:
    """The specs of a review; None where an update leaves the spec as it is."""
    spec = kind.spec_of(review.object)
    stored = kind.spec_of(review.old_object) if review.operation == "UPDATE" else None
    if stored is not None and identical(stored, spec):
        return None
    return Reading(kind, spec, inspect_spec(spec, kind.spec_path), stored, _read_stored(stored, kind))


def _read_stored(stored: Any, kind: Kind) -> Inspection:
    """The shape of what is stored; a review whose old object is no VM is not an API server's."""
    if stored is None:
        return Inspection()
    found = inspect_spec(stored, kind.spec_path)
    if found.findings:
        first = found.findings[0]
        way = "the stored object does not fit the API: restore it from a backup, or delete and create it"
        found.findings = Findings(
            [Finding(first.path, f"is malformed where it is stored: {first.problem}", way, "stored")]
        )
    return found
