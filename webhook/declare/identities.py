"""The identities in a tree: values that tell one machine from all others, by the types of their fields.

One walk over the elements that lead to an identity and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from webhook.declare.element import Frontend
from webhook.declare.shape import Shape
from webhook.trees import Tree

# How another value is made.
UUID, MAC, SERIAL, WWN = "uuid", "mac", "serial", "wwn"
FORMS = (UUID, MAC, SERIAL, WWN)


class Identity(NamedTuple):
    """One identity: its form, its value, its place, and the element that has it with the field's name there."""

    form: str
    value: str
    path: str
    holder: Tree
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """What is equal for equal identities, whatever their case."""
        return self.form, self.value.lower()


class _Step(NamedTuple):
    """A field that is an identity of a form, or an element, or a list of them, with some below it."""

    name: str
    form: str
    below: tuple[_Step, ...]


def identities(tree: Tree, shape: Shape, path: str) -> Iterator[Identity]:
    """All identities of a tree of this shape; `path` is its place. What is malformed has none."""
    return _found(tree, _steps(shape), path)


def _found(tree: Tree, steps: tuple[_Step, ...], path: str) -> Iterator[Identity]:
    for step in steps:
        value = tree.get(step.name)
        here = f"{path}.{step.name}"
        if type(value) is dict:
            yield from _found(value, step.below, here)
        elif type(value) is list:
            for index, entry in enumerate(value):
                if type(entry) is dict:
                    yield from _found(entry, step.below, f"{here}[{index}]")
        elif step.form and value and type(value) is str:
            yield Identity(step.form, value, here, tree, step.name)


# Declarations do not change: one value a shape.
@cache
def _steps(shape: Shape) -> tuple[_Step, ...]:
    """The fields of an element that are identities of the guest's, or lead to some."""
    found = []
    for entry in shape.fields.values():
        if entry.scalar is not None and entry.scalar.identity and isinstance(entry.field_class, Frontend):
            found.append(_Step(entry.name, entry.scalar.identity, ()))
        elif entry.shape is not None and (below := _steps(entry.shape)):
            found.append(_Step(entry.name, "", below))
    return tuple(found)
