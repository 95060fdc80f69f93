"""Policy over a spec of which no machine could be made, so that its requester hears of everything at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from webhook.abi.adoption import AskedDevices
from webhook.abi.freeze import freeze
from webhook.admission.context import AdmissionContext
from webhook.admission.policy_check import check_policy, granted
from webhook.admission.reading import Reading
from webhook.admission.review import Review
from webhook.declare.inspect import Inspection
from webhook.findings import Finding, Refused
from webhook.policy import Decision
from webhook.trees import Tree


def check_unmade(review: Review, reading: Reading, context: AdmissionContext, most: int) -> Decision:
    """What the policies say of what the spec itself states, and of what it states otherwise than it was granted.

    What it leaves out the service would have kept, so that is not gone. A malformed spec is not compared with that.
    """
    decision = check_policy(review, replace(reading, stored_inspection=Inspection()), context, most)
    if not (reading.inspection.findings or reading.stored_inspection.findings):
        known = {each.path for each in decision.findings}
        decision.findings.take(each for each in _lost(review, reading, context) if each.path not in known)
    return decision


def _lost(review: Review, reading: Reading, context: AdmissionContext) -> Iterator[Finding]:
    """The granted values that would not be as they were."""
    spec, stored = reading.spec, reading.stored
    if stored is None or not stored.get("domain"):
        return
    tombstones: Tree = (stored.get("abi") or {}).get("tombstones") or {}
    try:
        kept = freeze(stored["domain"], tombstones, spec.get("domain") or {}, AskedDevices(set(), set()), reading.path)
    except Refused:
        return
    abi = {**(spec.get("abi") or {}), "tombstones": kept.tombstones}
    whole = replace(reading, spec={**spec, "domain": kept.domain, "abi": abi})
    for each in granted(review, whole, context):
        each.restore()
    for each in granted(review, whole, context):
        yield each.finding()
