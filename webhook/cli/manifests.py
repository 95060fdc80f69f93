"""VMs from a file or a folder of manifests, with the labels of the namespaces that stand among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webhook.cli import files
from webhook.findings import Finding, Refused
from webhook.kinds import GROUP, KINDS

Tree = dict[str, Any]
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class Manifests:
    """VMs and VirtualMachineConfigs as they were written, and namespace labels by name."""

    objects: list[Tree] = field(default_factory=list)
    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)


def read(path: Path) -> Manifests:
    """All VMs below a path, also those in a `List`; Refused where there is none, and where a file is no YAML."""
    found = Manifests()
    for file in _files(path):
        for obj in _objects(files.read(str(file))):
            if obj.get("kind") in KINDS and str(obj.get("apiVersion")).startswith(f"{GROUP}/"):
                found.objects.append(obj)
            elif obj.get("kind") == "Namespace" and isinstance(obj.get("metadata"), dict):
                labels = obj["metadata"].get("labels")
                found.labels[str(obj["metadata"].get("name"))] = labels if isinstance(labels, dict) else {}
    if not found.objects:
        raise Refused([Finding(str(path), "holds no VM", f"name manifests of {' or '.join(KINDS)}", "kind")])
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())


def _objects(documents: list[Any]) -> Iterator[Tree]:
    """The objects of a file; those of a `List`, as kubectl prints several, are its items."""
    for document in documents:
        if not isinstance(document, dict):
            continue
        items = document.get("items")
        if str(document.get("kind")).endswith("List") and isinstance(items, list):
            yield from (item for item in items if isinstance(item, dict))
        else:
            yield document
