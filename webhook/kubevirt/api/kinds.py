"""KubeVirt's kinds that can bring a virtual machine about, and where in their objects is what policies judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from webhook.trees import Tree

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KubeVirtKind:
    """One kind: its names, whether it has no namespace, and the keys to its parts (kinds.yaml); empty: none there."""

    name: str
    group: str
    plural: str
    parts: Mapping[str, Keys]
    metadata: Keys = ()
    annotations: Keys = ()
    patches: Keys = ()
    cluster: bool = False

    @property
    def version(self) -> str:
        """The version that is stored."""
        return "v1" if self.group == "kubevirt.io" else "v1beta1"

    @property
    def api_version(self) -> str:
        """The `apiVersion` of objects."""
        return f"{self.group}/{self.version}"

    def is_of(self, obj: Any) -> bool:
        """Whether an object is of this kind, by its `kind` and the group of its `apiVersion`."""
        version = obj.get("apiVersion") if type(obj) is dict else None
        return type(version) is str and obj.get("kind") == self.name and version.startswith(f"{self.group}/")


def kubevirt_kind(obj: Any) -> KubeVirtKind | None:
    """The kind of an object; None where it is none of these."""
    name = obj.get("kind") if type(obj) is dict else None
    kind = KINDS.get(name) if type(name) is str else None
    return kind if kind is not None and kind.is_of(obj) else None


def at(obj: Any, keys: Keys) -> Any:
    """What stands below these keys; None where nothing does."""
    for key in keys:
        if type(obj) is not dict:
            return None
        obj = obj.get(key)
    return obj


def _keys(text: str) -> Keys:
    return tuple(text.split(".")) if text else ()


def _kind(name: str, entry: Tree) -> KubeVirtKind:
    return KubeVirtKind(
        name=name,
        group=entry["group"],
        plural=entry["plural"],
        parts={part: _keys(keys) for part, keys in entry["parts"].items()},
        metadata=_keys(entry.get("metadata", "")),
        annotations=_keys(entry.get("annotations", "")),
        patches=_keys(entry.get("patches", "")),
        cluster=entry.get("cluster", False),
    )


_READ = yaml.load((Path(__file__).parent / "kinds.yaml").read_text(), Loader=yaml.CSafeLoader)
KINDS: Mapping[str, KubeVirtKind] = {name: _kind(name, entry) for name, entry in _READ.items()}
VIRTUAL_MACHINE = KINDS["VirtualMachine"]
