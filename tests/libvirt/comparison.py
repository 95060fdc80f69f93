"""A rendered domain beside another XML document: what differs, and whether it may.

Elements meet by what identifies them, not by position; numbers are compared as numbers. Why a difference is there
follows from the declarations: the half of the place where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from webhook.declare import Backend, Field, FieldClass, Frontend, Goal, Shape
from webhook.domain import domain_shape
from webhook.libvirt.xml.place import NAMED_BY_VALUE
from webhook.libvirt.xml.render import render
from webhook.trees import Tree

# What tells an element from its like, by its tag: XPaths of strings.
IDENTITY = {
    "disk": "string(target/@dev)",
    "interface": "string(mac/@address)",
    "channel": "string(target/@name)",
    "controller": "concat(@type, ' ', number(concat('0', @index)))",
    "timer": "string(@name)",
    "entry": "string(@name)",
    "feature": "string(@name)",
    "input": "concat(@type, ' ', @bus)",
}


HalfOf = Callable[[str], FieldClass]


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where two documents differ. `reason` is addition, unsaid, backend, or wrong where nothing excuses it."""

    reason: str
    path: str
    expected: str | None
    rendered: str | None

    def __str__(self) -> str:
        there = "absent" if self.expected is None else self.expected or "present"
        here = "absent" if self.rendered is None else self.rendered or "present"
        return f"{self.reason}: {self.path}: {there} -> {here}"


def differences(domain: Tree, xml: bytes, stated: Tree | None = None) -> list[Difference]:
    """How the rendering of a domain differs from an XML document; the name is the resource's, and not compared.

    `stated` is what the tenant wrote where `domain` was made of it by expansion.
    addition: a frontend that the document leaves to libvirt or QEMU. unsaid: one that the tenant left open.
    backend: how the host provides it. wrong: a frontend that both state, and state differently, or that is not
    declared.
    """
    paths = {path for path, _ in _said(etree.fromstring(render(stated or domain, "vm")), "domain", "domain")}
    expected = dict(_said(etree.fromstring(xml), "domain", "domain"))
    rendered = dict(_said(etree.fromstring(render(domain, "vm")), "domain", "domain"))
    classes = dict(_halves(domain_shape(), "domain"))
    return [
        Difference(
            _reason(path in paths, expected.get(path), rendered.get(path), classes.get(path[1])),
            path[0],
            expected.get(path),
            rendered.get(path),
        )
        for path in sorted(expected.keys() | rendered.keys())
        if path[0] != "domain/name" and _number(expected.get(path)) != _number(rendered.get(path))
    ]


def _reason(stated: bool, expected: str | None, rendered: str | None, class_of_value: HalfOf | None) -> str:
    if class_of_value is None:
        return "wrong"
    if all(isinstance(class_of_value(value), (Backend, Goal)) for value in (expected, rendered) if value is not None):
        return "backend"
    if expected is None:
        return "addition"
    return "wrong" if stated else "unsaid"


def _said(node: etree._Element, here: str, place: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Every attribute, text and empty element: its path with identities, its path without them, its value."""
    for name, value in ((str(name), str(value)) for name, value in node.attrib.items()):
        yield (f"{here}/@{name}", f"{place}/@{name}"), value
    text = (node.text or "").strip()
    if text or not (len(node) or node.attrib):
        yield (here, place), text
    seen: dict[str, int] = {}
    for child in node:
        tag = str(child.tag)
        seen[tag] = seen.get(tag, 0) + 1
        identity = str(child.xpath(IDENTITY[tag])) if tag in IDENTITY else seen[tag] if seen[tag] > 1 else ""
        yield from _said(child, f"{here}/{tag}" + (f"[{identity}]" if identity else ""), f"{place}/{tag}")


def _halves(shape: Shape, above: str, covered: Backend | None = None) -> Iterator[tuple[str, HalfOf]]:
    """The half of a value, for every place in XML."""
    for entry in shape.fields.values():
        field_class = covered or entry.field_class
        for here in _places(entry, above):
            inner = entry.shape or entry.xml
            if inner is not None:
                yield from _halves(inner, here, field_class if isinstance(field_class, Backend) else None)
            yield here, _always(field_class) if covered or inner else entry.class_of_value
    for name in _fixed(shape):
        yield f"{above}/{name}", _always(Frontend())


def _always(field_class: FieldClass) -> HalfOf:
    return lambda _: field_class


def _places(entry: Field, above: str) -> list[str]:
    """Where a field stands, without what tells it from its like there."""
    if entry.place == "-" or (entry.place == NAMED_BY_VALUE and entry.scalar is not None):
        return []
    words = [word.partition("[")[0] for word in entry.place.split("/") if word != "."]
    here = "/".join([above, *words])
    if NAMED_BY_VALUE not in here or entry.shape is None:
        return [here]
    named = entry.shape.fields[entry.shape.variant_key].scalar
    return [here.replace(NAMED_BY_VALUE, value) for value in named.values] if named is not None else []


def _fixed(shape: Shape) -> Iterator[str]:
    """The attributes that tell an element from its like."""
    for entry in shape.fields.values():
        path = ""
        for word in entry.place.split("/"):
            tag, _, fixed = word.partition("[@")
            path = f"{path}/{tag}".lstrip("/")
            if fixed:
                yield f"{path}/@{fixed.partition('=')[0]}"


def _number(value: str | None) -> object:
    try:
        return int(value, 0) if value is not None else None
    except ValueError:
        return value
