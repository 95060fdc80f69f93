"""What libvirt means where a domain is silent: the rows of `implied.yaml`.

The expansion leaves these values out, and the XML has them. Who states one keeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import FieldPath
from webhook.declare.tree import at
from webhook.domain.bus import Fitting
from webhook.trees import Tree


@dataclass(frozen=True, slots=True)
class _Row(Fitting):
    """What an element that fits means where it does not say these fields.

    With `absent`, a part of the domain that is not there means them too, in a domain that says its machine.
    """

    path: FieldPath
    implied: Tree
    absent: bool


def with_implied(domain: Tree) -> Tree:
    """The domain with everything said that its silence means."""
    return _each(domain, lambda element, row: {**row.implied, **element})


def without_implied(domain: Tree) -> Tree:
    """The domain without what its silence would mean."""
    return _each(domain, _silent)


def means(declared: str, element: Tree) -> Any:
    """What it means that an element does not say a field, by the declared path of the field; None: nothing."""
    above, _, name = declared.rpartition(".")
    row = _rows().get(above.removeprefix("domain."))
    return row.implied.get(name) if row is not None and row.fits(element) else None


def _silent(element: Tree, row: _Row) -> Tree:
    left = {name: value for name, value in element.items() if row.implied.get(name) != value}
    # An element that says nothing would be as none; one that is not there is meant as a whole.
    return left if left or row.absent else element


def _each(domain: Tree, change: Callable[[Tree, _Row], Tree]) -> Tree:
    """The domain with every element that a row is about changed."""
    for row in _rows().values():
        domain = _below(domain, row.path, row, change)
    return domain


def _below(tree: Tree, path: FieldPath, row: _Row, change: Callable[[Tree, _Row], Tree]) -> Tree:
    if not path:
        return change(tree, row) if (tree or row.absent) and row.fits(tree) else tree
    (name, entry), below = path[0], FieldPath(path[1:])
    inner = tree.get(name)
    if row.absent:
        if not at(tree, "os.type.machine"):
            return tree
        inner = inner or {}
    if inner is None:
        return tree
    if entry:
        return {**tree, name: [_below(each, below, row, change) for each in inner]}
    changed = _below(inner, below, row, change)
    if changed or not row.absent:
        return {**tree, name: changed}
    return {key: value for key, value in tree.items() if key != name}


# Package data, read once.
@cache
def _rows() -> dict[str, _Row]:
    """The rows by the declared path of their element."""
    table: list[Tree] = yaml.safe_load(Path(__file__).with_name("implied.yaml").read_text())
    return {
        row["at"]: _Row(
            FieldPath.parse(row["at"]),
            row["implied"],
            row.get("absent", False),
            when={path: tuple(values) for path, values in row.get("when", {}).items()},
        )
        for row in table
    }
