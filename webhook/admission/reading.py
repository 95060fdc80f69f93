"""What both webhooks read first: the shape of the spec that is stored."""

from __future__ import annotations

from typing import Any

from webhook.declare.inspect import Inspection
from webhook.findings import Finding, Findings
from webhook.kinds import Kind, inspect_spec


def read_stored(stored: Any, kind: Kind) -> Inspection:
    """The shape of what is stored; a review whose old object is no VM is not an API server's."""
    if stored is None:
        return Inspection()
    reading = inspect_spec(stored, kind.spec_path)
    if reading.findings:
        first = reading.findings[0]
        way = "the stored object does not fit the API: restore it from a backup, or delete and create it"
        reading.findings = Findings(
            [Finding(first.path, f"is malformed where it is stored: {first.problem}", way, "stored")]
        )
    return reading
