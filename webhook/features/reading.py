"""An inspected tree as the typed model that a feature's module declares, without checking it a second time.

`declare.inspect` has accepted the tree, and accepts what the model accepts; pydantic's own validation would cost
more than all of the expansion.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from functools import cache
from typing import Any

from webhook.declare import Element

Tree = dict[str, Any]
Read = Callable[[Any], Any]


@cache
def reader(element: type[Element]) -> Callable[[Tree], Any]:
    """The function from an inspected tree of this element to its model; what is unsaid is None."""
    unsaid = dict.fromkeys(element.model_fields)
    fields = {info.alias or name: (name, _inner(info.annotation)) for name, info in element.model_fields.items()}
    make = element.__new__
    place = object.__setattr__

    def read(tree: Tree) -> Any:
        values: Tree = dict(unsaid)
        for alias, value in tree.items():
            name, inner = fields[alias]
            values[name] = value if inner is None else inner(value)
        made = make(element)
        place(made, "__dict__", values)
        return made

    return read


def _inner(annotation: Any) -> Read | None:
    """How to read a field that is an element or a list of elements; None for a scalar."""
    if isinstance(annotation, type) and issubclass(annotation, Element):
        return reader(annotation)
    if typing.get_origin(annotation) is list:
        inner = _inner(typing.get_args(annotation)[0])
        return None if inner is None else lambda items: [inner(item) for item in items]
    if typing.get_origin(annotation) is typing.Annotated:
        return None
    inners = [_inner(arg) for arg in typing.get_args(annotation)]
    return next((inner for inner in inners if inner is not None), None)
