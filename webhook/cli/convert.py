"""`vmconfig convert`: VMs of KubeVirt's API as VMs of ours, and ours as KubeVirt's."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace

from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.cli import kubevirt_objects, other_kinds, seeds, verbs
from webhook.cli.kubevirt_objects import LOOKED_UP, VIRTUAL_MACHINE
from webhook.cli.manifests import Manifest
from webhook.cli.verb import Verb
from webhook.convert.converted import Converted
from webhook.convert.from_kubevirt import from_kubevirt
from webhook.convert.to_kubevirt import to_kubevirt
from webhook.findings import Finding, Findings
from webhook.kubevirt.starting.site import Site
from webhook.kubevirt.starting.topology import NEWEST
from webhook.trees import Tree

_VMS = frozenset({VIRTUAL_MACHINE, "VM"})


def add_flags(parser: ArgumentParser) -> None:
    """The arguments of the verb."""
    what = "a manifest with VMs of either API, a folder of them, or - for standard input"
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=what)
    parser.add_argument("-f", "--filename", action="append", default=[], metavar="FILE", help="the same; repeatable")
    parser.add_argument("-n", "--namespace", help="the namespace of VMs that state none")
    verbs.with_rules(parser)
    seeds.with_seed(parser)
    parser.add_argument("--kubevirt", default=NEWEST, metavar="VERSION", help=f"KubeVirt's version (default {NEWEST})")


def run(given: Namespace) -> int:
    """Print each VM as one of the other API; what its guest would lose refuses all, the rest is told beside it."""
    objects, others = kubevirt_objects.read([*given.filename, *given.sources], vms=_VMS)
    others.update(one.kind for one in objects if one.kind in LOOKED_UP)
    if others:
        print(f"note: not printed are objects of other kinds: {other_kinds.counted(others)}", file=sys.stderr)
    context = verbs.context(given)
    site = Site(
        given.kubevirt, verbs.site(given.site).machines, find=kubevirt_objects.finder(one.obj for one in objects)
    )
    made: list[Tree] = []
    findings = Findings(most=sys.maxsize)
    for one in objects:
        if one.kind in LOOKED_UP:
            continue
        own = site if given.seed is None else replace(site, entropy=seeds.entropy(given.seed, one))
        converted, refused = _converted(one, given, context, own)
        findings.take(one.about(converted.findings))
        # What is refused of the VM that was made has that one's places.
        findings.take(replace(one, obj=converted.objects[0]).about(refused) if refused else ())
        for note in converted.notes:
            print(f"note: {one}: {note.path}: {note.problem}", file=sys.stderr)
        made += converted.objects
    if findings:
        return verbs.refuse(findings, given.output)
    verbs.show_objects(made, given.output)
    return 0


def _converted(
    one: Manifest, given: Namespace, context: AdmissionContext, site: Site
) -> tuple[Converted, Sequence[Finding]]:
    """What is made of a VM, and what is wrong with a VM of ours that was made of one of KubeVirt's."""
    if one.kind == VIRTUAL_MACHINE:
        made = from_kubevirt(one.obj, site)
        return made, [] if made.findings else expand_object(made.objects[0], context, verbs.requester(given))[1]
    entropy = None if given.seed is None else seeds.entropy(given.seed, one)
    own = context if entropy is None else replace(context, entropy=entropy)
    complete, found, _ = expand_object(one.obj, own, verbs.requester(given))
    return Converted(findings=list(found)) if complete is None or found else to_kubevirt(complete, site), []


VERBS = (
    Verb("convert", "VMs of KubeVirt's API as VMs of ours, and ours as KubeVirt's", run, add_flags, document=True),
)
