"""`vmconfig import`: VMs of libvirt's XML."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from webhook.abi.state import FROZEN, IMPORTED
from webhook.cli import files, verbs
from webhook.cli.verb import Verb
from webhook.declare import Scalar, shown
from webhook.declare.scalars import listed
from webhook.domain.convention import is_name
from webhook.domain.names import label
from webhook.domain.types import DeviceName
from webhook.expand.imported import complete_imported
from webhook.findings import Finding, Refused
from webhook.kinds import GROUP, VERSION

Tree = dict[str, Any]

_LARGEST = 2**20
# A VM is named as its devices are: by an RFC 1123 label.
_PARTS = ("claims", "networks", "secrets")
_NAME: Scalar = get_args(DeviceName)[1]


def _of_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("xml", metavar="XML", nargs="?", help="what `virsh dumpxml` prints; - for standard input")
    parser.add_argument("-f", dest="folder", type=Path, metavar="DIR", help="a folder of such files (`*.xml`)")
    parser.add_argument("--map", metavar="FILE", help="YAML: claims, networks, secrets by any name that the XML has")
    parser.add_argument("--machine", help="the versioned machine type, where the XML has an alias")
    parser.add_argument("--name", help="the VM's name, where the XML's is no name of a Kubernetes object")


def import_xml(given: argparse.Namespace) -> int:
    """Print VMs that are the XML's machines, and what of them was the host's alone."""
    sources = [*([given.xml] if given.xml else []), *xml_files(given.folder)]
    if not sources:
        raise Refused([Finding("XML", "names no XML", "name a file, `-`, or a folder with `-f`", "import")])
    if given.name and len(sources) > 1:
        raise Refused([Finding("--name", "is one name for several VMs", "leave it out", "import")])
    names, several = _map(given.map), len(sources) > 1 or given.folder is not None
    vms: list[Tree] = []
    findings: list[Finding] = []
    for source in sources:
        try:
            vms.append(_imported(source, names, given, f"{source}: " if several else ""))
        except Refused as refused:
            findings += [replace(one, path=f"{source}: {one.path}") if several else one for one in refused.findings]
    if findings:
        raise Refused(findings)
    verbs.show(vms, given.output)
    return 0


def _imported(source: str, names: Any, given: argparse.Namespace, prefix: str) -> Tree:
    """The VM of one document; raises Refused."""
    from webhook.libvirt.imported import examine
    from webhook.libvirt.losses import by_device

    found = examine(xml_of(source), names, given.machine or "")
    if found.wrong or found.missing:
        raise Refused([*found.wrong, *found.missing])
    name = given.name or label(found.name)
    findings = complete_imported(found.domain, found.type, os.urandom)
    if _NAME.check(name) is not None:
        findings.append(Finding("name", "is no name of a Kubernetes object", "say one with `--name`", "import"))
    if findings:
        raise Refused(findings)
    for line in by_device(found.left, found.domain):
        print(f"{prefix}not carried over: {line}", file=sys.stderr)
    for one in found.told:
        print(f"{prefix}note: {one.path} {one.problem}", file=sys.stderr)
    spec = {"abi": {"policy": FROZEN, "origin": IMPORTED}, "domain": found.domain}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "VM", "metadata": {"name": name}, "spec": spec}


def xml_files(folder: Path | None) -> list[str]:
    """The XML files of a folder, by name."""
    if folder is None:
        return []
    if not folder.is_dir():
        raise files.Unreadable(f"{folder}: is no folder")
    return [str(file) for file in sorted(folder.glob("*.xml"))]


def xml_of(file: str) -> bytes:
    """A document of a file, or of standard input for `-`; raises Unreadable."""
    try:
        text = sys.stdin.buffer.read(_LARGEST + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise files.Unreadable(f"{file}: {error.strerror}") from None
    return text


def _map(file: str | None) -> Any:
    """The map of the host's things to Kubernetes' names, each part from text to text; `~` is the pod's own network."""
    from webhook.libvirt.imported import Map

    if file is None:
        return Map(conventional=False)
    documents = files.read(file)
    tree = documents[0] if len(documents) == 1 else None
    way = "write `claims: {/path/of/image: claim}`"
    if not isinstance(tree, dict) or set(tree) - set(_PARTS):
        raise Refused([Finding(file, f"is no map: it has {listed(_PARTS)}, each of names", way, "import")])
    findings = [
        Finding(f"{file}: {part}", problem, way, "import")
        for part, names in tree.items()
        if (problem := _wrong(part, names))
    ]
    if findings:
        raise Refused(findings)
    return Map(**tree, conventional=False)


def _wrong(part: str, names: Any) -> str:
    """What is wrong with a part of the map; empty where nothing is."""
    if not isinstance(names, dict) or not all(isinstance(key, str) for key in names):
        return "is no map of names: a name that looks like a number or a time needs quotes"
    for key, name in names.items():
        if not (is_name(name) or (name is None and part == "networks")):
            return f"has for `{shown(key)}` no name of a Kubernetes object"
    return ""


VERBS = (Verb("import", "the machines of libvirt's XML as VMs, or what they would miss", import_xml, _of_import),)
