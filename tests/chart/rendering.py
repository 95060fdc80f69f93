"""The chart as a real Helm renders it, and a way to say a place in the result."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests import tools
from webhook.trees import Tree

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "vmconfig"
NAMESPACE = "vmconfig-system"


def rendered(values: Tree | None = None, release: str = "vmconfig") -> dict[str, Tree]:
    """All manifests by `Kind/name`; without the CRDs, which take most of the time, unless the values ask for them.

    Two of one kind and name are refused. To be read only: it is shared.
    """
    return _rendered(json.dumps({"crds": {"install": False}, **(values or {})}), release)


@cache
def _rendered(values: str, release: str) -> dict[str, Tree]:
    text = tools.template(CHART, json.loads(values), namespace=NAMESPACE, release=release)
    manifests: dict[str, Tree] = {}
    for document in filter(None, yaml.load_all(text, Loader=yaml.CSafeLoader)):
        name = f"{document['kind']}/{document['metadata']['name']}"
        assert name not in manifests, name
        manifests[name] = document
    return manifests


def pod(values: Tree | None = None) -> Tree:
    """The pod template of the Deployment."""
    template: Tree = rendered(values)["Deployment/vmconfig"]["spec"]["template"]
    return template


def look(manifests: dict[str, Tree], place: str) -> Any:
    """What stands at `Kind/name: path`, where a path's parts are keys or indexes with ` . ` between; None: nothing."""
    name, _, path = place.partition(": ")
    found: Any = manifests.get(name)
    for part in path.split(" . ") if path else []:
        if isinstance(found, list):
            found = found[int(part)] if int(part) < len(found) else None
        else:
            found = (found or {}).get(part)
    return found


def leaves(tree: Tree, path: str = "") -> list[str]:
    """The dotted paths of everything that is no filled mapping."""
    found = []
    for name, value in tree.items():
        here = f"{path}.{name}" if path else name
        found += leaves(value, here) if isinstance(value, dict) and value else [here]
    return found
