"""Declarations as structural OpenAPI v3 schemas, the form that a CustomResourceDefinition takes."""

from __future__ import annotations

from typing import Any

from webhook.declare.element import Backend, FieldClass, Goal, Reference
from webhook.declare.shape import Field, Shape


def schema(shape: Shape) -> dict[str, Any]:
    """The structural schema of one element: real properties, field classes in their descriptions."""
    made: dict[str, Any] = {
        "type": "object",
        "description": shape.doc.split("\n\n")[0].replace("\n", " "),
        "properties": {entry.name: _property(entry) for entry in shape.fields.values()},
    }
    return {key: value for key, value in made.items() if value}


def _property(entry: Field) -> dict[str, Any]:
    if entry.scalar is not None:
        made = _untyped(entry.scalar.schema) if entry.form is not None else dict(entry.scalar.schema)
    elif entry.shape is not None and entry.many:
        made = _list(entry.shape)
    else:
        assert entry.shape is not None  # noqa: S101 - a field is a scalar or an element
        made = schema(entry.shape)
    description = " ".join(
        part for part in (entry.doc or made.get("description", ""), _class_sentence(entry.field_class)) if part
    )
    return {**made, "description": description} if description else made


def _untyped(text: dict[str, Any]) -> dict[str, Any]:
    """The schema of an element's text that lets its parts as a map reach the webhook, which says how they are written.

    An API server would prune the parts, and with a type it answers a server-side apply of them with an error (500).
    """
    made = {key: value for key, value in text.items() if key != "type"}
    return {**made, "x-kubernetes-preserve-unknown-fields": True}


def _list(shape: Shape) -> dict[str, Any]:
    items = schema(shape)
    if not shape.key:
        return {"type": "array", "items": items, "maxItems": shape.most, "x-kubernetes-list-type": "atomic"}
    items["required"] = [shape.key]
    return {
        "type": "array",
        "items": items,
        "maxItems": shape.most,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [shape.key],
    }


def _class_sentence(field_class: FieldClass) -> str:
    if isinstance(field_class, Backend):
        return f"Backend ({field_class.kind}): refused unless a policy permits it."
    if isinstance(field_class, Reference):
        return f"Names a {field_class.kind}."
    return "Goal." if isinstance(field_class, Goal) else ""
