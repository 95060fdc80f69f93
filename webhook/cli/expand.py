"""`vmconfig expand`: VMs as they would be stored."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from webhook.admission import offline
from webhook.admission.context import AdmissionContext
from webhook.cli import objects, seeds, verbs
from webhook.cli.manifests import Manifest
from webhook.cli.sources import Sources, in_order
from webhook.cli.verb import Verb
from webhook.findings import Findings
from webhook.trees import Tree


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    objects.with_objects(parser)
    verbs.with_rules(parser)
    seeds.with_seed(parser)


def run(given: argparse.Namespace) -> int:
    """Print every object as it would be stored; where one is refused, the findings alone."""
    found = objects.read(given, snapshots=True)
    context, requester = verbs.context(given, found.labels), verbs.requester(given)
    made: list[Tree] = []
    findings = Findings(most=sys.maxsize)
    context.sources = stored = Sources(requester.namespace)
    for one in in_order(found):
        own = context if given.seed is None else _seeded(context, given.seed, one)
        complete, wrong, warnings = offline.expand_object(one.obj, own, requester)
        verbs.warn(warnings, one)
        findings.take(one.about(wrong))
        if complete is not None:
            stored.put(complete, one)
            made.append(complete)
    if findings:
        return verbs.refuse(findings, given.output)
    verbs.show_objects(made, given.output)
    return 0


def _seeded(context: AdmissionContext, seed: str, manifest: Manifest) -> AdmissionContext:
    """The context with bytes that depend on the seed and the object's name alone."""
    return replace(context, entropy=seeds.entropy(seed, manifest))


VERBS = (Verb("expand", "complete VMs as the webhook would on create", run, add_flags, document=True),)
