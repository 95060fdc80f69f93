"""A new object that is made of another: the machine of its configuration, or a clone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from webhook.abi.acceptance import breaking, frozen_finding
from webhook.abi.origin import is_imported
from webhook.abi.state import LATEST
from webhook.admission.context import AdmissionContext
from webhook.admission.sources import Source
from webhook.admission.statements import contradictions
from webhook.declare import shown
from webhook.declare.tree import copied
from webhook.expand.pipeline import extend
from webhook.expand.renewal import renewed
from webhook.findings import Refused
from webhook.trees import Tree

_WAY = "leave it out: a clone has its source's machine"


def from_source(spec: Tree, source: Source, context: AdmissionContext, path: str) -> tuple[Tree, tuple[str, ...]]:
    """The complete spec of an object that says `spec`, and what to warn of; raises Refused."""
    if source.clones:
        return _clone(spec, source, context, path)
    made = machine_of(source.spec, context, path)
    wrong = list(contradictions(spec, made, str(source), path))
    if wrong:
        raise Refused(wrong)
    return made, ()


def machine_of(source: Tree, context: AdmissionContext, path: str) -> Tree:
    """The machine that a complete configuration makes at each boot; raises Refused.

    That is the configuration itself, unless it follows the newest rule set.
    """
    abi = source.get("abi") or {}
    if abi.get("policy") == LATEST and not is_imported(abi):
        return extend({"features": source.get("features") or {}}, source, context, path).spec
    made: Tree = copied(source)
    return made


def clone_of(source: Tree, context: AdmissionContext, path: str, said: Tree | None = None) -> Tree:
    """The machine of a complete spec with identities of its own, and what is said beside it; raises Refused.

    What is said changes it as an update would, but for what its guest may not survive.
    """
    stored = renewed(source, context.entropy)
    made = extend(said or {}, stored, context, path).spec
    if made["abi"]["policy"] != LATEST:
        lost = [each.change for each in breaking(stored["domain"], made["domain"], made["abi"]["ruleSet"])]
        if lost:
            raise Refused([replace(frozen_finding(change, f"{path}.domain"), help=_WAY) for change in lost])
    return made


def _clone(spec: Tree, source: Source, context: AdmissionContext, path: str) -> tuple[Tree, tuple[str, ...]]:
    made = clone_of(source.spec, context, path, spec)
    told = sharing(made, source.spec)
    return made, (f"{path}.domain.devices.disks: {told}",) if told else ()


def sharing(made: Tree, source: Tree) -> str:
    """A warning about the claims that a clone writes to and its source too; empty where there are none."""
    theirs = set(_written(source))
    shared = [f"`{shown(claim)}`" for claim in dict.fromkeys(_written(made)) if claim in theirs]
    if not shared:
        return ""
    way = "two guests that write to one file system destroy it, so name another one in `features.storage`"
    return f"the clone writes to its source's claim {', '.join(shared)}: {way}"


def _written(spec: Tree) -> Iterator[str]:
    disks: list[Tree] = ((spec.get("domain") or {}).get("devices") or {}).get("disks") or []
    return (each["claim"] for each in disks if each.get("claim") and not each.get("readonly"))
