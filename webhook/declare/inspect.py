"""One walk over a tenant's tree beside its declarations: what is malformed, and what is no frontend.

The hot path's reading of a declaration. It accepts what the pydantic model accepts (a property test holds the
two together) and finds every problem at once.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any

from webhook.declare.element import Backend, Frontend, Half
from webhook.declare.scalars import kind_of, listed, shown
from webhook.declare.shape import Field, Shape
from webhook.findings import Finding

# The key of devices, which the service fills in where it is missing.
_FILLED_IN = "name"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place of a tree that is backend, reference or goal."""

    path: str
    half: Half
    value: Any
    field: Field


@dataclass(slots=True)
class Inspection:
    """What a walk found: problems of shape, and all fields that are not plain frontend."""

    findings: list[Finding] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


def inspect(tree: object, shape: Shape, path: str) -> Inspection:
    """Walk `tree`, which claims to be of this shape, below `path`. Never raises, whatever the tree is."""
    found = Inspection()
    _element(tree, shape, path, found)
    return found


def _element(tree: Any, shape: Shape, path: str, found: Inspection) -> None:
    if type(tree) is not dict:
        found.findings.append(_wrong(path, kind_of(tree), "an object"))
        return
    fields = shape.fields
    for name, value in tree.items():
        entry = fields.get(name)
        if entry is None:
            found.findings.append(_unknown(path, name, shape))
        elif entry.check is not None:
            problem = entry.check(value)
            if problem is not None:
                found.findings.append(Finding(f"{path}.{name}", problem, entry.doc, "shape"))
            elif not entry.plain:
                half = entry.half_of(value)
                if half.__class__ is not Frontend:
                    found.marks.append(Mark(f"{path}.{name}", half, value, entry))
        else:
            _below(value, entry, f"{path}.{name}", found)
    if shape.variant_key:
        _variant(tree, shape, path, found)


def _below(value: Any, entry: Field, path: str, found: Inspection) -> None:
    """An element or a list of elements; a backend element is one mark, whatever stands in it."""
    shape = entry.shape
    assert shape is not None  # noqa: S101 - a field is a scalar or an element
    if entry.half.__class__ is Backend:
        found.marks.append(Mark(path, entry.half, value, entry))
        inner = Inspection()
        _element_or_list(value, entry, shape, path, inner)
        found.findings.extend(inner.findings)
    else:
        _element_or_list(value, entry, shape, path, found)


def _element_or_list(value: Any, entry: Field, shape: Shape, path: str, found: Inspection) -> None:
    if not entry.many:
        _element(value, shape, path, found)
    elif type(value) is not list:
        found.findings.append(_wrong(path, kind_of(value), "a list"))
    else:
        for index, item in enumerate(value):
            _element(item, shape, f"{path}[{index}]", found)
        if shape.key:
            _distinct(value, shape.key, path, found)


def _distinct(items: list[Any], key: str, path: str, found: Inspection) -> None:
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        name = item.get(key) if type(item) is dict else None
        if type(name) is not str:
            if type(item) is dict and key not in item and key != _FILLED_IN:
                way = f"say which {key} the entry is about"
                found.findings.append(Finding(f"{path}[{index}].{key}", "is missing", way, "shape"))
            continue
        if name in seen:
            found.findings.append(
                Finding(
                    f"{path}[{index}].{key}",
                    f"`{shown(name)}` is already the {key} of entry {seen[name]}",
                    f"give each entry a {key} of its own",
                    "shape",
                )
            )
        seen[name] = index


def _variant(tree: dict[str, Any], shape: Shape, path: str, found: Inspection) -> None:
    """Fields that make no sense beside the value of the field which decides (an ISA address has no slot)."""
    value = tree.get(shape.variant_key)
    allowed = shape.variants.get(value) if type(value) is str else None
    if allowed is None:
        return
    for name in tree:
        if name in shape.fields and name not in allowed:
            found.findings.append(
                Finding(
                    f"{path}.{name}",
                    f"has no meaning where {shape.variant_key} is `{shown(value)}`",
                    f"remove it; beside it go {listed(tuple(sorted(allowed - {shape.variant_key})))}",
                    "shape",
                )
            )


def _wrong(path: str, kind: str, expected: str) -> Finding:
    return Finding(path, f"is {kind}, expected {expected}", "", "shape")


def _unknown(path: str, name: object, shape: Shape) -> Finding:
    near = difflib.get_close_matches(str(name)[:64], shape.fields, n=1)
    way = f"did you mean `{near[0]}`?" if near else f"known here: {listed(tuple(sorted(shape.fields))[:12])}"
    return Finding(f"{path}.{shown(name, 64)}", "is not a field of the API", way, "shape")
