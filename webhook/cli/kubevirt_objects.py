"""KubeVirt's objects of files and folders, and what is looked up among them: instance types, preferences, revisions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from webhook.cli import files
from webhook.cli.manifests import Manifest, of_files
from webhook.cli.other_kinds import without_vms
from webhook.declare import shown
from webhook.findings import Finding, Findings, Refused
from webhook.kubevirt.starting.forms import malformed
from webhook.kubevirt.starting.site import Find
from webhook.trees import Tree

# How kubectl names an object, as in `vm/web`.
_OF_A_CLUSTER = re.compile("[a-z][a-z0-9.]*/[a-z0-9][a-z0-9.-]*(?<![.]yaml)(?<![.]yml)(?<![.]json)")
VIRTUAL_MACHINE, VERSION = "VirtualMachine", "kubevirt.io/v1"
LOOKED_UP = frozenset(
    {
        "ControllerRevision",
        "VirtualMachineInstancetype",
        "VirtualMachineClusterInstancetype",
        "VirtualMachinePreference",
        "VirtualMachineClusterPreference",
    }
)


def read(
    sources: list[str],
    also: frozenset[str] = frozenset(),
    vms: frozenset[str] = frozenset({VIRTUAL_MACHINE}),
    unread: list[Finding] | None = None,
) -> tuple[list[Manifest], Counter[str]]:
    """The VMs of files and what they are looked up in, and how many of other kinds there are.

    `vms` are the kinds of VMs, `also` further kinds that are wanted, `unread` takes what is wrong with one of several
    files where the others are wanted all the same. Raises Refused where there is no VM, or a file is no YAML.
    """
    if not sources:
        raise files.Unreadable("no object is named: give a file, a folder, or `-` for standard input")
    for source in sources:
        if _OF_A_CLUSTER.fullmatch(source) and not Path(source).exists():
            raise files.Unreadable(
                f"{source}: no cluster is asked here: give what `kubectl get {source} -o yaml` prints"
            )
    wanted = {*vms, *LOOKED_UP, *also}
    found: list[Manifest] = []
    others: Counter[str] = Counter()
    for one in of_files(sources, lambda file: _objects(file, wanted), unread):
        if type(one.obj) is dict and one.kind in wanted:
            found.append(one)
        else:
            others[one.kind] += 1
    if not any(one.kind in vms for one in found):
        if unread:
            raise Refused(unread)
        raise without_vms(sources, others + Counter(one.kind for one in found), kubevirt=True)
    return found, others


def _objects(file: str, wanted: set[str]) -> Iterator[Manifest]:
    """The objects of a file and those of its lists; of other kinds than these only which."""
    documents = files.documents(file, {*wanted, "List"})
    for document in documents:
        number = document.number if len(documents) > 1 else 0
        content = {"kind": document.other} if document.other else document.content
        items = content.get("items") if type(content) is dict else None
        for at, obj in enumerate(items if type(items) is list else [content], 1):
            yield Manifest(obj, file, number, at if items else 0)


def misshapen(vm: Tree) -> list[Finding]:
    """Why an object is no VirtualMachine of the version that is known, part by part; empty where it is one."""
    version = vm.get("apiVersion")
    if type(version) is str and version != VERSION and version.startswith("kubevirt.io/"):
        way = f"write `{VERSION}`, which has the same fields"
        return [Finding("apiVersion", f"is `{shown(version)}`, expected `{VERSION}`", way, "kind")]
    if version != VERSION:
        way = "see `kubectl explain virtualmachine.spec.template.spec.domain`"
        return [Finding("$", f"is no {VIRTUAL_MACHINE} of {VERSION} as KubeVirt has it", way, "kind")]
    return Findings(malformed(vm))


def finder(objects: Iterable[Any]) -> Find:
    """Looks objects up by kind, namespace and name; a manifest may leave its namespace out."""
    by_name: dict[tuple[str, str], list[Tree]] = {}
    for obj in objects:
        metadata = obj.get("metadata")
        name = metadata.get("name") if type(metadata) is dict else None
        if type(obj.get("kind")) is str and type(name) is str:
            by_name.setdefault((obj["kind"], name), []).append(obj)

    def find(kind: str, namespace: str, name: str) -> Tree | None:
        for obj in by_name.get((kind, name), ()):
            stated = obj["metadata"].get("namespace")
            if not namespace or not stated or stated == namespace:
                return dict(obj)
        return None

    return find
