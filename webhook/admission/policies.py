"""A ConfigMap with policies is checked when it is written: what could not come into force is refused with its line.

The service goes on with the last good policies in any case; this check refuses bad ones at once, so that they are not
ignored in silence. It decides on each ConfigMap that it is asked about; the webhook configuration selects them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from webhook.admission.context import AdmissionContext
from webhook.admission.policy_process import Checks
from webhook.admission.review import ALLOWED, Review, Verdict
from webhook.findings import Finding, Refused
from webhook.trees import Tree

KIND = "ConfigMap"
RELEASE = "app.kubernetes.io/version"
_PARTS = ("data", "binaryData")


def check_policies(review: Review, context: AdmissionContext) -> Verdict:
    """Load the ConfigMap's files as the service would load them from its mount; refused with all findings.

    An update that leaves the files as they are passes, whatever they are. So does one that comes with another release:
    its policies may say what this one cannot read, and an upgrade or a rollback must not hang on that.
    """
    if review.kind != KIND or review.operation not in ("CREATE", "UPDATE") or review.subresource:
        return ALLOWED
    if review.operation == "UPDATE" and _files(review.old_object) == _files(review.object):
        return ALLOWED
    other = _other_release(review.object)
    if other:
        note = f"these policies come with vmconfig {other} and are not checked by {version('vmconfig')}, which runs"
        return Verdict(allowed=True, warnings=(note,))
    engine = context.policies.engine
    try:
        contents = list(_contents(review.object, review.name))
    except Refused as refused:
        return Verdict(allowed=False, findings=tuple(refused.findings))
    checks = context.checks or Checks()
    outcome = checks.checked(review.name, contents, engine.default_level, engine.today())
    if outcome.findings:
        return Verdict(allowed=False, findings=outcome.findings)
    return Verdict(allowed=True, warnings=tuple(str(note) for note in outcome.notes))


def _files(obj: Any) -> list[Tree]:
    return [_part(obj, part) for part in _PARTS]


def _part(obj: Any, name: str) -> Tree:
    """An object within an object; empty where there is none."""
    part = obj.get(name) if type(obj) is dict else None
    return part if type(part) is dict else {}


def _other_release(obj: Any) -> str:
    """The release that the object's label names, where it is not this one; only Helm writes it."""
    named = _part(_part(obj, "metadata"), "labels").get(RELEASE, "")
    return "" if named == version("vmconfig") else str(named)


def _contents(obj: Any, name: str) -> Iterator[tuple[str, bytes]]:
    """Every file that a mount of the ConfigMap would have; raises Refused."""
    texts, encoded = _files(obj)
    for file, text in texts.items():
        yield file, str(text).encode()
    for file, text in encoded.items():
        try:
            yield file, base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise Refused([Finding(f"{name}/{file}", "is no base64", "write it under `data`", "policy")]) from None
