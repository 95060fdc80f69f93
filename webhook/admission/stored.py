"""Stored objects as the policies in force see them: no review, no requester. For audits and comparisons.

What is judged is the object as it is stored, as if it were created so: who created it is not known any more, so
policies for some users or groups are asked about a user whom nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhook.admission.expand import read
from webhook.admission.judge import judge
from webhook.admission.offline import completed, review_of
from webhook.admission.site import marks_of
from webhook.admission.world import World
from webhook.declare.inspect import Inspection
from webhook.findings import Finding, Refused
from webhook.kinds import Kind, places
from webhook.policy import Decision
from webhook.policy.selection import class_of

_INDEX = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Judged:
    """A stored object, what is malformed in it, and the decision; `classes`: of each finding, by its path."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    malformed: tuple[Finding, ...]
    decision: Decision
    classes: Mapping[str, str]


def judge_stored(obj: Mapping[str, Any], kind: Kind, world: World) -> Judged:
    """What the policies say of an object of this kind. Never raises, whatever its spec is."""
    review = review_of(dict(obj), kind)
    spec = kind.spec_of(review.object)
    reading = read(spec, kind.spec_path)
    decision = judge(review, kind, reading, spec, None, Inspection(), world)
    uid = (obj.get("metadata") or {}).get("uid") or ""
    marked = {mark.path: class_of(mark.half) for mark in marks_of(reading.marks, world.site, kind.spec_path)}
    classes = _classes(marked, decision, kind.spec_path)
    return Judged(kind, review.namespace, review.name, uid, tuple(reading.findings), decision, classes)


def as_stored(obj: dict[str, Any], kind: Kind, world: World) -> dict[str, Any]:
    """A manifest's object as it would be stored, complete: that is what policies judge.

    One that cannot be made complete stays as it is.
    """
    if read(kind.spec_of(obj), kind.spec_path).findings:
        return obj
    try:
        return completed(obj, kind, world)
    except Refused:
        return obj


def _classes(marked: Mapping[str, str], decision: Decision, path: str) -> dict[str, str]:
    told = [*decision.findings, *decision.audits, *decision.warned]
    return {each.path: marked.get(each.path) or _declared(each.path[len(path) + 1 :]) for each in told}


def _declared(path: str) -> str:
    """The class of a place that has no mark: missing, counted, or frontend."""
    declared = _INDEX.sub("[*]", path)
    place = places().get(declared) or places().get(f"{declared}[*]")
    return class_of(place.field.half) if place else "frontend"
