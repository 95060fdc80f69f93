"""Every place of a domain's XML that the declarations have, as the schema's walk writes places."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.declare import Field, Shape
from webhook.domain import domain_shape
from webhook.libvirt.xml.place import NAMED_BY_VALUE, NAMESPACES, where

_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}


def places() -> set[str]:
    """Elements, attributes (`/@name`) and texts (`/text()`); the name is the VM's and stands in no declaration."""
    return {"/domain", "/domain/name", "/domain/name/text()", *_walk(domain_shape(), "/domain", "")}


def _walk(shape: Shape, path: str, value: str) -> Iterator[str]:
    """The places below an element; where a value names it (`acpi`), only those that go with the value."""
    for entry in shape.fields.values():
        if entry.place in ("-", NAMED_BY_VALUE) or (value and entry.name not in shape.variants[value]):
            continue
        for here, named in _elements(entry, path):
            yield from _steps(entry, path, here)
            if entry.shape is not None or entry.xml is not None:
                yield from _walk(entry.shape or entry.xml, here, named)
            elif where(entry.place).attribute:
                yield f"{here}/@{where(entry.place).attribute}"
            elif entry.scalar is not None and not entry.scalar.presence:
                yield f"{here}/text()"
            if _is_amount(entry):
                yield f"{here}/@unit"


def _elements(entry: Field, path: str) -> Iterator[tuple[str, str]]:
    """Where a field's element stands, and the value that names it."""
    tags = [step.tag for step in where(entry.place).steps]
    if tags and tags[-1] == NAMED_BY_VALUE and entry.shape is not None:
        key = entry.shape.fields[entry.shape.key].scalar
        for value in key.values if key is not None else ():
            yield "/".join((path, *map(_short, tags[:-1]), value)), value
    else:
        yield "/".join((path, *map(_short, tags))), ""


def places_of(steps: tuple[Field, ...]) -> set[str]:
    """Where the last of the fields stands, each being one of the element before it."""
    paths = ["/domain"]
    for entry in steps:
        paths = [here for path in paths for here, _ in _elements(entry, path)]
    attribute = where(steps[-1].place).attribute if steps[-1].shape is None else ""
    return {f"{path}/@{attribute}" if attribute else path for path in paths}


def _steps(entry: Field, path: str, here: str) -> Iterator[str]:
    """The elements on the way to a field, with the attributes that are fixed there."""
    names = here.removeprefix(path).strip("/").split("/")
    for name, step in zip(names, where(entry.place).steps, strict=False):
        path = f"{path}/{name}"
        yield path
        for attribute, _ in step.fixed:
            yield f"{path}/@{attribute}"


def _is_amount(entry: Field) -> bool:
    """Whether libvirt takes a unit beside the field's value."""
    if entry.scalar is None:
        return False
    text = not where(entry.place).attribute
    return "x-kubernetes-int-or-string" in entry.scalar.schema or (
        text and entry.scalar.schema.get("type") == "integer"
    )


def _short(tag: str) -> str:
    uri, closed, local = tag.removeprefix("{").partition("}")
    return f"{_PREFIXES[uri]}:{local}" if closed and uri in _PREFIXES else tag
