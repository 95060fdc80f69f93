"""One walk over a tenant's tree beside its declarations: what is malformed, and what is no frontend.

The hot path's reading of a declaration. It accepts what the pydantic model accepts (a property test holds the
two together) and finds every problem at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec

from webhook.declare.element import FILLED_IN, FieldClass, Frontend
from webhook.declare.field_path import declared_form
from webhook.declare.meant import way_of, way_of_value
from webhook.declare.scalars import Ambiguous, kind_of, listed
from webhook.declare.shape import Field, Shape
from webhook.declare.validation_cache import SIMPLE, remember
from webhook.declare.withheld import problem_of, told, told_name
from webhook.findings import MOST, Finding, Findings
from webhook.trees import Tree

P = ParamSpec("P")


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A place of a tree that is backend, reference or goal."""

    path: str
    field_class: FieldClass
    value: Any
    field: Field


@dataclass(slots=True, eq=False)
class Inspection:
    """What a walk found: problems of shape, and all fields that are not plain frontend."""

    findings: Findings = field(default_factory=Findings)
    marks: list[Mark] = field(default_factory=list)
    # The walk ended before the tree did, for a list too long or too many findings: nobody else should walk it.
    oversized: bool = False


# Where a walk is: the place above, and the key or index below it. Most walks find nothing and never need the text.
Where = tuple[Any, str | int] | str

# So many unknown fields get the nearest name in their finding; to look for it costs more than all the rest.
_SUGGESTED = 16


def inspect(tree: object, shape: Shape, path: str, most: int = MOST) -> Inspection:
    """Walk `tree`, which claims to be of this shape, below `path`. Never raises, whatever the tree is.

    With `most` findings the walk ends.
    """
    found = Inspection(Findings(most=most))
    try:
        _element(tree, shape, path, found)
    except _FindingsFull:
        found.oversized = True
    return found


class _FindingsFull(Exception):
    """No more findings are kept: the walk ends."""


def _add(found: Inspection, make: Callable[P, Finding], *args: P.args, **kwargs: P.kwargs) -> None:
    if found.findings.full():
        raise _FindingsFull
    found.findings.append(make(*args, **kwargs))


def _element(tree: Any, shape: Shape, where: Where, found: Inspection) -> None:
    if type(tree) is not dict:
        _add(found, _no_element, where, tree, shape)
        return
    fields = shape.fields
    for name, value in tree.items():
        entry = fields.get(name)
        if entry is None:
            _add(found, _unknown, where, name, shape, len(found.findings) < _SUGGESTED)
        elif entry.shape is not None:
            if not entry.plain:
                _backend(value, entry, entry.shape, (where, name), found)
            elif entry.many:
                _list(value, entry.shape, (where, name), found)
            else:
                _element(value, entry.shape, (where, name), found)
        # Lists and objects are no keys of a memory, and True is not 1.
        elif type(value) in SIMPLE and entry.seen.get(value) is type(value):
            if not entry.plain:
                _mark(value, entry, (where, name), found)
        else:
            _leaf(value, entry, (where, name), found)
    if shape.variant_key:
        _variant(tree, shape, where, found)


_KEYS = frozenset({str, int})


def _leaf(value: Any, entry: Field, where: Where, found: Inspection) -> None:
    """A value that the field has not met yet."""
    problem = problem_of(entry, value)
    if problem is not None:
        _add(found, _malformed, where, problem, entry, value)
        return
    if not entry.secret:
        remember(entry.seen, value)
    if not entry.plain:
        _mark(value, entry, where, found)


def _quoted(entry: Field, value: Any) -> str:
    """The way out for what YAML took for something else than the text that it looks like."""
    assert entry.scalar is not None  # noqa: S101 - a field is a scalar or an element
    if entry.scalar.schema.get("type") == "string" and type(value) not in (str, dict, list, type(None)):
        return "write it in quotes if it is a text"
    return "write a number in decimal, and a text in quotes" if isinstance(value, Ambiguous) else ""


def _mark(value: Any, entry: Field, where: Where, found: Inspection) -> None:
    field_class = entry.class_of_value(value)
    if field_class.__class__ is not Frontend:
        found.marks.append(Mark(place_text(where), field_class, value, entry))


def _backend(value: Any, entry: Field, shape: Shape, where: Where, found: Inspection) -> None:
    """An element that is backend as a whole is one mark, whatever stands in it."""
    found.marks.append(Mark(place_text(where), entry.field_class, value, entry))
    inner = Inspection(found.findings)
    if entry.many:
        _list(value, shape, where, inner)
    else:
        _element(value, shape, where, inner)
    found.oversized = found.oversized or inner.oversized


