"""A stored VM as it would be under another rule set, by both webhooks, without a cluster. For the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from webhook.abi.acceptance import ANNOTATION, breaking
from webhook.abi.changes import LifeChange, changes
from webhook.abi.consequences import ChangeClass
from webhook.abi.origin import is_imported
from webhook.abi.running import current_of, running_devices
from webhook.admission.acceptance import acceptance_of
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.offline import found as findings_of
from webhook.admission.offline import inspected, review_of
from webhook.admission.review import Review
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.expand.pipeline import extend
from webhook.findings import Finding, Refused
from webhook.kinds import Kind
from webhook.trees import Tree

# What kubectl wrote of an earlier manifest, which is none of this one's.
_LAST = "kubectl.kubernetes.io/last-applied-configuration"
# The rule of the finding that a VM has no rule set to leave.
APART = "adoption"
_OWN = ("name", "namespace", "labels", "annotations")


@dataclass(frozen=True, slots=True, eq=False)
class Adopted:
    """A VM under another rule set: what that changes, and the object to apply.

    `digest` accepts what the guest may not survive; empty where there is no such change, and where the object does not
    say which stored one it is (`metadata.uid`), so that the API server alone can print it.
    """

    kind: Kind
    namespace: str
    name: str
    before: str
    after: str
    changes: tuple[LifeChange, ...]
    digest: str
    manifest: Tree

    @property
    def worst(self) -> ChangeClass | None:
        """The class of the change that matters most to the guest; None where nothing changes."""
        classes = [each.consequence.change_class for each in self.changes]
        return max(classes, key=list(ChangeClass).index, default=None)


def adopt(obj: Tree, kind: Kind, rule_set: str, context: AdmissionContext) -> Adopted:
    """A stored object as it would be under a rule set of this release; raises Refused where it cannot be."""
    stored = inspected(obj, kind)
    was: str = (stored.get("abi") or {}).get("ruleSet") or ""
    wrong = _no_adoption(stored, kind.spec_path)
    if wrong is not None:
        raise Refused([wrong])
    moving = with_spec(obj, kind, {**stored, "abi": {**stored["abi"], "ruleSet": rule_set}})
    running = running_devices(current_of(obj))
    made = extend(kind.spec_of(moving), stored, context, kind.spec_path, running).spec
    manifest = with_spec(_plain(obj), kind, made)
    review = replace(review_of(moving, kind), operation="UPDATE", old_object=obj)
    found = list(breaking(stored["domain"], made["domain"], was))
    digest = acceptance_of(review, stored).wanted(found) if found else ""
    if digest:
        review = replace(review, object=accepted(moving, digest))
        made = {**made, "abi": {**made["abi"], "history": acceptance_of(review, stored).recorded(found)}}
    _pass(review, with_spec(review.object, kind, made), context)
    known = digest if (obj.get("metadata") or {}).get("uid") else ""
    told, now = tuple(changes(stored, made)), made["abi"]["ruleSet"]
    return Adopted(kind, review.namespace, review.name, was, now, told, known, manifest)


def accepted(obj: Tree, digest: str) -> Tree:
    """The object with the annotation that accepts a change."""
    metadata = obj.get("metadata") or {}
    return {**obj, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), ANNOTATION: digest}}}


def _no_adoption(stored: Tree, path: str) -> Finding | None:
    """Why a VM has no rule set to leave; None where it has."""
    abi = stored.get("abi") or {}
    if not stored.get("domain") or not abi.get("ruleSet"):
        missing = "abi.ruleSet" if stored.get("domain") else "domain"
        way = "take the stored VM (`kubectl get vmd NAME -o yaml`, or `vm/NAME`); a new one gets the newest rule set"
        return Finding(f"{path}.{missing}", "is missing: the VM is not as it is stored", way, APART)
    if is_imported(abi):
        way = "leave it: best practice adds nothing to a machine that was found elsewhere"
        return Finding(f"{path}.abi.origin", "is `imported`, such a VM follows no rule set", way, APART)
    return None


def _plain(obj: Tree) -> Tree:
    """The object as one writes it, without what the API server keeps of it."""
    metadata = {name: copied(value) for name, value in (obj.get("metadata") or {}).items() if name in _OWN}
    metadata["annotations"] = {name: value for name, value in metadata.get("annotations", {}).items() if name != _LAST}
    if not metadata["annotations"]:
        del metadata["annotations"]
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata, "spec": obj["spec"]}


def with_spec(obj: Tree, kind: Kind, spec: Tree) -> Tree:
    """The object with another spec, which may stand deeper in it."""

    def put(tree: Tree, keys: tuple[str, ...]) -> Tree:
        return {**tree, keys[0]: put(tree[keys[0]], keys[1:]) if len(keys) > 1 else spec}

    return put(obj, kind.spec)


def _pass(review: Review, final: Tree, context: AdmissionContext) -> None:
    """Let both webhooks judge the update; raises Refused."""
    for verdict in (mutate(review, context), validate(replace(review, object=final), context)):
        if not verdict.allowed:
            raise Refused(findings_of(verdict))
