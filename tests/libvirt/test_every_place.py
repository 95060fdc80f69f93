"""Every declared field, one by one, with every word or the ends of what it takes: written to XML and read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from webhook.declare import Field, Scalar, Shape, written
from webhook.domain import domain_shape
from webhook.libvirt.backend.provide import withdraw
from webhook.libvirt.xml.parse import read
from webhook.libvirt.xml.place import NAMED_BY_VALUE, carrier, silent
from webhook.libvirt.xml.render import render
from webhook.machines.controllers import compact, whole
from webhook.trees import Tree

# Words of which each pattern takes one.
WORDS = (
    "a", "A b", "sda", "1", "1.1", "0644", "0-3", "2", "52:54:00:00:00:01", "5d3c2b1a-0000-4000-8000-000000000001",
    "opt/com.example/a", "naa.5123456789abcde0", "5000c50015ea71ac", "123456789012", "192.0.2.1", "UTC", "en-us",
    "auto", "YQ==", "04/01/2014", "0000:01:00.0",
)  # fmt: skip


def examples(scalar: Scalar) -> list[Any]:
    """Values of a leaf: all words of an enumeration, both ends of a number, a text that its pattern takes."""
    kind = scalar.schema.get("type")
    if scalar.values:
        return list(scalar.values)
    if kind == "boolean":
        return [True] if scalar.presence else [True, False]
    if kind == "integer":
        return list(scalar.bounds)
    if scalar.is_set:
        return ["0", "1-2,5"]
    if kind == "string":
        return [word for word in WORDS if scalar.check(word) is None][:1]
    return [written(amount) for amount in (2048, 2**40)]


def fields(shape: Shape, path: str) -> Iterator[tuple[str, list[Field], Any]]:
    """Every leaf below an element: its path, the fields down to it, and a value."""
    for entry in shape.fields.values():
        here = f"{path}.{entry.name}"
        if entry.shape is not None:
            for below, way, value in fields(entry.shape, here):
                yield below, [entry, *way], value
        elif entry.place not in ("-", NAMED_BY_VALUE):
            assert entry.scalar is not None
            found = examples(entry.scalar)
            assert found, f"{here} has no example: add a word to WORDS that its pattern takes"
            for value in found:
                if not silent(value, entry):
                    yield here, [entry], value


def domain(way: list[Field], value: Any) -> Tree:
    """The smallest domain that says the value: keys of lists, and the values that the field goes with, beside it."""
    entry, *rest = way
    if entry.shape is None:
        return {entry.name: value}
    inner = domain(rest, value)
    shape = entry.shape
    for name in tuple(inner):
        flag = carrier(shape.fields[name], shape)
        if flag is not None:
            inner[flag.name] = True
    if shape.variant_key and shape.variant_key not in inner:
        inner[shape.variant_key] = next(word for word, names in shape.variants.items() if set(inner) <= names)
    if entry.many and shape.key and shape.key not in inner:
        key = shape.fields[shape.key].scalar
        assert key is not None
        inner[shape.key] = examples(key)[0]
    return {entry.name: [inner] if entry.many else inner}


ALL = list(fields(domain_shape(), "domain"))


@pytest.mark.parametrize("part", sorted({path.split(".")[1] for path, _, _ in ALL}))
def test_every_field_comes_back_as_it_was_written(part: str) -> None:
    wrong = {}
    for path, way, value in ALL:
        if path.split(".")[1] != part:
            continue
        made = domain(way, value)
        reading = read(render(made, "vm", backend=False))
        # What the conventional backend says too, and what silence means, is read as unsaid.
        if reading.left or told(reading.domain, way) != told(compact(whole(withdraw(made))), way):
            wrong[f"{path} = {value!r}"] = [str(finding) for finding in reading.left] or reading.domain
    assert wrong == {}


def test_the_conventional_backend_hides_few_of_them() -> None:
    hidden = {path for path, way, value in ALL if told(withdraw(domain(way, value)), way) is None}
    assert {path.split(".")[1] for path in hidden} <= {"devices", "type", "os"}
    assert len(hidden) < 20


def told(tree: Tree, way: list[Field]) -> Any:
    """What a tree says at a leaf."""
    value: Any = tree
    for entry in way:
        value = value.get(entry.name) if isinstance(value, dict) else None
        value = value[0] if entry.many and value else value
    return value
