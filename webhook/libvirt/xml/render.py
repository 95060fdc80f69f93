"""A domain as libvirt's XML: each field of the tree at its declared place, and the conventional backend.

The isolated form (design: "Renderings"): no host is known, so nothing is pinned and host paths are the
conventional ones of `webhook.libvirt.backend`. Text is escaped by lxml; trees that were not inspected are refused.
"""

from __future__ import annotations

from typing import Any, get_args

from lxml import etree

from webhook.declare import Field, Shape, inspect
from webhook.domain import domain_shape
from webhook.domain.devices.device import ALIAS_MARK, USER_ALIAS
from webhook.domain.types import ObjectName
from webhook.findings import Finding, Refused
from webhook.libvirt.backend.provide import provide
from webhook.libvirt.xml.place import NAMED_BY_VALUE, NAMESPACES, Step, absent, silent, where
from webhook.machines.controllers import whole
from webhook.trees import Tree

# The order in which libvirt itself writes a domain, its devices, and the end of each device.
_DOMAIN = (
    "name", "uuid", "genid", "title", "maxMemory", "memory", "currentMemory", "vcpu", "iothreads", "sysinfo", "os",
    "features", "cpu", "clock", "on_poweroff", "on_reboot", "on_crash", "pm", "devices",
)  # fmt: skip
_DEVICES = (
    "disk", "controller", "interface", "serial", "console", "channel", "input", "tpm", "graphics", "sound", "audio",
    "video", "watchdog", "memballoon", "rng", "panic",
)  # fmt: skip
_LAST = ("boot", "alias", "acpi", "address")

_NAME = get_args(ObjectName)[1]


def render(domain: Tree, name: str, *, backend: bool = True, path: str = "spec.domain") -> str:
    """The domain's XML, indented, always in the same order, without an XML declaration.

    `name` is the VM's, `path` the domain's place in its object (for findings). With `backend` the conventional backend
    is added; without it the XML has the content of the tree alone, and what is meant by its silence.
    Raises Refused with every problem of a malformed tree.
    """
    refuse_malformed(domain, name, path)
    root = etree.Element("domain", nsmap=_prefixes(domain))
    etree.SubElement(root, "name").text = name
    _element(whole(provide(domain) if backend else domain), domain_shape(), root)
    _tell_aliases_apart(root)
    _arrange(root)
    etree.indent(root)
    return etree.tostring(root, encoding="unicode") + "\n"


def _prefixes(domain: Tree) -> dict[str, str]:
    """The namespaces of the domain's elements."""
    shape = domain_shape()
    used = {shape.fields[name].place.rpartition("/")[2].partition(":")[0] for name in domain if name in shape.fields}
    return {prefix: uri for prefix, uri in NAMESPACES.items() if prefix in used}


def refuse_malformed(domain: Tree, name: str, path: str = "spec.domain") -> None:
    """Raise Refused with every problem of the domain and of the VM's name."""
    findings = inspect(domain, domain_shape(), path).findings
    problem = _NAME.check(name)
    if problem is not None:
        findings.append(Finding("metadata.name", problem, "name the VM as Kubernetes does", "shape"))
    if findings:
        raise Refused(findings)


def _element(tree: Tree, shape: Shape, node: etree._Element) -> None:
    """Write every field of `tree` below `node`, in the order of declaration."""
    for entry in shape.fields.values():
        value: Any = tree.get(entry.name)
        if silent(value, entry) or entry.place == NAMED_BY_VALUE or absent(entry, tree, shape):
            continue
        if entry.form is not None and entry.xml is not None:
            _element(entry.form.read(value) or {}, entry.xml, _child(value, entry, node))
        elif entry.scalar is not None:
            _leaf(value, entry, node)
        elif entry.shape is not None:
            for item in value if entry.many else (value,):
                _element(item, entry.shape, _child(item, entry, node))


def _leaf(value: Any, entry: Field, node: etree._Element) -> None:
    at, scalar = where(entry.place), entry.scalar
    assert scalar is not None  # noqa: S101 - the caller's case
    for step in at.steps:
        node = _shared(node, step)
    if at.attribute:
        node.set(at.attribute, scalar.to_text(value))
    elif not scalar.presence:
        node.text = scalar.to_text(value)


def _child(item: Any, entry: Field, node: etree._Element) -> etree._Element:
    """The node of an element: the parent's own, one shared with other fields, or, in a list, a new one."""
    steps = where(entry.place).steps
    if not steps:
        return node
    for step in steps[:-1]:
        node = _shared(node, step)
    last = steps[-1]
    if not entry.many:
        return _shared(node, last)
    return _new(node, Step(item["feature"]) if last.tag == NAMED_BY_VALUE else last)


def _shared(node: etree._Element, step: Step) -> etree._Element:
    for child in node:
        if child.tag == step.tag and all(child.get(name) == value for name, value in step.fixed):
            return child
    return _new(node, step)


def _new(node: etree._Element, step: Step) -> etree._Element:
    return etree.SubElement(node, step.tag, dict(step.fixed))


def _tell_aliases_apart(root: etree._Element) -> None:
    """Put the tag before the name where devices of several lists have one: libvirt's aliases are unique in a domain."""
    named: dict[str, list[etree._Element]] = {}
    for alias in root.iterfind("devices/*/alias"):
        named.setdefault(str(alias.get("name")), []).append(alias)
    for name, aliases in named.items():
        for alias in aliases if len(aliases) > 1 else ():
            device = alias.getparent()
            if device is not None and name.startswith(USER_ALIAS):
                alias.set("name", f"{USER_ALIAS}{device.tag}{ALIAS_MARK}{name.removeprefix(USER_ALIAS)}")


def _arrange(root: etree._Element) -> None:
    _sort(root, _DOMAIN)
    for devices in root.iterchildren("devices"):
        _sort(devices, _DEVICES)
        for device in devices:
            _sort(device, _LAST, before=-1)


def _sort(node: etree._Element, order: tuple[str, ...], before: int = 0) -> None:
    """Children in the given order; others, as they are, after it, or before it with `before=-1`."""
    ranks = {tag: index for index, tag in enumerate(order)}
    other = before if before < 0 else len(order)
    node[:] = sorted(node, key=lambda child: ranks.get(str(child.tag), other))
