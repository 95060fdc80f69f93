"""What both webhooks read first: the spec of the object and the one that it comes from, and the shape of each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from webhook.admission.objects import Sources
from webhook.admission.review import Review
from webhook.admission.sources import Source, renamed_source, source_of
from webhook.admission.unnamed import unnamed_devices, unnamed_tombstones, without_unnamed_tombstones
from webhook.declare import Shape
from webhook.declare.inspect import Inspection
from webhook.declare.tree import identical
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import Kind, inspect_spec, spec_shape


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A spec and what its inspection found, beside those of the stored one; None where nothing is stored.

    `source` is what a new object names to be made of, `unmet` why it cannot be. Of a VM that is made of a configuration
    that is what is stored: it may say and do what an update of the configuration could.
    """

    kind: Kind
    spec: Any
    inspection: Inspection
    stored: Any = None
    stored_inspection: Inspection = field(default_factory=Inspection)
    source: Source | None = None
    unmet: tuple[Finding, ...] = ()

    @property
    def path(self) -> str:
        """The spec's place in findings."""
        return self.kind.spec_path

    @property
    def boots(self) -> bool:
        """Whether the object is a VM that is made of a configuration."""
        return self.source is not None and not self.source.clones


def read(review: Review, kind: Kind, sources: Sources | None) -> Reading | None:
    """The specs of a review; None where an update leaves the spec, and what it was made of, as it is."""
    spec = kind.spec_of(review.object)
    stored = kind.spec_of(review.old_object) if review.operation == "UPDATE" else None
    unmet = tuple(renamed_source(review))
    if stored is not None and identical(stored, spec) and not unmet:
        return None
    inspection = inspect_spec(spec, kind.spec_path)
    if not inspection.findings:
        inspection.findings.take(unnamed_tombstones(spec, kind.spec_path))
    if review.operation == "UPDATE":
        return Reading(kind, spec, inspection, *_read_stored(stored, kind), unmet=unmet)
    return _created(Reading(kind, spec, inspection), review, sources)


def _created(reading: Reading, review: Review, sources: Sources | None) -> Reading:
    """What is read of a creation, with the source that it names."""
    try:
        source = source_of(review, reading.kind, sources)
    except Refused as refused:
        return replace(reading, unmet=tuple(refused.findings))
    if source is None or source.clones:
        return replace(reading, source=source)
    return replace(reading, source=source, stored=source.spec, stored_inspection=source.inspection)


def _read_stored(stored: Any, kind: Kind) -> tuple[Any, Inspection]:
    """What is stored, as far as the API knows it, and its shape.

    An API server takes names that the API does not know while the webhooks are away. An update may leave them out: what
    was stored without meaning is not brought back, nor is a tombstone without a name. A review whose old object is no
    VM is not an API server's.
    """
    if stored is None:
        return None, Inspection()
    found = inspect_spec(stored, kind.spec_path)
    if found.findings and not found.oversized:
        stored = _known(stored, spec_shape())
        found = inspect_spec(stored, kind.spec_path)
    if not found.findings:
        stored = without_unnamed_tombstones(stored)
        found.findings.take(unnamed_devices(stored, kind.spec_path))
    if found.findings:
        first = found.findings[0]
        way = "the stored object does not fit the API: restore it from a backup, or delete and create it"
        found.findings = Findings(
            [Finding(first.path, f"is malformed where it is stored: {first.problem}", way, "stored")]
        )
    return stored, found


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
        elif type(value) is list:
            kept[name] = [_known(item, entry.shape) for item in value]
        else:
            kept[name] = _known(value, entry.shape)
    return kept
