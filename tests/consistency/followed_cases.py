"""The cases of `followed/`: a VM that is refused, and the same VM with the help followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from webhook.trees import Tree


def _without_nulls(tree: Any) -> Any:
    """A null takes away what a merge key brought along."""
    if isinstance(tree, dict):
        return {name: _without_nulls(value) for name, value in tree.items() if value is not None}
    return [_without_nulls(item) for item in tree] if isinstance(tree, list) else tree


def _read() -> list[Tree]:
    files = sorted(Path(__file__).with_name("followed").glob("*.yaml"))
    return [_without_nulls(case) for file in files for case in yaml.safe_load(file.read_text())]


CASES = _read()


def without(tree: Tree, place: str) -> Tree:
    """The tree without what stands at a place like `devices.disks[0].wwn`."""
    *above, name = place.replace("[", ".[").split(".")
    inner: Any = tree
    for step in above:
        inner = inner[int(step[1:-1])] if step.startswith("[") else inner[step]
    del inner[int(name[1:-1]) if name.startswith("[") else name]
    return tree
