"""Declarations as pydantic models, for tools that want pydantic's reading of a tree. The service itself never asks.

A reading of its own: it shares the declarations with `webhook.declare.shape`, and nothing else. A property test holds
the two together.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, create_model, model_validator

from webhook.declare.element import FILLED_IN, Element, camel, fields_of
from webhook.declare.scalars import Scalar
from webhook.declare.shape import shape_of
from webhook.declare.text_form import text_of


@cache
def model_of(element: type[Element]) -> type[BaseModel]:
    """The pydantic model of `element` and of all below it; attributes are named as in the declaration."""
    fields = {
        name: (_typed(kind), Field(default=None, alias=camel(name))) for name, (kind, _) in fields_of(element).items()
    }
    model = create_model(element.__name__, __base__=_Model, __doc__=element.__doc__, **fields)  # type: ignore[call-overload]
    model.element = element
    return model


def _typed(kind: Any) -> Any:
    """A field's type with models for elements and checks for scalars; absent means unsaid, null does not."""
    if isinstance(kind, type) and issubclass(kind, Element):
        if kind.text_form is not None:
            return Annotated[str, PlainValidator(_checked(text_of(kind.text_form, shape_of(kind))))]
        return model_of(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return list[_typed(arguments[0])]  # type: ignore[misc]
    if origin is Annotated:
        return Annotated[arguments[0], PlainValidator(_checked(arguments[1]))]
    if origin in (typing.Union, types.UnionType):
        (present,) = (argument for argument in arguments if argument is not type(None))
        return _typed(present)
    raise TypeError(f"{kind} is neither a scalar nor an element")


def _checked(scalar: Scalar) -> Callable[[object], object]:
    def validate(value: object) -> object:
        problem = scalar.check(value)
        if problem is not None:
            raise ValueError(problem)
        return value

    return validate


class _Model(BaseModel):
    """What no type says: fields that make no sense beside a value of another, and keys of lists."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    element: ClassVar[type[Element]]

    @model_validator(mode="before")
    @classmethod
    def _nothing_excluded(cls, tree: Any) -> Any:
        if not isinstance(tree, dict):
            return tree
        key, table = cls.element.variants or ("", {})
        value = tree.get(key)
        if isinstance(value, str) and value in table:
            excluded = {name for names in table.values() for name in names} - set(table[value])
            if excluded & set(tree):
                raise ValueError(f"{sorted(excluded & set(tree))} have no meaning beside {key} {value}")
        return tree

    @model_validator(mode="after")
    def _distinct_keys(self) -> _Model:
        """Entries of a list that have a key have each their own; only a device's may be left to the service."""
        for entries in (getattr(self, name) for name in type(self).model_fields):
            models = [entry for entry in entries if isinstance(entry, _Model)] if isinstance(entries, list) else []
            for key in {model.element.key for model in models} - {""}:
                keys = [getattr(model, key) for model in models]
                present = [value for value in keys if value is not None]
                if len(present) != len(set(present)):
                    raise ValueError("two entries of a list have the same key")
                if len(present) != len(keys) and key != FILLED_IN:
                    raise ValueError("an entry of a list lacks its key")
        return self
