"""What a message may say of a value or a name that a tenant wrote, by the declaration of the field.

Every text about a value of a declared field is made here. Fields that may hold a secret are described by what they
take, whatever stands in them; names that nobody declared are not shown where they look like one.
"""

from __future__ import annotations

import re
from typing import Any

from webhook.declare.element import Backend
from webhook.declare.field_path import FieldPath
from webhook.declare.scalars import Scalar, listed, shown, told_as
from webhook.declare.shape import Field, Shape
from webhook.trees import Tree

_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list}
WITHHELD = "a value that is not shown"
# Letters and digits in one long word, as in passwords and tokens and in next to no name of a field.
_LIKE_A_TOKEN = re.compile("(?<![A-Za-z0-9_-])(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{8}")
# A name with its value in it, for want of a blank behind a colon: `{passwd:…}`.
_WITH_A_VALUE = re.compile("(?i)[a-z_-]*(pass|pwd|secret|token|key|cookie|auth|cred)[a-z_-]*[^a-z_-]")
# Beside a secret a name has to look just like one of the API's own, or like an attribute (`@file`).
_LIKE_A_FIELD = re.compile("@?[a-z]+([A-Z][a-z]+)*")


def problem_of(entry: Field, value: Any) -> str | None:
    """What is wrong with a leaf's value, or None; of a field that may hold a secret without the value."""
    assert entry.scalar is not None  # noqa: S101 - a field is a scalar or an element
    problem = entry.scalar.check(value)
    if problem is None or not entry.secret:
        return problem
    fits = _TYPES.get(entry.scalar.schema.get("type", "")) is type(value)
    is_ = "not what the field takes" if fits else told_as(value)
    return f"is {is_}, expected {taken(entry.scalar)}; it may be a secret and is not shown"


def told(entry: Field | None, value: object) -> str:
    """A value of a field in backticks, or that it is not shown; None is a list of elements."""
    return WITHHELD if entry is not None and entry.secret else f"`{shown(value)}`"


def redacted(value: Any, entry: Field) -> Any:
    """A JSON value of a field with `…` for all in it that may be a secret. It has passed the inspection."""
    if entry.secret:
        return "…"
    if entry.shape is None:
        return value
    if type(value) is list:
        return [_without_secrets(item, entry.shape) for item in value]
    return _without_secrets(value, entry.shape)


def field_at(shape: Shape, path: FieldPath) -> Field | None:
    """The field at a path of names, with or without indices; of what stands in a scalar, the scalar."""
    entry: Field | None = None
    for name, _ in path:
        entry = shape.fields.get(name)
        if entry is None or entry.shape is None:
            return entry
        shape = entry.shape
    return entry


def _without_secrets(tree: Tree, shape: Shape) -> Tree:
    return {name: redacted(value, shape.fields[name]) for name, value in tree.items()}


def taken(scalar: Scalar) -> str:
    """What a scalar takes, in words."""
    schema = scalar.schema
    kind = schema.get("type")
    if scalar.values:
        return f"one of {listed(scalar.values)}"
    if kind == "boolean":
        return "true or false"
    if kind == "integer":
        return f"a whole number from {scalar.bounds[0]} to {scalar.bounds[1]}"
    if kind != "string":
        return "what its schema says"
    form = f" ({scalar.what})" if scalar.what else ""
    return f"a string of 1 to {schema['maxLength']} characters{form}, no control or invisible ones among them"


def told_name(name: object, shape: Shape) -> str:
    """An undeclared name as a message may show it; empty where it may be a secret itself."""
    if _beside_secrets(shape):
        text = shown(name, 64)
        return text if _LIKE_A_FIELD.fullmatch(text) else ""
    return told_key(name)


def told_key(name: object) -> str:
    """A key of any object as a message may show it; empty where it looks like a secret, or like one with its value."""
    text = shown(name, 64)
    return "" if _LIKE_A_TOKEN.search(text) or _WITH_A_VALUE.match(text) else text


def _beside_secrets(shape: Shape) -> bool:
    """Whether an element has a credential of its own, or nothing but secrets."""
    fields = shape.fields.values()
    return all(entry.secret for entry in fields) or any(
        entry.scalar is not None and isinstance(entry.field_class, Backend) and entry.field_class.kind == "credential"
        for entry in fields
    )
