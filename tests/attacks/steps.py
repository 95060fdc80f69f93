"""Work counted in steps: lines of Python that ran, calls, and calls of functions in C. No clock takes part."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from webhook.declare import DeclaredField, Field
from webhook.kinds import declared_fields
from webhook.trees import Tree


def steps(work: Callable[[], object]) -> int:
    """How many steps a piece of work takes; each turn of a loop is at least one."""
    count = 0

    def traced(_frame: FrameType, _event: str, _arg: object) -> Any:
        nonlocal count
        count += 1
        return traced

    def profiled(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        count += event == "c_call"

    before = sys.gettrace(), sys.getprofile()
    sys.settrace(traced)
    sys.setprofile(profiled)
    try:
        work()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return count


def nodes(tree: Any) -> int:
    """How many values a tree has."""
    inner = tree.values() if type(tree) is dict else tree if type(tree) is list else ()
    return 1 + sum(nodes(value) for value in inner)


def put(spec: Tree, declared: str, value: Any) -> Tree:
    """The spec with this value at a declared path; lists on the way get one entry, which has its key."""
    here, path = spec, ""
    *above, last = declared.split(".")
    for part in above:
        path = f"{path}.{part}".removeprefix(".")
        name = part.removesuffix("[*]")
        here = _entry(here, name, declared_fields()[path]) if name != part else here.setdefault(name, {})
    here[last.removesuffix("[*]")] = value
    return spec


def _entry(here: Tree, name: str, place: DeclaredField) -> Tree:
    """The last entry of a list, or a first one with its key."""
    entries = here.setdefault(name, [])
    if not entries:
        assert place.field.shape is not None
        key = place.field.shape.key
        entries.append({key: key_of(place.field.shape.fields[key], 1)} if key else {})
    found: Tree = entries[-1]
    return found


def key_of(entry: Field, number: int) -> Any:
    """A key as the field takes it, another for each number as far as there are others."""
    scalar = entry.scalar
    assert scalar is not None
    if scalar.values:
        return scalar.values[number % len(scalar.values)]
    if scalar.schema.get("type") == "integer":
        return number
    texts = (f"x{number}", f"opt/x{number}", str(number), f"/x{number}", f"vd{'a' * (number % 3 + 1)}")
    return next((text for text in texts if scalar.check(text) is None), f"x{number}")


def rich(place: DeclaredField, number: int) -> Tree:
    """An entry with its key and a value in each of its fields that takes a simple one."""
    shape = place.field.shape
    assert shape is not None
    made = {name: value for name, entry in shape.fields.items() if (value := _simple(entry)) is not None}
    if shape.variant_key:
        allowed = shape.variants[made[shape.variant_key]]
        made = {name: value for name, value in made.items() if name in allowed}
    return {**made, shape.key: key_of(shape.fields[shape.key], number)} if shape.key else made


def _simple(entry: Field) -> Any:
    scalar = entry.scalar
    if scalar is None:
        return None
    tried = (*scalar.values[:1], True, *scalar.bounds, "x1", "1", "/x", 16)
    return next((value for value in tried if scalar.check(value) is None), None)
