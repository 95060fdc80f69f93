"""Compare two configurations as the guest sees them, and say what it would notice of a difference.

Stricter than libvirt's own check (virDomainDefCheckABIStability), which does not look at USB ports, root-port
chassis, block sizes, clock offset, boot order, sleep states or drive targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from webhook.declare import Field, FieldPath, Frontend, Shape, told
from webhook.declare.withheld import field_at
from webhook.domain import domain_shape
from webhook.domain.bus import is_none
from webhook.findings import Finding

Tree = dict[str, Any]


class Change(NamedTuple):
    """One frontend field that differs: its path, its place among declarations, and both values (None: absent)."""

    path: str
    declared: str
    old: Any
    new: Any


def compare(old: Tree, new: Tree) -> Iterator[Change]:
    """All frontend fields that differ in `new`; a device that is only in `new` is an addition, not a change."""
    return _element(old, new, domain_shape(), "", "domain")


def _element(old: Tree, new: Tree, shape: Shape, path: str, declared: str) -> Iterator[Change]:
    for name, entry in shape.fields.items():
        before, after = old.get(name), new.get(name)
        # Equal values are the same: inspected trees have the declared types.
        if before == after:
            continue
        here, there = f"{path}.{name}", f"{declared}.{name}"
        if entry.shape is None:
            if _frontend(entry, before, after) and not _equal(entry, before, after):
                yield Change(here, there, before, after)
        elif entry.many:
            yield from _list(before or [], after or [], entry.shape, here, f"{there}[*]")
        elif declared == "domain.devices" and (before is None or after is None):
            if before is not None and not is_none(before):
                yield Change(here, there, before, None)
        else:
            yield from _element(before or {}, after or {}, entry.shape, here, there)


def _list(old: list[Tree], new: list[Tree], shape: Shape, path: str, declared: str) -> Iterator[Change]:
    if not shape.key:
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else {}
            after = new[index] if index < len(new) else {}
            yield from _element(before, after, shape, f"{path}[{index}]", declared)
        return
    hidden = shape.fields[shape.key].secret
    after_by_key: dict[Any, tuple[int, Tree | None]] = {
        entry.get(shape.key): (index, entry) for index, entry in enumerate(new)
    }
    for number, before in enumerate(old):
        key = before.get(shape.key)
        index, same_key = after_by_key.pop(key, (-1, None))
        if same_key is not None:
            yield from _element(before, same_key, shape, f"{path}[{index}]", declared)
        elif not is_none(before):
            yield Change(f"{path}[{number if hidden else key}]", declared, before, None)
    if not path.startswith(".devices."):
        for key, (index, added) in after_by_key.items():
            yield Change(f"{path}[{index}]", declared, None, added or key)


def _frontend(entry: Field, before: Any, after: Any) -> bool:
    return isinstance(entry.class_of_value(before), Frontend) or isinstance(entry.class_of_value(after), Frontend)


def _equal(entry: Field, before: Any, after: Any) -> bool:
    assert entry.scalar is not None  # noqa: S101 - the caller's case
    return before is not None and after is not None and entry.scalar.same(before, after)


def frozen_finding(change: Change, path: str) -> Finding:
    """The refusal of one change, with what the guest would notice. `path` is where the domain is in the object."""
    consequence, way = _consequence(change.declared)
    if change.new is None:
        problem = f"is gone, it was {_words(change.old, change)}; {consequence}"
    elif change.old is None:
        problem = f"is {_words(change.new, change)}, it was unsaid; {consequence}"
    else:
        problem = f"is {_words(change.new, change)}, it was {_words(change.old, change)}; {consequence}"
    return Finding(f"{path}{change.path}", problem, way, "frozen")


def _words(value: Any, change: Change) -> str:
    entry = field_at(domain_shape(), FieldPath.parse(change.declared.removeprefix("domain.")))
    if not isinstance(value, dict):
        return told(entry, value)
    name = entry.shape.fields.get("name") if entry and entry.shape else None
    return f"the device {told(name, value['name'])}" if value.get("name") and name and not name.secret else "an element"


def _consequence(declared: str) -> tuple[str, str]:
    """The consequence and the way out of the last row whose place is part of the declared path."""
    row = next(row for row in reversed(_consequences()) if row["place"] in declared)
    return row["consequence"], row["help"]


# Package data, read once.
@cache
def _consequences() -> list[dict[str, str]]:
    table: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("consequences.yaml").read_text())
    return table
