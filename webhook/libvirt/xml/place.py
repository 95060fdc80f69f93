"""Where in the XML a declared field is, and whether a value of it is written there.

Reads the `place` of the declarations (webhook/declare/element.py, `Declared`). No lxml here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from webhook.declare import Element, Field, Shape, shape_of
from webhook.trees import Tree

# The tag of a `{feature}` element is the value of that field.
NAMED_BY_VALUE = "{feature}"
_STEP = re.compile(r"(?P<tag>[^/@\[\]]+)(\[@(?P<name>[a-z]+)='(?P<value>[^']*)'\])?")

# The prefixes of the declarations' places; libvirt's own elements have none.
NAMESPACES = {
    "qemu": "http://libvirt.org/schemas/domain/qemu/1.0",
    "vmconfig": "https://kubevirt.io/schemas/vmconfig/1.0",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One element below another, with the attribute that distinguishes it from others of its tag."""

    tag: str
    fixed: tuple[tuple[str, str], ...] = ()

    def unit(self) -> str:
        """The unit that amounts are written in here, where the place says one."""
        return next((value for name, value in self.fixed if name == "unit"), "")


@dataclass(frozen=True, slots=True)
class Where:
    """A place: the elements down to it, and the attribute there; no attribute is the last element itself."""

    steps: tuple[Step, ...]
    attribute: str


# Places come from declarations alone: one entry each.
@cache
def where(place: str) -> Where:
    """The parsed form of a declaration's `place`; TypeError where it is malformed."""
    path, _, attribute = place.rpartition("@") if re.search(r"(^|/)@[^/\]]+$", place) else (place, "", "")
    steps = [step for step in path.rstrip("/").split("/") if step not in ("", ".")]
    return Where(tuple(_step(step, place) for step in steps), attribute)


def _step(text: str, place: str) -> Step:
    form = _STEP.fullmatch(text)
    if form is None:
        raise TypeError(f"`{place}` is no place in XML")
    prefix, _, local = form["tag"].rpartition(":")
    tag = f"{{{NAMESPACES[prefix]}}}{local}" if prefix else local
    return Step(tag, ((form["name"], form["value"]),) if form["name"] else ())


def absent(entry: Field, tree: Tree, shape: Shape) -> bool:
    """Whether a field is an attribute of an element that another field of the tree says is not there.

    `<transient shareBacking='no'/>` would make a disk transient although its flag is not set.
    """
    flag = carrier(entry, shape)
    return flag is not None and tree.get(flag.name) is not True


def carrier(entry: Field, shape: Shape) -> Field | None:
    """The field whose element, written where it is true, has this field as its attribute."""
    return next((each for each in _flags(shape.element) if entry.place.startswith(f"{each.place}/")), None)


# Declarations do not change: one entry each.
@cache
def _flags(element: type[Element]) -> tuple[Field, ...]:
    """The fields that XML writes as an element being there."""
    fields = shape_of(element).fields.values()
    return tuple(each for each in fields if each.scalar is not None and each.scalar.presence)


def silent(value: object, entry: Field) -> bool:
    """Whether a value is not written in XML: null, a false flag, an element of nothing else, a field without place."""
    if value is None or value == [] or entry.place == "-":
        return True
    if entry.scalar is not None:
        return entry.scalar.presence and value is False
    if entry.many or not isinstance(value, dict) or entry.shape is None:
        return False
    fields = entry.shape.fields
    return all(silent(inner, fields[name]) for name, inner in value.items())
