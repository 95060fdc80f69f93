"""The verbs that go from libvirt's XML to VMs: `capture` and `import`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, get_args

from webhook.admission import offline
from webhook.cli import files, verbs
from webhook.cli.verb import Verb
from webhook.declare import Scalar
from webhook.declare.tree import copied
from webhook.domain.names import label
from webhook.domain.types import DeviceName
from webhook.expand.naming import name_devices
from webhook.findings import Finding, Refused
from webhook.kinds import GROUP, VERSION

Tree = dict[str, Any]

_LARGEST = 2**20
# A VM is named as its devices are: by an RFC 1123 label.
_NAME: Scalar = get_args(DeviceName)[1]


def _of_capture(parser: argparse.ArgumentParser) -> None:
    verbs.with_file(parser)
    parser.add_argument("--xml", required=True, metavar="FILE", help="`virsh dumpxml` of the running domain")


def _of_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("xml", metavar="XML", help="`virsh dumpxml --inactive`; - for standard input")
    parser.add_argument("--map", metavar="FILE", help="YAML: claims by image, networks by bridge or libvirt network")
    parser.add_argument("--machine", help="the versioned machine type, where the XML has an alias")
    parser.add_argument("--name", help="the VM's name, where the XML's is no name of a Kubernetes object")


def capture(given: argparse.Namespace) -> int:
    """Print the VM with the frontend facts of a running domain; findings where the two disagree."""
    from webhook.libvirt.capture import capture as capture_facts

    objects = files.read(given.file)
    if len(objects) != 1:
        raise Refused([Finding(given.file, f"holds {len(objects)} objects", "give the one VM of the XML", "kind")])
    kind, findings = offline.kind_of(objects[0])
    if kind is None:
        raise Refused(findings)
    made: Tree = copied(objects[0])
    holder = made
    for key in kind.spec:
        holder = holder.setdefault(key, {})
    captured = capture_facts(holder.get("domain") or {}, _xml(given.xml), f"{kind.spec_path}.domain")
    name_devices(captured.domain.get("devices", {}))
    holder["domain"] = captured.domain
    for place in captured.added:
        print(f"added: {place}", file=sys.stderr)
    if captured.findings:
        return verbs.show_findings(captured.findings, given.output)
    verbs.show([made], given.output)
    return 0


def import_xml(given: argparse.Namespace) -> int:
    """Print a VM whose frontend is the XML's, and what could not be carried over."""
    from webhook.libvirt.imported import import_domain

    found = import_domain(_xml(given.xml), _map(given.map), given.machine or "")
    name = given.name or label(found.name)
    if _NAME.check(name) is not None:
        raise Refused([Finding("name", "is no name of a Kubernetes object", "say one with `--name`", "import")])
    name_devices(found.domain.get("devices", {}))
    for finding in found.left:
        print(f"not carried over: {finding.path}: {finding.problem}", file=sys.stderr)
    spec = {"domain": found.domain}
    vm = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "VM", "metadata": {"name": name}, "spec": spec}
    verbs.show([vm], given.output)
    return 0


def _xml(file: str) -> bytes:
    try:
        text = sys.stdin.buffer.read(_LARGEST + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise files.Unreadable(f"{file}: {error.strerror}") from None
    return text


def _map(file: str | None) -> Any:
    """The map of the host's things to Kubernetes' names: `claims` and `networks`, each from text to text."""
    from webhook.libvirt.imported import Map

    if file is None:
        return Map()
    documents = files.read(file)
    tree = documents[0] if len(documents) == 1 else None
    problem = "is no map: it has `claims` and `networks`, each of names"
    if not isinstance(tree, dict) or set(tree) - {"claims", "networks"}:
        raise Refused([Finding(file, problem, "write `claims: {/path/of/image: claim}`", "import")])
    for part, names in tree.items():
        if not isinstance(names, dict) or not all(isinstance(x, str) for pair in names.items() for x in pair):
            raise Refused([Finding(f"{file}: {part}", problem, "write `claims: {/path/of/image: claim}`", "import")])
    return Map(**tree)


VERBS = (
    Verb("capture", "a VM with the frontend facts that libvirt added to its running domain", capture, _of_capture),
    Verb("import", "a VM whose frontend is that of libvirt's XML", import_xml, _of_import),
)
