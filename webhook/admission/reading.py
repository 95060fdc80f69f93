"""What both webhooks read first: the shape of the spec that is stored."""

from __future__ import annotations

from typing import Any

from webhook.declare import Shape
from webhook.declare.inspect import Inspection
from webhook.findings import Finding, Findings
from webhook.kinds import Kind, inspect_spec, spec_shape


def read_stored(stored: Any, kind: Kind) -> tuple[Any, Inspection]:
    """What is stored, as far as the API knows it, and its shape.

    An API server takes names that the API does not know while the webhooks are away. An update may leave them out: what
    was stored without meaning is not brought back. A review whose old object is no VM is not an API server's.
    """
    if stored is None:
        return None, Inspection()
    reading = inspect_spec(stored, kind.spec_path)
    if reading.findings and not reading.oversized:
        stored = _known(stored, spec_shape())
        reading = inspect_spec(stored, kind.spec_path)
    if reading.findings:
        first = reading.findings[0]
        way = "the stored object does not fit the API: restore it from a backup, or delete and create it"
        reading.findings = Findings(
            [Finding(first.path, f"is malformed where it is stored: {first.problem}", way, "stored")]
        )
    return stored, reading


def _known(tree: Any, shape: Shape) -> Any:
    """A copy without the names that the declaration does not have."""
    if type(tree) is not dict:
        return tree
    kept = {}
    for name, value in tree.items():
        entry = shape.fields.get(name)
        if entry is None:
            continue
        if entry.shape is None:
            kept[name] = value
        elif entry.many and type(value) is list:
            kept[name] = [_known(item, entry.shape) for item in value]
        else:
            kept[name] = _known(value, entry.shape)
    return kept
