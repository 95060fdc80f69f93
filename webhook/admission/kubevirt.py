"""The validating webhook for KubeVirt's own kinds: the policies about them, and PCI addresses that cannot be.

KubeVirt checks what its objects take, and completes them; here it is decided who may write what, where. Its own
controllers write what was decided on when somebody else wrote it, and pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from webhook.admission.context import ENFORCE, OFF, AdmissionContext
from webhook.admission.offline import NOBODY, Requester, review_of
from webhook.admission.review import ALLOWED, Review, Verdict, refusal
from webhook.declare import Mark
from webhook.declare.tree import identical
from webhook.findings import Finding, Findings
from webhook.kubevirt.api import (
    KINDS,
    ROOT,
    KubeVirtKind,
    Projection,
    marks_of,
    project,
    told_of,
    without_other_bridges,
)
from webhook.kubevirt.api.kinds import VIRTUAL_MACHINE, at
from webhook.kubevirt.api.patches import Patched, patched
from webhook.kubevirt.api.pci_addresses import ignored_addresses, pci_addresses, wrong_addresses
from webhook.kubevirt.api.requests import requested
from webhook.kubevirt.api.spelling import misspelt, wrong_names
from webhook.policy import Decision, Engine, Request, Submission
from webhook.policy.language.model import LABELS


def validate_kubevirt(review: Review, context: AdmissionContext) -> Verdict:
    """Everything that policies refuse of an object of KubeVirt's, and addresses at which nothing can be.

    In mode `audit` all of it is a warning and an audit annotation, and nothing is refused.
    """
    kind, settings = KINDS.get(review.kind), context.kubevirt
    if kind is None or settings.mode == OFF or review.operation not in ("CREATE", "UPDATE"):
        return ALLOWED
    if review.subresource and (review.subresource != "status" or kind is not VIRTUAL_MACHINE):
        return ALLOWED
    if review.user in settings.controllers:
        return ALLOWED
    judged = check_kubevirt(review, kind, context)
    findings, warnings = judged.findings, tuple(judged.warnings)
    if not findings:
        return Verdict(allowed=True, warnings=warnings, audits=tuple(judged.audits))
    if settings.mode == ENFORCE:
        return refusal(findings, warnings, tuple(judged.audits))
    told = tuple(f"{each.path}: {each.problem} [{each.rule}]" for each in findings)
    return Verdict(allowed=True, warnings=(*told, *warnings), audits=(*findings, *judged.audits), annotated=True)


def check_kubevirt(review: Review, kind: KubeVirtKind, context: AdmissionContext) -> Decision:
    """What the policies in force, and the addresses, come to for one object. Never raises, whatever the object is."""
    engine = context.policies.kubevirt
    if engine is None:
        return Decision()
    return judged_by(engine, review, kind, _request(review, kind, engine, context))


def judged_by(engine: Engine, review: Review, kind: KubeVirtKind, request: Request) -> Decision:
    """The same by any policies, for whoever asks wherever."""
    if review.subresource:
        return _of_status(review, engine, request)
    now = project(review.object, kind, review.namespace)
    before = project(review.old_object, kind, review.namespace) if review.operation == "UPDATE" else None
    names = _new_names(review, kind)
    if before is not None and not names and identical(now.tree, before.tree):
        return Decision()
    stored = without_other_bridges(before.tree, now.tree) if before is not None else None
    marks = marks_of(now.tree)
    decision = engine.decide(Submission(now.tree, marks, ROOT, stored), request)
    judged = _placed(decision, now.place, marks)
    judged.findings.take(_malformed(names, kind, now, before))
    old = before.tree if before is not None else {}
    if kind.patches and at(now.tree, _patches(kind)) != at(old, _patches(kind)):
        _take(judged, _written(patched(now.tree, ".".join(kind.patches), _patches(kind)), engine, request))
    judged.warned.take(ignored_addresses(now.tree.get("vmi") or {}, now.places.get("vmi", "")))
    return judged


def malformed(obj: Any) -> Iterator[Finding]:
    """What is refused of a new object of one of these kinds whatever the policies say: names and addresses."""
    kind = KINDS[obj["kind"]]
    return _malformed(misspelt(obj, kind), kind, project(obj, kind), None)


def _malformed(
    names: dict[str, Any], kind: KubeVirtKind, now: Projection, before: Projection | None
) -> Iterator[Finding]:
    yield from wrong_names(names, kind)
    yield from _addresses(now, before)


def check_object(obj: Any, context: AdmissionContext, requester: Requester = NOBODY, stored: Any = None) -> Decision:
    """The same of an object of one of these kinds without a cluster: its creation, or the update of a stored one."""
    kind = KINDS[obj["kind"]]
    return check_kubevirt(_reviewed(obj, kind, requester, stored), kind, context)


def judged_object(engine: Engine, request: Request, obj: Any, stored: Any = None) -> Decision:
    """The same by any policies, as the request says who asks where."""
    kind = KINDS[obj["kind"]]
    return judged_by(engine, _reviewed(obj, kind, NOBODY, stored), kind, request)


def _reviewed(obj: Any, kind: KubeVirtKind, requester: Requester, stored: Any) -> Review:
    review = review_of(obj, kind.name, requester)
    return review if stored is None else replace(review, operation="UPDATE", old_object=stored)


def submission(obj: Any, kind: KubeVirtKind) -> tuple[Submission, Projection]:
    """An object as policies judge it, and the way back to its places."""
    made = project(obj, kind)
    return Submission(made.tree, marks_of(made.tree), ROOT), made


def _request(review: Review, kind: KubeVirtKind, engine: Engine, context: AdmissionContext) -> Request:
    """Who asks where; what stands in no namespace is judged by the level of namespaces without a label."""
    labels: Mapping[str, str] = {LABELS["enforce"]: engine.default_level}
    if not kind.cluster:
        labels = context.labels(review.namespace)
    return Request(review.namespace, labels, review.user, review.groups, review.operation)


def _placed(decision: Decision, place: Any, marks: Iterable[Mark]) -> Decision:
    """The same findings with the paths of the object."""
    parts = (decision.findings, decision.warned, decision.audits)
    marked = {mark.path: mark for mark in marks} if any(parts) else {}
    return Decision(*(_told(each, place, marked) for each in parts))


def _told(findings: Findings, place: Any, marked: Mapping[str, Mark]) -> Findings:
    made = Findings(most=findings.most)
    for each in findings:
        moved = replace(each, path=place(each.path))
        made.take(told_of(marked[each.path], moved) if each.path in marked else [moved])
    made.cut = made.cut or findings.cut
    return made


def _moved(findings: Findings, changed: Any) -> Findings:
    made = Findings(map(changed, findings), findings.most)
    made.cut = findings.cut
    return made


def _take(decision: Decision, more: Iterable[Decision]) -> None:
    for each in more:
        if decision.findings.full():
            return
        decision.findings.take(each.findings)
        decision.warned.take(each.warned)
        decision.audits.take(each.audits)


def _new_names(review: Review, kind: KubeVirtKind) -> dict[str, Any]:
    """Names in another letter case; those that an update leaves as they are stored are not its doing."""
    found = misspelt(review.object, kind)
    stood = misspelt(review.old_object, kind) if found and review.operation == "UPDATE" else {}
    return {each: value for each, value in found.items() if each not in stood or not identical(value, stood[each])}


def _addresses(now: Projection, before: Projection | None) -> Iterator[Finding]:
    """Addresses at which nothing can be; those that an update leaves as they are stored are not its doing."""
    vmi = now.tree.get("vmi")
    stated = list(pci_addresses(vmi))
    if not stated or (before is not None and stated == list(pci_addresses(before.tree.get("vmi")))):
        return iter(())
    return wrong_addresses(vmi, now.places["vmi"])


def _patches(kind: KubeVirtKind) -> tuple[str, ...]:
    """The keys of the patches below the root of policies."""
    [part] = kind.parts
    return (part, kind.patches[-1])


def _of_status(review: Review, engine: Engine, request: Request) -> Decision:
    """What the status of a VirtualMachine asks KubeVirt's controller to write into it."""
    judged = Decision()
    _take(judged, _written(requested(review.object, review.old_object), engine, request))
    return judged


def _written(parts: Iterable[Patched | Finding], engine: Engine, request: Request) -> Iterator[Decision]:
    """What each of these would write, judged as if its VirtualMachine were created."""
    creation = replace(request, operation="CREATE")
    for each in parts:
        if isinstance(each, Patched):
            yield _of_patch(each, engine, creation)
        else:
            yield Decision(Findings([each]))


def _of_patch(each: Patched, engine: Engine, request: Request) -> Decision:
    made = project(each.obj, VIRTUAL_MACHINE, request.namespace)
    decision = engine.decide(Submission(made.tree, marks_of(made.tree, partial=True), ROOT), request)

    def told(finding: Finding) -> Finding:
        return replace(finding, path=each.place, problem=f"`{made.place(finding.path)}`: {finding.problem}")

    decision.findings.take(wrong_addresses(made.tree.get("vmi"), f"{ROOT}.vmi"))
    parts = (decision.findings, decision.warned, decision.audits)
    judged = Decision(*(_moved(found, told) for found in parts))
    names = wrong_names(misspelt(each.obj, VIRTUAL_MACHINE), VIRTUAL_MACHINE)
    judged.findings.take(replace(name, path=each.place, problem=f"`{name.path}` {name.problem}") for name in names)
    return judged
