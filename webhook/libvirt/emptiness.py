"""Whether an element says anything: one that is empty, all the way down, leaves everything to the convention."""

from __future__ import annotations

from typing import Any

from webhook.libvirt.place import Tree


def has_content(value: Any) -> bool:
    """Whether there is any value in it; scalars are values, whatever they are."""
    if isinstance(value, dict):
        return any(map(has_content, value.values()))
    return any(map(has_content, value)) if isinstance(value, list) else value is not None


def with_content(tree: Tree) -> Tree:
    """The tree with only those of its fields that say something."""
    return {name: value for name, value in tree.items() if has_content(value)}
