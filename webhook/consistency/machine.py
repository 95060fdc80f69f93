"""What only some machines have: the rows of `possible.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from webhook import machines
from webhook.consistency.rule import rule
from webhook.declare import shown
from webhook.declare.scalars import listed
from webhook.domain.bus import is_none
from webhook.findings import Finding
from webhook.trees import Tree

# The rows of a field for values that a machine does not have; under None the one for any value.
Absent = dict[str | bool | None, Tree]
# The fields with such values: the names of the elements above, the field's name, the values.
Checks = tuple[tuple[tuple[str, ...], str, Absent], ...]


@rule
def machine_supports_values(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses, at define or at start, a value that the machine does not support."""
    kind = domain.get("os", {}).get("type", {})
    arch, name = kind.get("arch", ""), kind.get("machine", "")
    family = machines.family(arch, name)
    if not family:
        return
    for above, field, absent in _checks(family, arch):
        if not _any(domain, above, field, absent):
            continue
        for place, element in _elements(domain, above):
            value = element.get(field)
            row = _row(absent, value)
            if row and not is_none(element):
                what = f"`{shown(value)}`" if "value" in row else f"`{field}`"
                problem = f"{what} is not on {family} ({arch})"
                way = f"it is on {listed(tuple(row.get('families') or row['arch']))}; leave it out or name another"
                yield Finding(f"{path}{place}.{field}", problem, way, "machine")


def _any(domain: Tree, above: tuple[str, ...], field: str, absent: Absent) -> bool:
    """Whether any element has such a value. It is rare, so that paths are made only where one has."""
    trees: list[Any] = [domain]
    for name in above:
        below: list[Any] = []
        for tree in trees:
            inner = tree.get(name)
            if type(inner) is list:
                below += inner
            elif inner:
                below.append(inner)
        if not below:
            return False
        trees = below
    return any(_row(absent, tree.get(field)) for tree in trees)


def _row(absent: Absent, value: Any) -> Tree | None:
    """The row for a value of the field, or for any."""
    if value is None:
        return None
    return absent.get(value if type(value) in (str, bool) else None) or absent.get(None)


def _elements(domain: Tree, above: tuple[str, ...]) -> list[tuple[str, Tree]]:
    """The elements at a path of names, each entry of its lists, with their places."""
    found: list[tuple[str, Tree]] = [("", domain)]
    for name in above:
        below: list[tuple[str, Tree]] = []
        for place, tree in found:
            inner: Any = tree.get(name)
            if type(inner) is list:
                below += [(f"{place}.{name}[{index}]", entry) for index, entry in enumerate(inner)]
            elif inner:
                below.append((f"{place}.{name}", inner))
        if not below:
            return below
        found = below
    return found


# Package data, read once.
@cache
def _rows() -> tuple[Tree, ...]:
    return tuple(yaml.safe_load(Path(__file__).with_name("possible.yaml").read_text()))


@lru_cache(1024)
def _checks(family: str, arch: str) -> Checks:
    """The values that a family does not support. By family, so that unknown machine names take no cache entries."""
    made: dict[tuple[tuple[str, ...], str], Absent] = {}
    for row in _rows():
        if family not in row.get("families", (family,)) or arch not in row.get("arch", (arch,)):
            *above, field = row["path"].replace("[*]", "").split(".")
            made.setdefault((tuple(above), field), {})[row.get("value")] = row
    return tuple((above, field, absent) for (above, field), absent in made.items())
