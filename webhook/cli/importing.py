"""`vmconfig import`: VMs of the machines that libvirt's XML describes, one or many, with one map for all."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from webhook.abi.state import FROZEN, IMPORTED
from webhook.cli import files, seeds, verbs
from webhook.cli.import_map import read_map, unused
from webhook.cli.manifests import Manifest
from webhook.cli.shared import shared
from webhook.cli.verb import Verb
from webhook.consistency import consistent
from webhook.declare import Scalar, shown
from webhook.domain.names import label
from webhook.domain.types import DeviceName
from webhook.expand.imported import complete_imported, drawn
from webhook.findings import Finding, Refused
from webhook.kinds import GROUP, VERSION
from webhook.trees import Tree

# A VM is named as its devices are: by an RFC 1123 label.
_NAME: Scalar = get_args(DeviceName)[1]


def _of_import(parser: argparse.ArgumentParser) -> None:
    what = "what `virsh dumpxml` prints, a folder of such files (`*.xml`), or - for standard input"
    parser.add_argument("sources", metavar="XML", nargs="*", help=what)
    parser.add_argument("-f", "--filename", action="append", default=[], metavar="XML", help="the same; repeatable")
    parser.add_argument("--map", metavar="FILE", help="YAML: claims, networks, secrets by any name that the XML has")
    parser.add_argument("--machine", default="", help="the versioned machine type, where the XML has an alias")
    parser.add_argument("--cpu", default="", metavar="MODEL", help="the CPU model, where the XML has the host's CPU")
    parser.add_argument("--name", help="the VM's name, where the XML's is no name of a Kubernetes object")
    seeds.with_seed(parser)


@dataclass(frozen=True, slots=True)
class _Machine:
    """A document's VM, what is to be said of it, or what is wrong with it."""

    source: str
    vm: Tree
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def import_xml(given: argparse.Namespace) -> int:
    """Print VMs that are the XML's machines; what is to be said of them, and of those that are refused, beside it."""
    sources = list(_sources([*given.filename, *given.sources]))
    if not sources:
        raise Refused([Finding("XML", "names no XML", "name files, folders with `*.xml`, or `-`", "import")])
    if given.name and len(sources) > 1:
        raise Refused([Finding("--name", "is one name for several VMs", "leave it out", "import")])
    names = read_map(given.map)
    several = len(sources) > 1 or any(Path(each).is_dir() for each in (*given.filename, *given.sources))
    found = [_machine(source, names, given) for source in sources]
    made = [each for each in found if not each.findings]
    clashes = shared([(each.source, each.vm) for each in made])
    findings: list[Finding] = []
    for each in found:
        prefix = f"{each.source}: " if several else ""
        wrong = [*each.findings, *clashes.get(each.source, ())]
        findings += [
            replace(one, path=files.place_in_xml(each.source, one.path)) if several or one.path == "/" else one
            for one in wrong
        ]
        for note in each.notes:
            print(f"{prefix}{note}", file=sys.stderr)
    if left := unused(names):
        print(f"note: {given.map}: no device here needs {left}", file=sys.stderr)
    good = [each.vm for each in made if each.source not in clashes]
    if good:
        verbs.show(good, given.output)
    return verbs.refuse(findings, given.output) if findings else 0


def _machine(source: str, names: Any, given: argparse.Namespace) -> _Machine:
    """The VM of one document, with what is wrong with it in place of an exception."""
    from webhook.libvirt.importing.imported import examine
    from webhook.libvirt.importing.losses import by_device

    try:
        found = examine(files.xml(source), names, given.machine, given.cpu)
        if found.wrong or found.missing:
            return _Machine(source, {}, (), (*found.wrong, *found.missing))
        name = given.name or label(found.name)
        told = [*found.told, *drawn(found.domain)]
        vm: Tree = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "VM", "metadata": {"name": name}}
        entropy = os.urandom if given.seed is None else seeds.entropy(given.seed, Manifest(vm))
        findings = complete_imported(found.domain, found.type, entropy)
        if _NAME.check(name) is not None:
            findings.append(Finding("name", "is no name of a Kubernetes object", "say one with `--name`", "import"))
        # Where something has no place yet, whatever lacks one does so for that.
        findings += [one for one in consistent(found.domain, "spec.domain") if not findings or one.rule != "complete"]
    except Refused as refused:
        return _Machine(source, {}, (), tuple(refused.findings))
    except files.Unreadable as error:
        if source in (*given.filename, *given.sources):
            raise
        problem = str(error).removeprefix(f"{source}: ")
        return _Machine(source, {}, (), (Finding("file", problem, "mend it, or move it away", "file"),))
    notes = [f"not carried over: {line}" for line in by_device(found.left, found.domain)]
    notes += [f"note: {one.path} {one.problem}" for one in told]
    if not given.name and name != found.name:
        notes.append(f"note: the name `{shown(found.name)}` is `{name}` here")
    vm["spec"] = {"abi": {"policy": FROZEN, "origin": IMPORTED}, "domain": found.domain}
    return _Machine(source, vm, tuple(notes) if not findings else (), tuple(findings))


def _sources(named: list[str]) -> Iterator[str]:
    """The XML files that are named, each once: those of a folder by name."""
    found = (file for each in named for file in (files.xml_below(Path(each)) if Path(each).is_dir() else [each]))
    return iter(dict.fromkeys(found))


VERBS = (
    Verb(
        "import",
        "the machines of libvirt's XML as VMs, or what they would miss",
        import_xml,
        _of_import,
        document=True,
    ),
)
