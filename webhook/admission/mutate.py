"""The mutating webhook: an incoming VM becomes complete, and a stored one stays what it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from webhook.abi.compare import compare, frozen_finding
from webhook.abi.state import LATEST
from webhook.admission.context import AdmissionContext
from webhook.admission.patch import diff
from webhook.admission.policy_check import check_policy, granted
from webhook.admission.reading import read_stored
from webhook.admission.review import ALLOWED, Review, Verdict, refusal
from webhook.declare.inspect import Inspection
from webhook.declare.tree import identical
from webhook.expand.pipeline import expand, extend
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import KINDS, Kind, inspect_spec


def mutate(review: Review, context: AdmissionContext) -> Verdict:
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
    reading = inspect_spec(spec, kind.spec_path)
    stored, stored_reading = read_stored(stored, kind)
    findings = Findings(reading.findings)
    findings.take(stored_reading.findings)
    if not findings:
        try:
            return _completed(review, spec, stored, stored_reading, kind, context)
        except Refused as refused:
            findings.take(refused.findings)
            findings.take(_changed(spec, stored, kind))
    judged = check_policy(review, kind, reading, spec, stored, stored_reading, context, findings.room)
    findings.take(judged.findings)
    return refusal(findings, warnings=tuple(judged.warnings))


def _changed(spec: dict[str, Any], stored: Any, kind: Kind) -> Iterator[Finding]:
    """What an update that cannot be completed would change of the frozen machine: all findings at once."""
    if stored is None or not stored.get("domain") or (spec.get("abi") or {}).get("policy") == LATEST:
        return
    for change in compare(stored["domain"], spec.get("domain") or {}):
        if change.old is not None and change.new is not None:
            yield frozen_finding(change, f"{kind.spec_path}.domain")


def _completed(
    review: Review, spec: dict[str, Any], stored: Any, stored_reading: Inspection, kind: Kind, context: AdmissionContext
) -> Verdict:
    if stored is not None and stored.get("domain"):
        made = extend(spec, stored, context, kind.spec_path)
        for lost in granted(review, kind, stored_reading, made.spec, stored, context):
            lost.restore()
    else:
        made = expand(spec, context, kind.spec_path)
    return Verdict(allowed=True, patch=diff(spec, made.spec, kind.pointer))
