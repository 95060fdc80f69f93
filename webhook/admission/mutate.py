"""The mutating webhook: an incoming VM becomes complete, and a stored one stays what it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from webhook.abi.compare import compare, frozen_finding
from webhook.abi.state import LATEST
from webhook.admission.context import AdmissionContext
from webhook.admission.patch import diff
from webhook.admission.policy_check import check_policy, granted
from webhook.admission.reading import Reading, read
from webhook.admission.review import ALLOWED, Review, Verdict, refusal
from webhook.expand.pipeline import expand, extend
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import KINDS


def mutate(review: Review, context: AdmissionContext) -> Verdict:
    """The patch that completes the object, or all that is wrong with it.

    A review of anything but the creation or update of a VM's spec is allowed as it is.
    """
    kind = KINDS.get(review.kind)
    if kind is None or review.operation not in ("CREATE", "UPDATE") or review.subresource:
        return ALLOWED
    reading = read(review, kind)
    if reading is None:
        return ALLOWED
    findings = Findings(reading.inspection.findings)
    findings.take(reading.stored_inspection.findings)
    if not findings:
        try:
            return _completed(review, reading, context)
        except Refused as refused:
            findings.take(refused.findings)
            findings.take(_changed(reading))
    judged = check_policy(review, reading, context, findings.room)
    findings.take(judged.findings)
    return refusal(findings, warnings=tuple(judged.warnings))


def _changed(reading: Reading) -> Iterator[Finding]:
    """What an update that cannot be completed would change of the frozen machine: all findings at once."""
    spec, stored = reading.spec, reading.stored
    if stored is None or not stored.get("domain") or (spec.get("abi") or {}).get("policy") == LATEST:
        return
    for change in compare(stored["domain"], spec.get("domain") or {}):
        if change.old is not None and change.new is not None:
            yield frozen_finding(change, f"{reading.path}.domain")


def _completed(review: Review, reading: Reading, context: AdmissionContext) -> Verdict:
    spec, stored = reading.spec, reading.stored
    if stored is not None and stored.get("domain"):
        made = extend(spec, stored, context, reading.path)
        for lost in granted(review, replace(reading, spec=made.spec), context):
            lost.restore()
    else:
        made = expand(spec, context, reading.path)
    return Verdict(allowed=True, patch=diff(spec, made.spec, reading.kind.pointer))
