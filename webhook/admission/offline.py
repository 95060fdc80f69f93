"""The same admission without a cluster: for the command line, on a file's object instead of a review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from webhook.abi.acceptance import ANNOTATION
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.patch import patched
from webhook.admission.review import ALLOWED, Review, Verdict
from webhook.admission.sources import names_source
from webhook.admission.unnamed import unnamed_tombstones
from webhook.admission.validate import validate
from webhook.declare.tree import at, copied
from webhook.expand.pipeline import expand
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import GROUP, KINDS, SNAPSHOT, VERSION, Kind, inspect_spec
from webhook.machines.controllers import whole
from webhook.trees import Tree


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks for objects, and in which namespace those are that state none."""

    user: str = ""
    groups: tuple[str, ...] = ()
    namespace: str = "default"


NOBODY = Requester()


def expand_object(
    obj: Any, context: AdmissionContext, requester: Requester = NOBODY
) -> tuple[Tree | None, list[Finding], list[str]]:
    """The object with its complete spec, as it would be stored on create; with findings, None.

    A snapshot, a clone, and a VM of a configuration or a snapshot are made of the context's sources.
    """
    kind, findings = kind_of(obj, *KINDS.values(), SNAPSHOT)
    if kind is None:
        return None, findings, []
    verdict = mutate(review_of(obj, kind, requester), context)
    if not verdict.allowed:
        return None, found(verdict), list(verdict.warnings)
    of_others = kind is SNAPSHOT or kind.spec_of(obj).get("restoreFrom") or names_source(obj)
    made = patched(obj, verdict.patch or []) if of_others else completed(obj, kind, context)
    final = validate(review_of(made, kind, requester), context)
    return made, found(final), [*verdict.warnings, *final.warnings]


def update_object(
    obj: Any, stored: Tree, context: AdmissionContext, requester: Requester = NOBODY
) -> tuple[Tree | None, list[Finding], list[str]]:
    """The same for an update of a stored, complete object of the kind, which keeps its name and namespace."""
    kind, findings = kind_of(obj, *KINDS.values(), SNAPSHOT)
    if kind is None:
        return None, findings, []
    asked, was = review_of(obj, kind, requester), review_of(stored, kind, replace(requester, namespace=""))
    name, namespace = was.name or asked.name, was.namespace or asked.namespace
    review = replace(asked, operation="UPDATE", old_object=stored, name=name, namespace=namespace)
    verdict = mutate(review, context)
    if not verdict.allowed:
        return None, found(verdict), [*verdict.warnings, *_other_digest(verdict, stored)]
    made = patched(obj, verdict.patch or [])
    final = validate(replace(review, object=made), context)
    return made, found(final), [*verdict.warnings, *final.warnings, *_other_digest(final, stored)]


def check_status(obj: Tree, stored: Tree | None, context: AdmissionContext, requester: Requester = NOBODY) -> Verdict:
    """What a review of the status that a VM states says, beside its spec as it stands; `stored` is what it was."""
    kind, _ = kind_of(obj)
    if kind is None or "status" not in obj:
        return ALLOWED
    before = {**obj, "status": None if stored is None else stored.get("status")}
    review = replace(review_of(obj, kind, requester), operation="UPDATE", subresource="status", old_object=before)
    return validate(review, context)


def _other_digest(verdict: Verdict, stored: Tree) -> Iterator[str]:
    """That the API server prints another digest, which is over the UID that the stored object does not state."""
    uid = at(stored, "metadata.uid")
    if not (type(uid) is str and uid) and any(ANNOTATION in finding.help for finding in verdict.findings):
        yield "the stored object states no `metadata.uid`: in the cluster another digest accepts the change"


def found(verdict: Verdict) -> Findings:
    """A verdict's findings, and whether there may be more."""
    findings = Findings(verdict.findings)
    findings.cut = verdict.cut
    return findings


def inspected(obj: Tree, kind: Kind) -> Tree:
    """The spec of an object of this kind; raises Refused where it is malformed."""
    spec = kind.spec_of(obj)
    findings = inspect_spec(spec, kind.spec_path).findings
    if not findings:
        findings.take(unnamed_tombstones(spec, kind.spec_path))
    if findings:
        raise Refused(findings)
    checked: Tree = spec
    return checked


def is_complete(spec: Tree) -> bool:
    """Whether a spec came out of an expansion."""
    return bool(spec.get("domain")) and bool((spec.get("abi") or {}).get("ruleSet"))


def as_complete(obj: Tree, kind: Kind, context: AdmissionContext) -> Tree:
    """An object as it stands where it is complete, else completed; raises Refused."""
    return obj if is_complete(inspected(obj, kind)) else completed(obj, kind, context)


def completed(obj: Tree, kind: Kind, context: AdmissionContext) -> Tree:
    """A copy of the object with its spec complete; raises Refused."""
    made: Tree = copied(obj)
    holder = made
    for key in kind.spec[:-1]:
        holder = holder[key]
    holder[kind.spec[-1]] = expand(kind.spec_of(obj), context, kind.spec_path).spec
    return made


def kind_of(obj: Any, *kinds: Kind) -> tuple[Kind | None, list[Finding]]:
    """The kind of a manifest's object, which is one with a VM's spec unless others are named; or what is wrong."""
    known_kinds = {kind.name: kind for kind in kinds} or KINDS
    if not isinstance(obj, dict):
        return None, [Finding("$", "is no object", "a manifest begins with `apiVersion` and `kind`", "kind")]
    kind = known_kinds.get(obj["kind"]) if isinstance(obj.get("kind"), str) else None
    if kind is None:
        known = ", ".join(f"`{name}`" for name in known_kinds)
        return None, [Finding("kind", f"is none of {known}", "vmconfig admits these kinds alone", "kind")]
    if obj.get("apiVersion") != f"{GROUP}/{VERSION}":
        return None, [Finding("apiVersion", f"is not `{GROUP}/{VERSION}`", "write it so", "kind")]
    return kind, []


def review_of(obj: Tree, kind: Kind | str, requester: Requester = NOBODY) -> Review:
    """A creation of the object, as an API server would ask about it."""
    metadata = obj.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    namespace, name = metadata.get("namespace"), metadata.get("name")
    return Review(
        uid="offline",
        operation="CREATE",
        kind=kind if isinstance(kind, str) else kind.name,
        namespace=namespace if isinstance(namespace, str) else requester.namespace,
        name=name if isinstance(name, str) else "",
        object=obj,
        old_object=None,
        user=requester.user,
        groups=requester.groups,
        dry_run=True,
        subresource="",
    )


def domain_of(obj: Tree) -> tuple[Tree, str, str]:
    """The domain of a complete object with all that its rule set means by silence, its name and its namespace."""
    kind = KINDS[obj["kind"]]
    asked, spec = review_of(obj, kind), kind.spec_of(obj)
    return whole(spec["domain"], spec["abi"]["ruleSet"]), asked.name or "vm", asked.namespace
