"""KubeVirt's objects of files and folders, and what is looked up among them: instance types, preferences, revisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from webhook.cli import files
from webhook.cli.manifests import Manifest, files_of
from webhook.declare import shown
from webhook.findings import Finding, Refused
from webhook.kubevirt.starting.site import Find

Tree = dict[str, Any]
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
    sources: list[str], also: frozenset[str] = frozenset(), vms: frozenset[str] = frozenset({VIRTUAL_MACHINE})
) -> tuple[list[Manifest], Counter[str]]:
    """The VMs of files and what they are looked up in, and how many of other kinds there are.

    `vms` are the kinds of VMs, `also` further kinds that are wanted. Raises Refused where there is no VM.
    """
    found: list[Manifest] = []
    others: Counter[str] = Counter()
    wanted = {*vms, *LOOKED_UP, *also}
    for file in dict.fromkeys(each for source in sources for each in files_of(source)):
        documents = files.documents(file, {*wanted, "List"})
        for document in documents:
            number = document.number if len(documents) > 1 else 0
            items = document.content.get("items") if type(document.content) is dict else None
            for at, content in enumerate(items if type(items) is list else [document.content], 1):
                kind = document.other or str(content.get("kind") if type(content) is dict else "")
                if type(content) is dict and kind in wanted:
                    found.append(Manifest(content, file, number, at if items else 0))
                else:
                    others[kind] += 1
    if not any(one.kind in vms for one in found):
        problem = f"holds no {VIRTUAL_MACHINE} of KubeVirt's"
        way = f"name a manifest of a {VIRTUAL_MACHINE} (`apiVersion: {VERSION}`)"
        raise Refused([Finding(", ".join(sources) or "SOURCE", problem, way, "kind")])
    return found, others


def counted(others: Counter[str]) -> str:
    """Kinds with how many there are of each; empty where there are none."""
    return ", ".join(f"{shown(kind)} {number}" for kind, number in sorted(others.items()) if kind)


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
