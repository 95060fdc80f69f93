"""What a field holds, as far as conditions care, and when two of its values are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from webhook.declare import Field, kib, nano

ELEMENT, ELEMENTS, SET, MEMORY, QUANTITY, NUMBER, TEXT, FLAG, ANY = (
    "an element", "a list of elements", "a set of numbers", "an amount of memory", "a quantity", "a number", "a text",
    "true or false", "",
)  # fmt: skip
_SCALARS = frozenset((str, int, bool))

# What asks for a value of each content: the way out where a condition does not read it.
READ_BY = {
    ELEMENT: "name one of the fields below it",
    ELEMENTS: "write `count-above` to limit how many there are, or name one of the fields below it",
    SET: "no condition reads what is in such a set: write the rule without one, for every value",
    MEMORY: "use `in`, `above` or `below`",
    QUANTITY: "use `in`, `above` or `below`",
    NUMBER: "use `in`, `above` or `below`",
    TEXT: "use `in` or `matches`",
    FLAG: "write `in: [true]` or `in: [false]`",
}


def holding(field: Field | None) -> str:
    """What the field holds; ANY where a rule selects by class alone."""
    if field is None:
        return ANY
    if field.scalar is None:
        return ELEMENTS if field.many else ELEMENT
    if field.scalar.schema.get("x-kubernetes-int-or-string"):
        return QUANTITY if field.scalar.meaning is nano else MEMORY
    if field.scalar.is_set:
        return SET
    return {"integer": NUMBER, "boolean": FLAG}.get(field.scalar.schema.get("type", ""), TEXT)


def json_types(field: Field) -> set[str]:
    """The types of JSON values that a leaf's schema allows; of a set or an element none is compared with anything."""
    if field.scalar is None or field.scalar.is_set:
        return set()
    schema = field.scalar.schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"string", "integer"}
    return {schema["type"]} if "type" in schema else {"string", "integer", "boolean"}


def comparable(field: Field | None) -> Callable[[Any], object]:
    """Values in the form in which equal ones are equal (true is not 1, 4Gi is 4096); None: not comparable."""
    return _COMPARABLE.get(holding(field), typed)


def _never(_: Any) -> None:
    """A value that is equal to none."""


def amounts(content: str) -> Callable[[Any], int | None]:
    """How much a value is of what is held: KiB, billionths of a quantity, or the number itself."""
    return {MEMORY: kib, QUANTITY: nano}.get(content, whole)


def typed(value: Any) -> object:
    """A scalar with its type."""
    return (type(value), value) if type(value) in _SCALARS else None


def whole(value: object) -> int | None:
    """A whole number; None where it is none."""
    return value if type(value) is int else None


_COMPARABLE: dict[str, Callable[[Any], object]] = {MEMORY: kib, QUANTITY: nano, SET: _never}
