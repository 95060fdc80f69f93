"""Fields of one element that go with each other: the rows of `fitting.yaml`.

The rows are compiled into a tree of element names, so that one walk over a domain looks at each of its fields once and
at the rows of those fields alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from webhook.consistency.fitting_table import Row, rows
from webhook.consistency.rule import rule, warning
from webhook.findings import Finding
from webhook.trees import Tree

RULE = "fitting"


@dataclass(slots=True)
class _Node:
    """The rows of one element, by the first name of their field, and the elements below it.

    Rows that ask for a value of another field are found by it: of a dozen for a controller's model one is looked at.
    """

    always: list[Row] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    guarded: dict[str, dict[str, dict[Any, list[Row]]]] = field(default_factory=dict)
    below: dict[str, _Node] = field(default_factory=dict)
    names: frozenset[str] = frozenset()


@rule
def fields_fit_each_other(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses fields that have no meaning beside others, and elements that lack a part (`fitting.yaml`)."""
    return _found(domain, path, dropped=False)


@warning
def fields_have_an_effect(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt ignores some fields beside others without a word (`fitting.yaml`, `dropped`)."""
    return _found(domain, path, dropped=True)


def _found(domain: Tree, path: str, *, dropped: bool) -> Iterator[Finding]:
    found: list[Finding] = []
    _walk(domain, _compiled(dropped), (path, ""), found)
    return iter(found)


_NONE: dict[str, dict[Any, list[Row]]] = {}
# Where a walk is: the place above, and the name or index below it. Most walks find nothing and never need the text.
_Where = tuple[Any, str | int]


def _walk(tree: Tree, node: _Node, where: _Where, found: list[Finding]) -> None:
    for row in node.always:
        _judge(row, tree, where, found)
    names = node.names
    for name, value in tree.items():
        if name not in names:
            continue
        for row in node.rows.get(name, ()):
            _judge(row, tree, where, found)
        for other, by_value in node.guarded.get(name, _NONE).items():
            for row in by_value.get(tree.get(other), ()):
                _judge(row, tree, where, found)
        inner = node.below.get(name)
        if inner is None:
            continue
        if type(value) is dict:
            _walk(value, inner, (where, name), found)
        else:
            for index, entry in enumerate(value):
                _walk(entry, inner, ((where, name), index), found)


def _judge(row: Row, tree: Tree, where: _Where, found: list[Finding]) -> None:
    for name, problem, way in row.breaches(tree):
        found.append(Finding(f"{_text(where)}.{name}", problem, way, RULE))


def _text(where: _Where) -> str:
    above, key = where
    if isinstance(above, str):
        return above
    return f"{_text(above)}[{key}]" if isinstance(key, int) else f"{_text(above)}.{key}"


@cache
def _compiled(dropped: bool) -> _Node:
    """The rows that refuse, or those that warn, as a tree. Package data, read once."""
    root = _Node()
    for at_path, row in rows():
        if row.dropped is not dropped:
            continue
        node = root
        for name in at_path.replace("[*]", "").split(".") if at_path else ():
            node = node.below.setdefault(name, _Node())
        if row.path and row.guard and len(row.guard[0][0]) == 1:
            (other,), values = row.guard[0]
            for value in values:
                node.guarded.setdefault(row.path[0], {}).setdefault(other, {}).setdefault(value, []).append(row)
        elif row.path:
            node.rows.setdefault(row.path[0], []).append(row)
        else:
            node.always.append(row)
    _name(root)
    return root


def _name(node: _Node) -> None:
    node.names = frozenset(node.rows) | frozenset(node.guarded) | frozenset(node.below)
    for inner in node.below.values():
        _name(inner)
