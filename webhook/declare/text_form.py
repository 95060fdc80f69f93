"""The leaf of a field whose element the API has as one text: an address is `0000:01:00.0`, not a map of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webhook.declare.element import TextForm
from webhook.declare.scalars import Scalar, listed, shown, told_as
from webhook.trees import Tree

if TYPE_CHECKING:
    from webhook.declare.shape import Shape


def text_of(form: TextForm, shape: Shape) -> Scalar:
    """The leaf's type: a text is right where it is the one that its fields are written as."""

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return f"is {told_as(value)}, expected {form.what} as one text"
        fields = form.read(value) if len(value) <= form.longest else None
        if fields is None:
            return f"`{shown(value)}` is not {form.what}"
        problem = _problem(fields, shape)
        if problem is not None:
            return f"`{shown(value)}`: {problem}"
        return None if _written(form, fields) == value else f"`{shown(value)}` is another spelling of {form.what}"

    def advice(value: Any) -> str:
        fields, way = value, f"{form.what} is written like {form.examples}"
        if type(value) is str:
            fields = form.read(value) if len(value) <= form.longest else None
        if type(fields) is not dict or not fields:
            return way
        problem = _problem(fields, shape)
        if problem is not None:
            return f"{problem}; {way}" if type(value) is dict else way
        try:
            return f"write `{form.write(fields)}`"
        except ValueError as lacking:
            return f"{lacking}; {way}"

    schema = {
        "type": "string",
        "maxLength": form.longest,
        "minLength": 1,
        "pattern": f"^(?:{form.pattern})$",
        "description": f"{' '.join(shape.doc.split())} It is written like {form.examples.replace('`', '')}.",
    }
    return Scalar(schema, check, what=form.what, advice=advice)


def _written(form: TextForm, fields: Tree) -> str | None:
    try:
        return form.write(fields)
    except ValueError:
        return None


def _problem(tree: Tree, shape: Shape) -> str | None:
    """What is wrong with the fields of an element, the first that is found."""
    for name, value in tree.items():
        entry = shape.fields.get(name)
        if entry is None:
            return f"known parts are {listed(tuple(shape.fields))}"
        if entry.scalar is not None:
            problem = entry.scalar.check(value)
        else:
            assert entry.shape is not None  # noqa: S101 - a field is a scalar or an element
            problem = _problem(value, entry.shape) if type(value) is dict else "it is no object"
        if problem is not None:
            return f"its {name} {problem}" if entry.scalar is not None else problem
    allowed = shape.variants.get(tree[shape.variant_key]) if shape.variant_key in tree else None
    if allowed is not None and not tree.keys() <= allowed:
        return f"{listed(tuple(sorted(tree.keys() - allowed)))} means nothing beside {tree[shape.variant_key]}"
    return None
