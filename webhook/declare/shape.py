"""Declarations compiled once: per element a table of fields, as the hot path, the renderer and the schema use it.

A `Shape` says nothing that the declaration does not.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from webhook.declare.element import SECRET_KINDS, Backend, Element, FieldClass, Frontend, TextForm, camel, fields_of
from webhook.declare.scalars import Scalar
from webhook.declare.text_form import text_of

_MOST, _MOST_NAMED = 4096, 512


@dataclass(slots=True)
class Field:
    """One declared field: exactly one of `scalar` and `shape` is set; `many` where it is a list of elements.

    `name` is the field's in the API, `attribute` the declaration's. Where the API has an element as one text, `scalar`
    is that of the text, `form` leads from the text to the fields and back, and `xml` is the element.
    """

    name: str
    attribute: str
    field_class: FieldClass
    place: str
    unless: Mapping[str, FieldClass]
    doc: str
    scalar: Scalar | None = None
    shape: Shape | None = None
    form: TextForm | None = None
    xml: Shape | None = None
    many: bool = False
    # A leaf that is frontend whatever its value, or an element that is no backend as a whole: there is nothing to mark.
    plain: bool = False
    # What stands here may be a secret: withheld.py makes every text about it.
    secret: bool = False
    # Where a backend field may be off or empty, which asks for nothing.
    may_be_off: bool = False
    # Values that passed the check, with their type: filled and bounded by the inspection.
    seen: dict[Any, type] = field(default_factory=dict)

    def declared_in(self, element: str) -> str:
        """The field's declared path, in an element that has this one; a list is declared by its entries."""
        path = f"{element}.{self.name}" if element else self.name
        return f"{path}[*]" if self.many else path

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values of the field mean the same; None is no value."""
        if one is None or other is None or self.scalar is None:
            return bool(one == other)
        return self.scalar.same(one, other)

    def class_of_value(self, value: object) -> FieldClass:
        """The class of this value of the field."""
        return self.unless.get(value, self.field_class) if isinstance(value, str) else self.field_class


@dataclass(slots=True, eq=False)
class Shape:
    """One element's fields by their name in the API."""

    element: type[Element]
    name: str
    tag: str
    key: str
    alike: tuple[str, ...]
    doc: str
    fields: dict[str, Field] = field(default_factory=dict)
    variant_key: str = ""
    variants: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """How many entries a list of these may have: more than any machine has.

        What has a name is a device or leads to one, and is distinct from every other of its list.
        """
        return _MOST_NAMED if "name" in self.fields else _MOST


@cache
def shape_of(element: type[Element]) -> Shape:
    """The compiled declaration of `element`; TypeError where a field is declared without a class or a type."""
    doc = (element.__doc__ or "").strip()
    shape = Shape(element, element.__name__, element.tag, element.key, element.alike, doc)
    for attribute, (kind, declared) in fields_of(element).items():
        name = camel(attribute)
        scalar, inner, many = _type_of(element, attribute, [kind])
        form, xml, tag = None, None, inner
        if inner is not None and inner.text_form is not None:
            form, xml, inner = inner.text_form, shape_of(inner), None
            scalar = text_of(form, xml)
        shape.fields[name] = Field(
            name=name,
            attribute=attribute,
            field_class=declared.field_class,
            place=declared.place or _default_place(name, tag),
            unless=declared.unless,
            doc=declared.doc,
            scalar=scalar,
            shape=shape_of(inner) if inner else None,
            form=form,
            xml=xml,
            many=many,
            plain=not isinstance(declared.field_class, Backend)
            if inner
            else isinstance(declared.field_class, Frontend) and not declared.unless,
            secret=declared.secret or _is_secret(declared.field_class),
        )
    if element.variants is not None:
        key, table = element.variants
        shape.variant_key = key
        common = set(shape.fields) - {name for names in table.values() for name in names}
        shape.variants = {value: frozenset(common | set(names)) for value, names in table.items()}
    return shape


def _is_secret(field_class: FieldClass) -> bool:
    return isinstance(field_class, Backend) and field_class.kind in SECRET_KINDS


def _default_place(name: str, inner: type[Element] | None) -> str:
    return (inner.tag or name) if inner else f"@{name}"


def _type_of(element: type[Element], name: str, parts: list[Any]) -> tuple[Scalar | None, type[Element] | None, bool]:
    """What a field's annotation stands for, through `| None`, `Annotated` and `list`."""
    for part in parts:
        if isinstance(part, Scalar):
            return part, None, False
    for part in parts:
        if isinstance(part, type) and issubclass(part, Element):
            return None, part, False
        origin = typing.get_origin(part)
        if origin in (typing.Union, types.UnionType, typing.Annotated):
            return _type_of(element, name, [arg for arg in typing.get_args(part) if arg is not type(None)])
        if origin is list:
            scalar, inner_element, _ = _type_of(element, name, list(typing.get_args(part)))
            if inner_element is not None:
                return None, inner_element, True
            raise TypeError(f"{element.__name__}.{name}: lists of {scalar} are declared as one scalar")
    raise TypeError(f"{element.__name__}.{name}: {parts[0]} is neither a scalar nor an element")


@dataclass(frozen=True, slots=True, eq=False)
class DeclaredField:
    """A declared field with its full path: `domain.devices.disks[*].driver.cache`."""

    path: str
    field: Field
    # The class that holds here: a backend element covers all of its fields.
    field_class: FieldClass


def walk(shape: Shape, path: str, covered: Backend | None = None) -> Iterator[DeclaredField]:
    """Every declared field below `shape`, elements before their fields, in the order of declaration."""
    for entry in shape.fields.values():
        here = entry.declared_in(path)
        field_class = covered or entry.field_class
        yield DeclaredField(here, entry, field_class)
        if entry.shape is not None:
            yield from walk(entry.shape, here, field_class if isinstance(field_class, Backend) else None)
