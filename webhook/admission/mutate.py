"""The mutating half: an incoming VM becomes complete, and a stored one stays what it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from webhook.abi.compare import compare, frozen_finding
from webhook.abi.state import LATEST
from webhook.admission.expand import expand, extend, read
from webhook.admission.judge import granted, judge
from webhook.admission.patch import diff
from webhook.admission.review import Review, Verdict, refusal
from webhook.admission.world import World
from webhook.declare.inspect import Inspection
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import KINDS, Kind

ALLOWED = Verdict(allowed=True)


def mutate(review: Review, world: World) -> Verdict:
    """The patch that completes the object, or all that is wrong with it.

    A review of anything but the creation or update of a VM's spec is allowed as it is.
    """
    kind = KINDS.get(review.kind)
    if kind is None or review.operation not in ("CREATE", "UPDATE") or review.subresource:
        return ALLOWED
    spec = kind.spec_of(review.object)
    stored = kind.spec_of(review.old_object) if review.operation == "UPDATE" else None
    if stored is not None and identical(stored, spec):
        return ALLOWED
    reading, stored_reading = read(spec, kind.spec_path), read_stored(stored, kind)
    findings = Findings(reading.findings)
    findings.take(stored_reading.findings)
    if not findings:
        try:
            return _completed(review, spec, stored, stored_reading, kind, world)
        except Refused as refused:
            findings.take(refused.findings)
            findings.take(_changed(spec, stored, kind))
    judged = judge(review, kind, reading, spec, stored, stored_reading, world, findings.room)
    findings.take(judged.findings)
    return refusal(findings, warnings=tuple(judged.warnings))


def identical(one: Any, other: Any) -> bool:
    """Whether two trees are the same JSON: in Python 1 is True, and 2.0 is 2."""
    return bool(one == other) and orjson.dumps(one) == orjson.dumps(other)


def read_stored(stored: Any, kind: Kind) -> Inspection:
    """The shape of what is stored; a review whose old object is no VM is not an API server's."""
    if stored is None:
        return Inspection()
    reading = read(stored, kind.spec_path)
    if reading.findings:
        first = reading.findings[0]
        way = "the stored object does not fit the API: restore it from a backup, or delete and create it"
        reading.findings = Findings(
            [Finding(first.path, f"is malformed where it is stored: {first.problem}", way, "stored")]
        )
    return reading


def _changed(spec: dict[str, Any], stored: Any, kind: Kind) -> Iterator[Finding]:
    """What an update that cannot be completed would change of the frozen machine: all findings at once."""
    if stored is None or not stored.get("domain") or (spec.get("abi") or {}).get("policy") == LATEST:
        return
    for change in compare(stored["domain"], spec.get("domain") or {}):
        if change.old is not None and change.new is not None:
            yield frozen_finding(change, f"{kind.spec_path}.domain")


def _completed(
    review: Review, spec: dict[str, Any], stored: Any, stored_reading: Inspection, kind: Kind, world: World
) -> Verdict:
    if stored is not None and stored.get("domain"):
        made = extend(spec, stored, world, kind.spec_path)
        for lost in granted(review, kind, stored_reading, made.spec, stored, world):
            lost.restore()
    else:
        made = expand(spec, world, kind.spec_path)
    return Verdict(allowed=True, patch=diff(spec, made.spec, kind.pointer))
