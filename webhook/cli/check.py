"""`vmconfig check`: what the webhook would say of VMs."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.admission.kubevirt import check_object
from webhook.admission.offline import Requester
from webhook.cli import objects, verbs
from webhook.cli.sources import Sources, in_order
from webhook.cli.verb import Verb
from webhook.findings import Finding, Findings
from webhook.kubevirt import kubevirt_kind


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    verbs.with_rules(parser)
    parser.add_argument("--user", default="", help="who asks, as the API server names users")
    parser.add_argument("--group", action="append", default=[], help="a group of the user; may be repeated")


def run(given: argparse.Namespace) -> int:
    """Print all findings of all objects; exit code 1 where there are some."""
    found = objects.read(given, snapshots=True, kubevirt=True)
    context = verbs.context(given, found.labels, kubevirt=found.of_kubevirt)
    requester = verbs.requester(given, given.user, tuple(given.group))
    findings = Findings(most=sys.maxsize)
    context.sources = stored = Sources(requester.namespace)
    for one in in_order(found):
        complete, wrong, warnings = _checked(one.obj, context, requester)
        if complete is not None:
            stored.put(complete, one)
        verbs.warn(warnings, one)
        findings.take(one.about(wrong))
    return verbs.show_findings(findings, given.output)


def _checked(obj: Any, context: AdmissionContext, requester: Requester) -> tuple[Any, list[Finding], list[str]]:
    """One object as it would be stored, its findings, and the warnings; KubeVirt completes its own (None)."""
    if kubevirt_kind(obj) is None:
        return offline.expand_object(obj, context, requester)
    judged = check_object(obj, context, requester)
    return None, judged.findings, judged.warnings


VERBS = (Verb("check", "the findings that the webhook would give; exit code 1 where there are some", run, add_flags),)
