"""VMSnapshots in reviews: the service fills in what its source is at this moment, and nothing of it changes later.

What is filled in is looked up twice, by what completes and by what checks, so that nobody writes it by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from webhook.abi.running_machine import running_machine
from webhook.admission.context import AdmissionContext
from webhook.admission.objects import AGAIN, Kept, named
from webhook.admission.patch import diff
from webhook.admission.policy_check import check_policy, request_of
from webhook.admission.reading import Reading
from webhook.admission.review import ALLOWED, Review, Verdict, refusal
from webhook.consistency import consistent
from webhook.declare import shown
from webhook.declare.tree import same
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import KINDS, inspect_spec
from webhook.kinds.snapshot import CONFIGURATION, FILLED_IN, PROVENANCE, asked_for, inspect_snapshot
from webhook.policy.language.scope import levels
from webhook.trees import Tree

# Fields that the maker could not set, which are kept; characters of the maker's name.
_MOST_GRANTED, _LONGEST_USER = 64, 256
_LEAVE = "leave it out: the service fills it in"


def fill_in(review: Review, context: AdmissionContext) -> Verdict:
    """The patch that fills in a new snapshot; what an update leaves out comes back. Raises nothing."""
    if review.operation not in ("CREATE", "UPDATE") or review.subresource:
        return ALLOWED
    spec = _spec(review.object)
    if review.operation == "UPDATE":
        stored = _spec(review.old_object)
        if type(spec) is not dict or type(stored) is not dict:
            return ALLOWED
        kept = {**{name: stored[name] for name in FILLED_IN if name in stored}, **spec}
        return Verdict(allowed=True, patch=diff(spec, kept, "/spec"))
    findings = Findings(inspect_snapshot(spec).findings)
    if not findings:
        try:
            filled = filled_in(spec, review, context)
            findings.take(_forged(spec, filled))
        except Refused as refused:
            findings.take(refused.findings)
    if findings:
        return refusal(findings)
    return Verdict(allowed=True, patch=diff(spec, {**spec, **filled}, "/spec"))


def validate_snapshot(review: Review, context: AdmissionContext) -> Verdict:
    """Everything that is wrong with a final snapshot."""
    if review.operation not in ("CREATE", "UPDATE") or review.subresource:
        return ALLOWED
    spec = _spec(review.object)
    if review.operation == "UPDATE":
        return _judged(Findings(_changed(spec, _spec(review.old_object))))
    findings = Findings(inspect_snapshot(spec).findings)
    if not findings:
        try:
            filled = filled_in(spec, review, context)
            findings.take(_forged(spec, filled))
            findings.take(_missing(spec))
        except Refused as refused:
            findings.take(refused.findings)
    return _judged(findings)


def _judged(findings: Findings) -> Verdict:
    return refusal(findings) if findings else ALLOWED


def _spec(obj: Any) -> Any:
    return obj.get("spec") if type(obj) is dict else None


def filled_in(spec: Tree, review: Review, context: AdmissionContext) -> Tree:
    """What the service fills in of a well-formed snapshot; raises Refused."""
    source = spec.get("source") or {}
    lacking = [name for name in ("kind", "name") if not source.get(name)]
    if lacking:
        way = "name the VM or VirtualMachineConfig that the snapshot is of"
        raise Refused([Finding(f"spec.source.{name}", "is missing", way, "snapshot") for name in lacking])
    found = named(context.sources, KINDS[source["kind"]], review.namespace, source["name"], "spec.source.name")
    configuration = _configuration(spec, found)
    return {CONFIGURATION: configuration, PROVENANCE: _provenance(configuration, found, review, context)}


def _configuration(spec: Tree, found: Kept) -> Tree:
    """The source's spec, of a running machine with its memory as it runs; raises Refused."""
    stored, name = found.spec, shown(spec["source"]["name"])
    if inspect_spec(stored, "spec").findings or not (stored.get("domain") or {}).get("devices"):
        problem = f"`{name}` holds no complete machine"
        way = "update it so that the service completes it, and take the snapshot then"
        raise Refused([Finding("spec.source.name", problem, way, "snapshot")])
    made: Tree = {part: stored[part] for part in ("features", "abi", "domain") if part in stored}
    if not spec.get("memory"):
        return made
    current = found.current
    if not current:
        way = "leave `memory` out, or start the machine first"
        raise Refused([Finding("spec.memory", f"`{name}` does not run, as far as its status says", way, "snapshot")])
    findings = list(inspect_spec({"domain": current}, "status").findings)
    if not findings:
        made = running_machine(made, current)
        findings = list(consistent(made["domain"], "status.current"))
        findings += _another_uuid(made["domain"], stored["domain"])
    if findings:
        first = findings[0]
        problem = f"the running machine of `{name}` could not be restored: {first.path}: {first.problem}"
        way = "leave `memory` out, or have the node's agent report the whole machine"
        raise Refused([Finding("spec.memory", problem, way, "snapshot")])
    return made


def _another_uuid(domain: Tree, stored: Tree) -> Iterator[Finding]:
    if domain.get("uuid") != stored.get("uuid"):
        yield Finding("status.current.uuid", "is of another machine")


def _provenance(configuration: Tree, found: Kept, review: Review, context: AdmissionContext) -> Tree:
    """Who made the snapshot, under which policies, and what of it the maker could not have set."""
    request = request_of(review, context)
    reading = Reading(KINDS["VM"], configuration, inspect_spec(configuration, "spec"))
    judged = check_policy(replace(review, operation="CREATE"), reading, context, _MOST_GRANTED)
    made: Tree = {
        "user": review.user[:_LONGEST_USER],
        "level": levels(request, context.policies.engine.default_level)["enforce"],
        "policy": context.policies.digest,
        "source": {"uid": found.uid, "generation": found.generation},
    }
    granted = [{"path": each.path.removeprefix("spec."), "rule": each.rule} for each in judged.findings]
    if granted:
        made["granted"] = granted
    return made


def _forged(spec: Tree, filled: Tree) -> Iterator[Finding]:
    """What is filled in by hand, or has changed between two looks."""
    for name in FILLED_IN:
        if name in spec and not same(spec[name], filled[name]):
            problem = f"is not what `{shown(spec['source']['name'])}` is now"
            yield Finding(f"spec.{name}", problem, f"{_LEAVE}; if nobody wrote it, {AGAIN}", "snapshot")


def _missing(spec: Tree) -> Iterator[Finding]:
    for name in FILLED_IN:
        if name not in spec:
            way = f"have the mutating webhook installed, and {AGAIN}"
            yield Finding(f"spec.{name}", "is missing: the service has not filled it in", way, "snapshot")


def _changed(spec: Any, stored: Any) -> Iterator[Finding]:
    if same(spec, stored):
        return
    way = "restore it, and take another snapshot: what one holds never changes"
    if type(spec) is not dict or type(stored) is not dict or asked_for(spec) != asked_for(stored):
        yield Finding("spec", "is not what the snapshot was made of", way, "snapshot")
    for name in FILLED_IN:
        if type(spec) is dict and type(stored) is dict and not same(spec.get(name), stored.get(name)):
            yield Finding(f"spec.{name}", "is not what the service filled in", way, "snapshot")
