"""AdmissionReview (admission.k8s.io/v1) in and out: bytes to a Review, a Verdict to bytes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from webhook.findings import Finding, Findings
from webhook.trees import Tree

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"
# The API server shows a refusal whole; kubectl and events cut what is much longer.
LONGEST_MESSAGE = 8000
# Policies look at each; a ticket of Active Directory, from where large ones come, holds 1,015 groups.
MOST_GROUPS = 4096
# Findings about policy files.
_OF_FILES = ("policy", "yaml")


class NoReview(Exception):
    """A body that is no AdmissionReview, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Review:
    """What an API server asks: may this user do this to this object. Objects are trees as they came, or None."""

    uid: str
    operation: str
    kind: str
    namespace: str
    name: str
    object: Any
    old_object: Any
    user: str
    groups: tuple[str, ...]
    dry_run: bool
    subresource: str
    # What authorizers look at beside the name and the groups.
    user_uid: str = ""
    user_extra: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """The answer: allowed, with a patch where something is to be added, or refused with all findings.

    `cut`: there may be more findings than these.
    """

    allowed: bool
    findings: tuple[Finding, ...] = ()
    patch: list[Tree] | None = None
    warnings: tuple[str, ...] = ()
    audits: tuple[Finding, ...] = ()
    cut: bool = False
    # Whether the API server's audit log shall have the audits, as annotations.
    annotated: bool = False


ALLOWED = Verdict(allowed=True)


def refusal(findings: Findings, warnings: tuple[str, ...] = (), audits: tuple[Finding, ...] = ()) -> Verdict:
    """The verdict over an object of which something is wrong."""
    return Verdict(allowed=False, findings=tuple(findings), warnings=warnings, audits=audits, cut=findings.cut)


def parse(body: bytes) -> Review:
    """The review in a request's body; raises NoReview."""
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NoReview(f"the body is no JSON: {error}") from None
    if type(tree) is not dict or tree.get("kind") != KIND or tree.get("apiVersion") != API_VERSION:
        raise NoReview(f"the body is no {KIND} of {API_VERSION}")
    request = tree.get("request")
    if type(request) is not dict:
        raise NoReview("the review has no request")
    user = _object(request, "userInfo")
    groups = user.get("groups") or ()
    if type(groups) not in (list, tuple) or not all(type(group) is str for group in groups):
        raise NoReview("request.userInfo.groups is no list of strings")
    if len(groups) > MOST_GROUPS:
        raise NoReview(f"request.userInfo.groups has more than {MOST_GROUPS} entries")
    return Review(
        uid=_text(request, "uid", needed=True),
        operation=_text(request, "operation", needed=True),
        kind=_text(_object(request, "kind"), "kind", needed=True),
        namespace=_text(request, "namespace"),
        name=_text(request, "name"),
        object=request.get("object"),
        old_object=request.get("oldObject"),
        user=_text(user, "username"),
        groups=tuple(groups),
        dry_run=request.get("dryRun") is True,
        subresource=_text(request, "subResource"),
        user_uid=_text(user, "uid"),
        user_extra=user.get("extra"),
    )


def _object(tree: Tree, name: str) -> Tree:
    found = tree.get(name)
    if found is None:
        return {}
    if type(found) is not dict:
        raise NoReview(f"{name} of the request is no object")
    return found


def _text(tree: Tree, name: str, *, needed: bool = False) -> str:
    found = tree.get(name)
    if found is None and not needed:
        return ""
    if type(found) is not str or (needed and not found):
        raise NoReview(f"{name} of the request is {'missing' if found is None else 'no text'}")
    return found


def answer(uid: str, verdict: Verdict) -> bytes:
    """The AdmissionReview that answers a review."""
    response: Tree = {"uid": uid, "allowed": verdict.allowed}
    if not verdict.allowed:
        forbidden = any(_of_policy(finding) for finding in verdict.findings)
        code, reason = (403, "Forbidden") if forbidden else (422, "Invalid")
        response["status"] = status(code, reason, message(verdict.findings, verdict.cut))
    elif verdict.patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(orjson.dumps(verdict.patch)).decode()
    if verdict.warnings:
        response["warnings"] = [_one_line(warning) for warning in verdict.warnings]
    if verdict.annotated:
        response["auditAnnotations"] = {"findings": message(verdict.audits)}
    return envelope(response)


def _one_line(warning: str) -> str:
    """A warning as the API server hands it on: one with a line break is dropped (apimachinery: NewWarningHeader)."""
    return "; ".join(line.strip() for line in warning.splitlines())


def envelope(response: Tree) -> bytes:
    """A response in its AdmissionReview."""
    return orjson.dumps({"kind": KIND, "apiVersion": API_VERSION, "response": response})


def status(code: int, reason: str, text: str) -> Tree:
    """A Kubernetes Status of a failure."""
    return {"status": "Failure", "code": code, "reason": reason, "message": text}


def _of_policy(finding: Finding) -> bool:
    """Whether a policy's rule decided, which is named `POLICY/RULE`; the service's own checks have one word."""
    return "/" in finding.rule


def message(findings: Sequence[Finding], cut: bool = False) -> str:
    """All findings as people read them; where they are too many, the first ones and how many are left out.

    `cut`: not all were looked for, and the count says so.
    """
    count, least = len(findings), "at least " if cut else ""
    lines = [f"{least}{count} problem{'s' if count != 1 else ''}:" if count > 1 else ""]
    length = 0
    for number, finding in enumerate(findings):
        text = str(finding) + (f"\n  rule: {finding.rule}" if _of_policy(finding) else "")
        length += len(text.encode()) + 1
        if length > LONGEST_MESSAGE and number:
            tool = "vmconfig policy check" if finding.rule in _OF_FILES else "vmconfig check"
            lines.append(f"and {least}{count - number} more: `{tool}` shows {'more' if cut else 'all'}")
            break
        lines.append(text if length <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE])
    return "\n".join(line for line in lines if line)
