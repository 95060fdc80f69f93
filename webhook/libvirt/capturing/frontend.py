"""The frontend of a domain, by its declarations."""

from __future__ import annotations

from typing import Any

from webhook.declare import Backend, Field, Frontend, Shape
from webhook.trees import Tree


def frontend_of(tree: Tree, shape: Shape) -> Tree:
    """Only the frontend fields of a tree; elements without any are left out, entries of lists are kept."""
    made = {}
    for name, value in tree.items():
        entry = shape.fields[name]
        if entry.shape is None:
            if isinstance(entry.class_of_value(value), Frontend):
                made[name] = value
        elif not isinstance(entry.field_class, Backend):
            rest = _below(value, entry, entry.shape)
            if rest:
                made[name] = rest
    return made


def _below(value: Any, entry: Field, shape: Shape) -> Any:
    return [frontend_of(item, shape) for item in value] if entry.many else frontend_of(value, shape)
