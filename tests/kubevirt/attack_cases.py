"""The cases below attacks/: what is tried with KubeVirt's own virtual machines, and harmless twins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare.tree import copied
from webhook.trees import Tree

FOLDER = Path(__file__).parent / "attacks"
# The honest machine that the parts of cases are laid over: the spec of a VirtualMachineInstance.
MACHINE = yaml.safe_load((Path(__file__).parent / "machine.yaml").read_text())
# Findings by path and rule.
Found = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """One case: the spec of an instance and of its virtual machine, its template's metadata, and what is refused.

    Paths of `refused` begin with the part that they are in: `vmi`, `vm`, `annotations` or `labels`.
    """

    item: str
    title: str
    is_attack: bool
    level: str
    vmi: Tree
    vm: Tree
    metadata: Tree
    refused: Found

    @property
    def id(self) -> str:
        return f"{self.item}: {self.title}"


@cache
def items() -> Mapping[str, Mapping[str, list[Tree]]]:
    """All items with their attacks and twins, as they are written."""
    return {
        name: item for file in sorted(FOLDER.glob("*.yaml")) for name, item in yaml.safe_load(file.read_text()).items()
    }


def cases() -> list[Case]:
    """Every attack and every twin."""
    return [
        _case(name, entry, is_attack=word == "attacks")
        for name, item in items().items()
        for word in ("attacks", "twins")
        for entry in item[word]
    ]


def _case(item: str, entry: Tree, *, is_attack: bool) -> Case:
    vmi = laid_over(copied(MACHINE), entry.get("vmi", {}))
    vmi["domain"] = laid_over(vmi["domain"], entry.get("domain", {}))
    vmi["domain"]["devices"] = laid_over(vmi["domain"]["devices"], entry.get("devices", {}))
    metadata = {name: entry[name] for name in ("annotations", "labels") if name in entry}
    level = entry.get("level", "restricted")
    vm = {"runStrategy": "Halted", **entry.get("vm", {})}
    refused = frozenset((_path(path, entry), _rule(rule, level)) for path, rule in entry.get("refused", {}).items())
    return Case(item, entry["title"], is_attack, level, vmi, vm, metadata, refused)


def laid_over(base: Any, part: Any) -> Any:
    """A tree with another one laid over it: entries of lists are told by their name, null takes away."""
    if isinstance(base, dict) and isinstance(part, dict):
        made = dict(base)
        for name, value in part.items():
            if value is None:
                made.pop(name, None)
            else:
                made[name] = laid_over(base[name], value) if name in base else value
        return made
    if isinstance(base, list) and isinstance(part, list) and all(isinstance(each, dict) for each in part):
        named = {each.get("name", index): each for index, each in enumerate(base)}
        for index, each in enumerate(part):
            key = each.get("name", f"new {index}")
            named[key] = laid_over(named.get(key, {}), each)
        return list(named.values())
    return part


def _path(path: str, entry: Tree) -> str:
    if path.startswith("labels:"):
        return f"labels[{path.removeprefix('labels:')}]"
    if path in entry.get("annotations", {}):
        return f"annotations[{path}]"
    return f"vm.{path}" if path.startswith("dataVolumeTemplates") else f"vmi.{path}"


def _rule(rule: str, level: str) -> str:
    return f"kubevirt-{level}/{rule}" if "-" in rule and rule != "default-deny" else rule


def named(path: str, obj: Tree) -> str:
    """A finding's path with the names of entries in place of their numbers, where they have one."""
    made, tree = "", obj
    for name, index in re.findall(r"([^.\[\]]+(?:\.[^.\[\]]+)*?|[^.\[\]]+)(?:\[([^\]]*)\])?(?:\.|$)", path):
        tree = tree.get(name) if isinstance(tree, dict) else None
        made += f".{name}"
        if index:
            entry = tree[int(index)] if index.isdecimal() and isinstance(tree, list) else None
            label = entry.get("name", index) if isinstance(entry, dict) else index
            made, tree = f"{made}[{label}]", entry
    return made[1:]
