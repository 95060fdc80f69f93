"""A domain from libvirt's XML: the inverse of the renderer, by the same declarations.

What is not declared is never dropped silently: it is listed, with its place in the XML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from webhook.declare import Backend, Field, Frontend, Shape, problem_of, shown, told
from webhook.declare.withheld import taken
from webhook.domain import domain_shape
from webhook.domain.devices.controller import name_of
from webhook.domain.elsewhere import RUNNING, owner
from webhook.findings import Finding, Refused
from webhook.libvirt.backend.provide import withdraw
from webhook.libvirt.xml.amount import in_own_unit
from webhook.libvirt.xml.document import document
from webhook.libvirt.xml.place import NAMED_BY_VALUE, Step, silent, where
from webhook.machines.controllers import compact
from webhook.trees import Tree

# The rule of what has a declared place in the frontend, and a value that is none of its.
MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of an XML document: the VM's name, its domain, and a finding for each part that could not be read."""

    name: str
    domain: Tree
    left: list[Finding]

    @property
    def malformed(self) -> list[Finding]:
        """What of it is a declared part of the guest's machine, with a value that no machine here can have."""
        return [one for one in self.left if one.rule == MALFORMED]


def parse(xml: bytes | str) -> Tree:
    """The domain of an XML document; Refused where it holds anything that is not declared."""
    reading = read(xml)
    if reading.left:
        raise Refused(reading.left)
    return reading.domain


def read(xml: bytes | str) -> Reading:
    """All declared content of an XML document, without the conventional backend, and what is left over.

    Raises Refused where it is not a domain's XML. Controllers, which have no alias, are named by type and index; what
    the newest rule set derives of them is left out.
    """
    root = document(xml, "domain")
    walk = _Walk(root.getroottree(), list(root.iter()))
    name = next(root.iterchildren("name"), None)
    if name is not None:
        walk.read.update({name, (name, "")})
    tree = withdraw(_element(root, domain_shape(), walk))
    for controller in tree.get("devices", {}).get("controllers", ()):
        if {"type", "index"} <= set(controller):
            controller["name"] = name_of(controller)
    walk.report_rest()
    return Reading((name.text or "") if name is not None else "", compact(tree), walk.left)


@dataclass(slots=True)
class _Walk:
    """What has been read so far: elements, (element, attribute) and (element, "") for an element's text."""

    document: etree._ElementTree
    nodes: list[etree._Element]
    read: set[object] = field(default_factory=set)
    left: list[Finding] = field(default_factory=list)
    # Whether the walk is in an element that is backend as a whole.
    in_backend: bool = False

    def leave_malformed(self, node: etree._Element, attribute: str, problem: str, entry: Field) -> None:
        """List a value that is none of its field's."""
        frontend = isinstance(entry.field_class, Frontend) and not self.in_backend
        self.leave(node, attribute, problem, MALFORMED if frontend else "xml")

    def leave(self, node: etree._Element, attribute: str, problem: str, rule: str = "xml") -> None:
        self.left.append(Finding(shown(self._path(node, attribute), 256), problem, "", rule))

    def _path(self, node: etree._Element, attribute: str) -> str:
        below = self.document.getelementpath(node)
        return "/domain" + ("" if below == "." else f"/{below}") + (f"/@{attribute}" if attribute else "")

    def leave_undeclared(self, node: etree._Element, attribute: str = "") -> None:
        """List what is not declared: of another hypervisor, libvirt's own, of another namespace, or unknown."""
        owned = owner(self._path(node, attribute))
        if owned:
            self.leave(node, attribute, owned, "running" if owned == RUNNING else "elsewhere")
        elif (attribute or str(node.tag)).startswith("{"):
            self.leave(node, attribute, "belongs to another namespace", "escape-hatch")
        else:
            self.leave(node, attribute, "is not declared")

    def report_rest(self) -> None:
        """List everything that no field has read; of an undeclared element only the element itself."""
        for node in self.nodes:
            parent = node.getparent()
            if node not in self.read:
                if parent is None or parent in self.read:
                    self.leave_undeclared(node)
                continue
            for attribute in node.attrib:
                if (node, attribute) not in self.read:
                    self.leave_undeclared(node, str(attribute))
            if (node, "") not in self.read and any(text and text.strip() for text in [node.text, *_tails(node)]):
                self.leave(node, "", "holds text that no declaration has a place for")


def _tails(node: etree._Element) -> list[str | None]:
    return [child.tail for child in node]


