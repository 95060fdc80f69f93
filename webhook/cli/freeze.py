"""`vmconfig freeze`: VirtualMachines of KubeVirt's as they are stored where their machines are kept."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace

from webhook.admission.kubevirt import malformed
from webhook.cli import kubevirt_objects, other_kinds, seeds, verbs
from webhook.cli.kubevirt_objects import VIRTUAL_MACHINE
from webhook.cli.names import release
from webhook.cli.verb import Verb
from webhook.findings import Finding, Findings
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.starting.site import Site
from webhook.kubevirt.starting.topology import NEWEST
from webhook.trees import Tree


def add_flags(parser: ArgumentParser) -> None:
    """The arguments of the verb."""
    what = "a manifest with VirtualMachines, a folder of them, or - for standard input"
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help=what)
    parser.add_argument("-f", "--filename", action="append", default=[], metavar="FILE", help="the same; repeatable")
    verbs.with_site(parser)
    seeds.with_seed(parser)
    what = "note the whole hardware, for VMs that start through `vmconfig hook`"
    parser.add_argument("--hardware", action="store_true", help=what)
    what = f"KubeVirt's version (default {NEWEST})"
    parser.add_argument("--kubevirt", type=release, default=NEWEST, metavar="VERSION", help=what)


def run(given: Namespace) -> int:
    """Print every VirtualMachine with its machine; instance types and preferences of the same file are looked up."""
    objects, others = kubevirt_objects.read([*given.filename, *given.sources])
    others.update(one.kind for one in objects if one.kind != VIRTUAL_MACHINE)
    if others:
        print(f"note: not printed are objects of other kinds: {other_kinds.counted(others)}", file=sys.stderr)
    find = kubevirt_objects.finder(one.obj for one in objects)
    site = Site(given.kubevirt, verbs.site(given.site).machines, find=find)
    site = replace(site, hook=given.hardware)
    made, findings = [], Findings(most=sys.maxsize)
    for one in objects:
        if one.kind == VIRTUAL_MACHINE:
            own = site if given.seed is None else replace(site, entropy=seeds.entropy(given.seed, one))
            frozen, wrong, warnings = _frozen(one.obj, own)
            findings.take(one.about(wrong))
            verbs.warn(map(str, warnings), one)
            made.append(frozen)
    if findings:
        return verbs.refuse(findings, given.output)
    verbs.show(made, given.output)
    return 0


def _frozen(vm: Tree, site: Site) -> tuple[Tree, list[Finding], tuple[Finding, ...]]:
    if wrong := kubevirt_objects.misshapen(vm):
        return vm, wrong, ()
    # One that a cluster has made is one that a guest knows.
    there = {key: value for key, value in vm.items() if key != "status"} if vm["metadata"].get("uid") else None
    made = freeze(vm, there, site)
    return made.vm, [*made.findings, *malformed(made.vm)], made.warnings


VERBS = (
    Verb(
        "freeze", "VirtualMachines of KubeVirt's with the machine that their guests keep", run, add_flags, document=True
    ),
)
