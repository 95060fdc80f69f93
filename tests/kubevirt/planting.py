"""A VM with one value of it replaced."""

from __future__ import annotations

from typing import Any

from webhook.declare.tree import copied
from webhook.trees import Tree


def planted(tree: Tree, way: tuple[Any, ...], value: Any) -> Tree:
    """A copy of the tree with `value` at the place that the keys and indices of `way` lead to."""
    made: Any = copied(tree)
    holder = made
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = value
    return dict(made)