def _element(node: etree._Element, shape: Shape, walk: _Walk) -> Tree:
    """The fields of `shape` that the XML has below `node`."""
    walk.read.add(node)
    tree: Tree = {}
    names = _names(node, shape, tree, walk)
    for entry in shape.fields.values():
        if entry.name not in names or entry.name in tree or entry.place == "-":
            continue
        if entry.form is not None:
            value = _text_of(node, entry, walk)
        elif entry.scalar is not None:
            value = _leaf(node, entry, walk)
        else:
            around = walk.in_backend
            walk.in_backend = around or isinstance(entry.field_class, Backend)
            value = _below(node, entry, walk)
            walk.in_backend = around
        if not silent(value, entry):
            tree[entry.name] = value
    return tree


def _names(node: etree._Element, shape: Shape, tree: Tree, walk: _Walk) -> frozenset[str]:
    """The fields that apply here; a field that decides which do is read into `tree` first."""
    if not shape.variant_key:
        return frozenset(shape.fields)
    value = _leaf(node, shape.fields[shape.variant_key], walk)
    if value is None:
        return frozenset()
    tree[shape.variant_key] = value
    return shape.variants[value]


def _leaf(node: etree._Element, entry: Field, walk: _Walk) -> Any:
    """A scalar's value, or None where the XML has none or an invalid one."""
    at, scalar = where(entry.place), entry.scalar
    assert scalar is not None  # noqa: S101 - the caller's case
    if entry.place == NAMED_BY_VALUE:
        return node.tag
    found = _down(node, at.steps, walk)
    if found is None:
        return None
    content = found.get(at.attribute) if at.attribute else _text(found)
    if scalar.presence and not at.attribute:
        return True
    if content is None:
        return None
    walk.read.add((found, at.attribute))
    try:
        value = scalar.from_text(in_own_unit(content, found, entry, walk.read))
    except ValueError as problem:
        if entry.place == "alias/@name":
            walk.leave(found, at.attribute, "is libvirt's own name for the device", "running")
            return None
        why = taken(scalar) if entry.secret else f"{problem}"
        walk.leave_malformed(found, at.attribute, f"{told(entry, content)} is not understood: {why}", entry)
        return None
    wrong = problem_of(entry, value)
    if wrong is not None:
        walk.leave_malformed(found, at.attribute, wrong, entry)
        return None
    return value


def _text_of(node: etree._Element, entry: Field, walk: _Walk) -> str | None:
    """The text that the API has for an element; None where it lacks a part of it."""
    found = _down(node, where(entry.place).steps, walk)
    if found is None:
        return None
    assert entry.form is not None  # noqa: S101 - the caller's case
    assert entry.xml is not None  # noqa: S101 - an element with a form
    tree = _element(found, entry.xml, walk)
    try:
        return entry.form.write(tree) if tree else None
    except ValueError as lacking:
        walk.leave_malformed(found, "", f"is not carried over: {lacking}", entry)
        return None


def _text(node: etree._Element) -> str | None:
    """An element's text; between its children there is only white space."""
    return None if len(node) and not (node.text or "").strip() else node.text


def _below(node: etree._Element, entry: Field, walk: _Walk) -> Any:
    """An element's tree or a list of them."""
    steps, shape = where(entry.place).steps, entry.shape
    assert shape is not None  # noqa: S101 - the caller's case
    if not entry.many:
        found = _down(node, steps, walk)
        return None if found is None else _element(found, shape, walk)
    parent = _down(node, steps[:-1], walk)
    if parent is None:
        return None
    tag = steps[-1].tag
    tags = shape.fields[shape.variant_key].scalar.values if tag == NAMED_BY_VALUE else (tag,)  # type: ignore[union-attr]
    children = list(parent.iterchildren(*tags))
    walk.read.update((child, name) for child in children for name, _ in steps[-1].fixed)
    return [_element(child, shape, walk) for child in children]


def _down(node: etree._Element, steps: tuple[Step, ...], walk: _Walk) -> etree._Element | None:
    """The element at the end of these steps, each noted as read; None where there is none."""
    for step in steps:
        found = next(
            (
                child
                for child in node.iterchildren(step.tag)
                if all(name == "unit" or child.get(name) == value for name, value in step.fixed)
            ),
            None,
        )
        if found is None:
            return None
        walk.read.add(found)
        walk.read.update((found, name) for name, _ in step.fixed)
        node = found
    return node