def _list(value: Any, shape: Shape, where: Where, found: Inspection) -> None:
    if type(value) is not list:
        _add(found, _wrong, where, value, "a list")
    elif len(value) > shape.most:
        found.oversized = True
        _add(found, _too_long, where, len(value), shape.most)
    else:
        for index, item in enumerate(value):
            _element(item, shape, (where, index), found)
        if shape.key:
            _distinct(value, shape.fields[shape.key], where, found)


def place_text(where: Where) -> str:
    """A place as people read it: `spec.domain.devices.disks[1].serial`."""
    if isinstance(where, str):
        return where
    above, key = where
    return f"{place_text(above)}[{key}]" if isinstance(key, int) else f"{place_text(above)}.{key}"


def _distinct(items: list[Any], entry: Field, where: Where, found: Inspection) -> None:
    key = entry.name
    names = [item.get(key) if type(item) is dict else None for item in items]
    if _KEYS.issuperset(map(type, names)) and len(set(names)) == len(names):
        return
    seen: dict[Any, int] = {}
    for index, item in enumerate(items):
        name = names[index]
        if type(name) not in _KEYS:
            if type(item) is dict and key not in item and key != FILLED_IN:
                _add(found, _keyless, (where, index), key)
            continue
        if name in seen:
            _add(found, _twice, (where, index), entry, name, seen[name])
        seen[name] = index


def _variant(tree: Tree, shape: Shape, where: Where, found: Inspection) -> None:
    """Fields that make no sense beside the value of the field which decides (an ISA address has no slot)."""
    value = tree.get(shape.variant_key)
    allowed = shape.variants.get(value) if type(value) is str else None
    if allowed is None or tree.keys() <= allowed:
        return
    for name in tree:
        if name in shape.fields and name not in allowed:
            _add(found, _meaningless, (where, name), shape, value, allowed)


def _malformed(where: Where, problem: str, entry: Field, value: object) -> Finding:
    place = place_text(where)
    advice = entry.scalar.advice if entry.scalar is not None else None
    way = _quoted(entry, value) or (advice(value) if advice is not None else "") or entry.doc or _way(place)
    return Finding(place, problem, way, "shape")


def _too_long(where: Where, count: int, most: int) -> Finding:
    problem = f"has {count} entries, no machine has so many"
    return Finding(place_text(where), problem, f"state {most} or fewer", "shape")


def _keyless(where: Where, key: str) -> Finding:
    return Finding(f"{place_text(where)}.{key}", "is missing", f"say which {key} the entry is about", "shape")


def _twice(where: Where, entry: Field, name: object, first: int) -> Finding:
    problem = f"{told(entry, name)} is already the {entry.name} of entry {first}"
    return Finding(f"{place_text(where)}.{entry.name}", problem, f"give each entry a {entry.name} of its own", "shape")


def _meaningless(where: Where, shape: Shape, value: object, allowed: frozenset[str]) -> Finding:
    problem = f"has no meaning where {shape.variant_key} is {told(shape.fields[shape.variant_key], value)}"
    beside = listed(tuple(sorted(allowed - {shape.variant_key})))
    return Finding(place_text(where), problem, f"remove it; beside it go {beside}", "shape")


def _wrong(where: Where, value: object, expected: str) -> Finding:
    path = place_text(where)
    return Finding(path, f"is {kind_of(value)}, expected {expected}", _way(path), "shape")


def _no_element(where: Where, value: object, shape: Shape) -> Finding:
    """What is no object, with the field that a value in its place is mostly meant for."""
    key = where[1] if isinstance(where, tuple) else ""
    way = way_of_value(value, shape, key if isinstance(key, str) else "")
    finding = _wrong(where, value, "an object")
    return replace(finding, help=way) if way else finding


def _way(path: str) -> str:
    """Where to read what a field takes: the definition on the cluster, which is made of the same declaration."""
    kind = "virtualmachineconfig" if path.startswith("spec.template.") else "vmd"
    return f"`kubectl explain {kind}.{declared_form(path).replace('[*]', '')}` says what it takes"


def _unknown(where: Where, name: object, shape: Shape, suggest: bool) -> Finding:
    way = way_of(name, shape, suggest)
    shown_name = told_name(name, shape)
    if shown_name:
        return Finding(f"{place_text(where)}.{shown_name}", "is not a field of the API", way, "shape")
    problem = "has a field that the API does not know; its name may be a secret and is not shown"
    return Finding(place_text(where), problem, way, "shape")
