"""`vmconfig freeze`: VirtualMachines of KubeVirt's as they are stored where their machines are kept."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from dataclasses import replace
from typing import Any

from webhook.cli import files, seeds, verbs
from webhook.cli.manifests import Manifest, files_of
from webhook.cli.names import release
from webhook.cli.verb import Verb
from webhook.declare import shown
from webhook.findings import Finding, Findings, Refused
from webhook.kubevirt.devices import well_formed
from webhook.kubevirt.freeze import freeze
from webhook.kubevirt.site import Site
from webhook.kubevirt.topology import NEWEST

Tree = dict[str, Any]
_KIND, _VERSION = "VirtualMachine", "kubevirt.io/v1"
_LOOKED_UP = frozenset(
    {
        "ControllerRevision",
        "VirtualMachineInstancetype",
        "VirtualMachineClusterInstancetype",
        "VirtualMachinePreference",
        "VirtualMachineClusterPreference",
    }
)


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
    objects = _objects([*given.filename, *given.sources])
    site = Site(given.kubevirt, verbs.site(given.site).machines, find=_finder([one.obj for one in objects]))
    site = replace(site, hook=given.hardware)
    made, findings = [], Findings(most=sys.maxsize)
    for one in objects:
        if one.kind == _KIND:
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
    if vm.get("apiVersion") != _VERSION or not well_formed(vm):
        problem = f"is no {_KIND} of {_VERSION} as KubeVirt has it"
        return vm, [Finding("$", problem, "see `kubectl explain virtualmachine.spec.template.spec.domain`", "kind")], ()
    # One that a cluster has made is one that a guest knows.
    there = {key: value for key, value in vm.items() if key != "status"} if vm["metadata"].get("uid") else None
    made = freeze(vm, there, site)
    return made.vm, list(made.findings), made.warnings


def _objects(sources: list[str]) -> list[Manifest]:
    """The VMs of files and what they are looked up in; raises Refused where there is no VM. Others are counted."""
    found: list[Manifest] = []
    others: Counter[str] = Counter()
    for file in dict.fromkeys(each for source in sources for each in files_of(source)):
        documents = files.documents(file, {_KIND, *_LOOKED_UP, "List"})
        for document in documents:
            number = document.number if len(documents) > 1 else 0
            items = document.content.get("items") if type(document.content) is dict else None
            for at, content in enumerate(items if type(items) is list else [document.content], 1):
                if type(content) is dict and content.get("kind") in (_KIND, *_LOOKED_UP):
                    found.append(Manifest(content, file, number, at if items else 0))
                else:
                    others[document.other or str(content.get("kind") if type(content) is dict else "")] += 1
    if not any(one.kind == _KIND for one in found):
        way = f"name a manifest of a {_KIND} (`apiVersion: {_VERSION}`)"
        raise Refused([Finding(", ".join(sources) or "SOURCE", f"holds no {_KIND} of KubeVirt's", way, "kind")])
    others.update(one.kind for one in found if one.kind != _KIND)
    if others:
        told = ", ".join(f"{shown(kind)} {number}" for kind, number in sorted(others.items()) if kind)
        print(f"note: not printed are objects of other kinds: {told}", file=sys.stderr)
    return found


def _finder(objects: list[Any]) -> Any:
    """Looks objects up by kind, namespace and name; a manifest may leave its namespace out."""

    def find(kind: str, namespace: str, name: str) -> Tree | None:
        for obj in objects:
            metadata = obj.get("metadata")
            if obj.get("kind") == kind and type(metadata) is dict and metadata.get("name") == name:
                stated = metadata.get("namespace")
                if not namespace or not stated or stated == namespace:
                    return dict(obj)
        return None

    return find


VERBS = (
    Verb(
        "freeze", "VirtualMachines of KubeVirt's with the machine that their guests keep", run, add_flags, document=True
    ),
)
