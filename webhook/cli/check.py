"""`vmconfig check`: what the webhook would say of VMs, created or as updates of stored ones."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.admission.kubevirt import check_object
from webhook.admission.offline import Requester
from webhook.cli import objects, verbs
from webhook.cli.manifests import Manifest, Manifests
from webhook.cli.metadata import untaken
from webhook.cli.sources import Sources, in_order
from webhook.cli.verb import Verb
from webhook.findings import Findings, Refused
from webhook.kinds import KINDS, SNAPSHOT
from webhook.kubevirt.api import kubevirt_kind

Judged = tuple[Any, Findings, list[str]]


def add_flags(parser: ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    parser.add_argument(
        "--old",
        action="append",
        default=[],
        metavar="OLD",
        help="the stored objects, a SOURCE too: those of the same name are judged as updates of them; may be repeated",
    )
    verbs.with_rules(parser)
    parser.add_argument("--user", default="", help="who asks, as the API server names users")
    parser.add_argument("--group", action="append", default=[], help="a group of the user; may be repeated")


def run(given: Namespace) -> int:
    """Print all findings of all objects; exit code 1 where there are some."""
    found = objects.read(given, snapshots=True, kubevirt=True, partial=True)
    before = Manifests()
    if given.old:
        sides = {**vars(given), "sources": given.old, "filename": []}
        before = objects.read(Namespace(**sides), snapshots=True, kubevirt=True, partial=True)
    context = verbs.context(given, before.labels | found.labels, kubevirt=found.of_kubevirt)
    requester = verbs.requester(given, given.user, tuple(given.group))
    findings = Findings([*before.unread, *found.unread], most=sys.maxsize)
    context.sources = known = Sources(requester.namespace)
    for one in (*before.found, *before.snapshots):
        known.put_stored(one)
    named = {_key(one, requester): one for one in (*before.found, *before.snapshots)}
    lone = _lone(before, found)
    for one in in_order(found):
        stored = lone or named.get(_key(one, requester))
        if given.old and stored is None:
            print(f"note: {one}: is not among the stored objects, and is judged as a new one", file=sys.stderr)
        findings.take(one.about(untaken(one.obj) if isinstance(one.obj, dict) else ()))
        complete, wrong, warnings = _judged(one, stored, context, requester)
        if complete is not None:
            known.put(complete, one)
        verbs.warn(warnings, one)
        findings.take(wrong)
    return verbs.show_findings(findings, given.output)


def _key(one: Manifest, requester: Requester) -> tuple[str, str, str]:
    return one.kind, one.namespace or requester.namespace, one.name


def _lone(before: Manifests, now: Manifests) -> Manifest | None:
    """The stored object where there is one alone on each side: it is the same one, whatever its name."""
    if len(before.found) != 1 or len(now.found) != 1 or now.snapshots:
        return None
    [old], [new] = before.found, now.found
    return old if old.kind == new.kind else None


def _judged(one: Manifest, stored: Manifest | None, context: AdmissionContext, requester: Requester) -> Judged:
    """One object as it would be stored, its findings, and the warnings; KubeVirt completes its own (None)."""
    if kubevirt_kind(one.obj) is not None:
        decision = check_object(one.obj, context, requester, None if stored is None else stored.obj)
        return None, one.about(decision.findings), decision.warnings
    if stored is None:
        made, wrong, warnings = offline.expand_object(one.obj, context, requester)
    else:
        try:
            old = _complete(stored.obj, context)
        except Refused as refused:
            return None, stored.about(refused.findings), []
        made, wrong, warnings = offline.update_object(one.obj, old, context, requester)
    findings = one.about(wrong)
    if type(one.obj) is dict:
        was = None if stored is None else stored.obj
        status = offline.check_status(made or one.obj, was, context, requester)
        findings.take(one.about(offline.found(status)))
        warnings = [*warnings, *status.warnings]
    return made, findings, warnings


def _complete(obj: Any, context: AdmissionContext) -> Any:
    """A stored object with its spec complete; a snapshot is as it stands."""
    kind, wrong = offline.kind_of(obj, *KINDS.values(), SNAPSHOT)
    if kind is None:
        raise Refused(wrong)
    return obj if kind is SNAPSHOT else offline.as_complete(obj, kind, context)


VERBS = (Verb("check", "the findings that the webhook would give; exit code 1 where there are some", run, add_flags),)
