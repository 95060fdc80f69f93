"""What a user who takes or restores a snapshot may get of the objects that it refers to, by the API server's own word.

Policies say what a field may be; whether this user has a right to the claim, the network or the Secret of that name is
RBAC's to say. It is asked over the final object, in a webhook of its own, so that no other review waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from webhook.admission.context import AdmissionContext
from webhook.admission.reading import Reading
from webhook.admission.restore import with_ways
from webhook.admission.review import ALLOWED, Review, Verdict, refusal
from webhook.declare import Reference, shown
from webhook.findings import Finding, Findings
from webhook.kinds import GROUP, KINDS, SNAPSHOT, Kind, inspect_spec
from webhook.kinds.snapshot import inspect_snapshot
from webhook.trees import Tree

RULE = "access/may-get"
# The resources of the kinds that fields refer to. A device's resource is no object: a quota or a policy limits it.
_RESOURCES = {
    "PersistentVolumeClaim": ("", "persistentvolumeclaims"),
    "Secret": ("", "secrets"),
    "ConfigMap": ("", "configmaps"),
    "Network": ("k8s.cni.cncf.io", "network-attachment-definitions"),
    SNAPSHOT.name: (GROUP, SNAPSHOT.plural),
    **{kind.name: (GROUP, kind.plural) for kind in KINDS.values()},
}
# Seconds for all questions of one review, and how many there may be; a VM has as many references as devices at most.
_DEADLINE, _MOST = 6.0, 256


class Access(NamedTuple):
    """What is asked for: a verb, and the object by the group and name of its resource, its namespace and its name."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str


Asked = Callable[[Tree, Access], bool]
"""Whether a user (`user`, `uid`, `groups`, `extra`) may; raises OSError where nobody can say."""


def check_rights(review: Review, context: AdmissionContext) -> Verdict:
    """Every object that a new snapshot or a restored machine refers to and the user may not get."""
    if context.access is None or review.operation not in ("CREATE", "UPDATE") or review.subresource:
        return ALLOWED
    reading = _reading(review)
    # What has not its shape refers to nothing that can be asked for, and the validating webhook refuses it.
    if reading is None or reading.inspection.findings:
        return ALLOWED
    findings = Findings()
    wanted = dict(_wanted(review, reading))
    if len(wanted) > _MOST:
        problem = f"refers to {len(wanted)} objects, of which {_MOST} are asked for"
        findings.append(Finding(reading.path, problem, "refer to fewer objects", RULE))
    else:
        findings.take(with_ways(list(_refused(review, wanted, context.access)), reading))
    return refusal(findings) if findings else ALLOWED


def _reading(review: Review) -> Reading | None:
    """The spec whose references are asked for; None where the review is about no snapshot."""
    kind: Kind | None = KINDS.get(review.kind)
    if review.kind == SNAPSHOT.name and review.operation == "CREATE":
        spec = review.object.get("spec") if type(review.object) is dict else None
        return Reading(SNAPSHOT, spec, inspect_snapshot(spec))
    if kind is None:
        return None
    spec, stored = kind.spec_of(review.object), kind.spec_of(review.old_object)
    wanted = spec.get("restoreFrom") if type(spec) is dict else None
    before = stored.get("restoreFrom") if type(stored) is dict else None
    return Reading(kind, spec, inspect_spec(spec, kind.spec_path)) if wanted and wanted != before else None


def _wanted(review: Review, reading: Reading) -> Iterator[tuple[Access, str]]:
    """The objects, each with the last place that refers to it: the domain's. What rests is connected to nothing."""
    resting = f"{reading.path}.abi."
    for mark in sorted(reading.inspection.marks, key=lambda mark: mark.path.startswith(f"{reading.path}.domain.")):
        if not isinstance(mark.field_class, Reference) or mark.path.startswith(resting) or type(mark.value) is not str:
            continue
        kind = mark.field_class.kind
        if review.kind == SNAPSHOT.name:
            kind = (reading.spec.get("source") or {}).get("kind") or ""
        if kind in _RESOURCES and mark.value:
            namespace, _, name = mark.value.rpartition("/")
            yield Access("get", *_RESOURCES[kind], namespace or review.namespace, name), mark.path


def _refused(review: Review, wanted: dict[Access, str], ask: Asked) -> Iterator[Finding]:
    user = {"user": review.user, "uid": review.user_uid, "groups": list(review.groups), "extra": review.user_extra}
    ends = time.monotonic() + _DEADLINE
    for access, path in sorted(wanted.items(), key=lambda item: item[1]):
        what = (
            f"`{shown(access.name)}` ({access.resource}{f' of {shown(access.namespace)}' if access.namespace else ''})"
        )
        try:
            if time.monotonic() > ends:
                raise TimeoutError(f"it took more than {_DEADLINE:.0f} s")
            allowed = ask(user, access)
        except OSError as error:
            way = "try again; or have an admin turn the question off: `--access-reviews=off`"
            problem = f"nobody can say whether `{shown(review.user)}` may get {what}: {error}"
            yield Finding(path, problem, way, RULE)
            return
        if not allowed:
            way = f"have an admin let you get {access.resource}"
            yield Finding(path, f"`{shown(review.user)}` may not get {what}", way, RULE)
