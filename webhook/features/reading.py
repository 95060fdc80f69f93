"""An inspected tree as the typed input that a feature's module declares, without checking it a second time.

`declare.inspect` has accepted the tree; the instance has the declaration's attributes, None for absent fields.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from webhook.declare import Element, Field, shape_of
from webhook.trees import Tree

Read = Callable[[Any], Any]
E = TypeVar("E", bound=Element)


# Declarations do not change: one entry each.
@cache
def reader(element: type[E]) -> Callable[[Tree], E]:
    """The function from an inspected tree of this element to an instance of it."""
    fields = {name: (entry.attribute, _inner(entry)) for name, entry in shape_of(element).fields.items()}
    make = element.__new__
    place = object.__setattr__

    def read(tree: Tree) -> E:
        values: Tree = {}
        for key, value in tree.items():
            name, inner = fields[key]
            values[name] = value if inner is None else inner(value)
        made = make(element)
        place(made, "__dict__", values)
        return made

    return read


def _inner(entry: Field) -> Read | None:
    """How to read a field that is an element or a list of elements; None for a scalar."""
    if entry.shape is None:
        return None
    read = reader(entry.shape.element)
    return (lambda items: [read(item) for item in items]) if entry.many else read
