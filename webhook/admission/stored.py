"""Stored objects checked against the policies in force, without a review. For audits and comparisons.

The object is checked as if it were created as it is stored. Who created it is not known any more, so policies for
some users or groups are asked about an unknown user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhook.admission.context import AdmissionContext
from webhook.admission.kubevirt import check_object, submission
from webhook.admission.offline import completed, review_of
from webhook.admission.policy_check import check_policy
from webhook.admission.reading import Reading
from webhook.admission.site import machine_of_no_node, marks_of
from webhook.declare import declared_form
from webhook.findings import Finding, Refused
from webhook.kinds import Kind, declared_fields, inspect_spec
from webhook.kubevirt.api import KubeVirtKind
from webhook.policy import Decision
from webhook.policy.language.selection import class_name
from webhook.trees import Tree


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """A stored object, what is malformed in it, and the decision; `classes`: of each finding, by its path.

    `unrunnable`: why no node can run it.
    """

    kind: Kind | KubeVirtKind
    namespace: str
    name: str
    uid: str
    spec: Any
    malformed: tuple[Finding, ...]
    decision: Decision
    classes: Mapping[str, str]
    unrunnable: tuple[Finding, ...] = ()


def check_stored(obj: Mapping[str, Any], kind: Kind, context: AdmissionContext) -> StoredCheck:
    """What the policies say of an object of this kind. Never raises, whatever its spec is."""
    review = review_of(dict(obj), kind)
    spec = kind.spec_of(review.object)
    inspection = inspect_spec(spec, kind.spec_path)
    decision = check_policy(review, Reading(kind, spec, inspection), context)
    uid = (obj.get("metadata") or {}).get("uid") or ""
    marks = marks_of(inspection.marks, context.site, kind.spec_path)
    marked = {mark.path: class_name(mark.field_class) for mark in marks}
    classes = _classes(marked, decision, kind.spec_path)
    malformed = tuple(inspection.findings)
    unrunnable = () if malformed else tuple(machine_of_no_node(spec, context.site, kind.spec_path))
    return StoredCheck(kind, review.namespace, review.name, uid, spec, malformed, decision, classes, unrunnable)


def check_stored_of_kubevirt(obj: Mapping[str, Any], kind: KubeVirtKind, context: AdmissionContext) -> StoredCheck:
    """The same of an object of KubeVirt's."""
    decision = check_object(dict(obj), context)
    submitted, made = submission(obj, kind)
    classes = {made.place(mark.path): class_name(mark.field_class) for mark in submitted.marks}
    found = [*decision.findings, *decision.audits, *decision.warned]
    known = {each.path: classes.get(each.path, "frontend") for each in found}
    asked = review_of(dict(obj), kind.name)
    uid = (obj.get("metadata") or {}).get("uid") or ""
    return StoredCheck(kind, asked.namespace, asked.name, uid, obj.get("spec"), (), decision, known)


def as_stored(obj: Tree, kind: Kind, context: AdmissionContext) -> Tree:
    """A manifest's object as it would be stored, complete: that is what policies judge.

    One that cannot be made complete stays as it is.
    """
    if inspect_spec(kind.spec_of(obj), kind.spec_path).findings:
        return obj
    try:
        return completed(obj, kind, context)
    except Refused:
        return obj


def _classes(marked: Mapping[str, str], decision: Decision, path: str) -> dict[str, str]:
    findings = [*decision.findings, *decision.audits, *decision.warned]
    return {each.path: marked.get(each.path) or _declared(each.path[len(path) + 1 :]) for each in findings}


def _declared(path: str) -> str:
    """The class of a place that has no mark: missing, counted, or frontend."""
    declared = declared_form(path)
    place = declared_fields().get(declared) or declared_fields().get(f"{declared}[*]")
    return class_name(place.field.field_class) if place else "frontend"
