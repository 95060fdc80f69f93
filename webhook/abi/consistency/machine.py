"""What only some machines have: the rows of `possible.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from webhook import machines
from webhook.abi.consistency.rule import Tree, rule
from webhook.declare import shown
from webhook.declare.scalars import listed
from webhook.findings import Finding

# (field, value) -> the families and the architectures that have it; by the path of the element around.
Table = dict[tuple[str, ...], dict[str, dict[str, Tree]]]


@rule
def machine_has_it(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses, at define or at start, what the machine does not have."""
    kind = domain.get("os", {}).get("type", {})
    arch, family = kind.get("arch", ""), machines.family(kind.get("arch", ""), kind.get("machine", ""))
    if not family:
        return
    for above, fields in _table().items():
        for place, element in _elements(domain, above, path):
            for field, values in fields.items():
                value = element.get(field)
                row = values.get(value) if type(value) is str else None
                if row and not _has(row, family, arch):
                    problem = f"`{shown(value)}` is not on {family} ({arch})"
                    where = listed(tuple(row.get("families") or row["arch"]))
                    way = f"it is on {where}; leave it out or name another"
                    yield Finding(f"{place}.{field}", problem, way, "machine")


def _has(row: Tree, family: str, arch: str) -> bool:
    return family in row.get("families", (family,)) and arch in row.get("arch", (arch,))


def _elements(tree: Tree, above: tuple[str, ...], path: str) -> Iterator[tuple[str, Tree]]:
    """The elements at a path of names, each entry of its lists."""
    if not above:
        yield path, tree
        return
    inner: Any = tree.get(above[0])
    if type(inner) is dict:
        yield from _elements(inner, above[1:], f"{path}.{above[0]}")
    elif type(inner) is list:
        for index, entry in enumerate(inner):
            yield from _elements(entry, above[1:], f"{path}.{above[0]}[{index}]")


@cache
def _table() -> Table:
    rows: list[Tree] = yaml.safe_load(files(__package__).joinpath("possible.yaml").read_text())
    made: Table = {}
    for row in rows:
        *above, field = row["path"].replace("[*]", "").split(".")
        made.setdefault(tuple(above), {}).setdefault(field, {})[row["value"]] = row
    return made
