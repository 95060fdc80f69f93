"""libvirt's own schema (RELAX NG) as the set of all places in a domain's XML that it knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

_RNG = "{http://relaxng.org/ns/structure/1.0}"
# The namespaces of hypervisors beside libvirt's own: http://libvirt.org/schemas/domain/qemu/1.0 is `qemu:`.
_OWN = re.compile(r"http://libvirt.org/schemas/domain/([a-z]+)/1.0")
_BELOW = frozenset({"choice", "group", "interleave", "optional", "zeroOrMore", "oneOrMore", "list", "mixed"})


class Schema:
    """The definitions of a schema file and all that it includes."""

    def __init__(self, folder: Path, root: str = "domain.rng") -> None:
        self.folder = folder
        self.definitions: dict[str, list[etree._Element]] = {}
        self._load(root)

    def _load(self, name: str) -> None:
        for node in etree.parse(str(self.folder / name)).getroot():
            if node.tag == _RNG + "include":
                self._load(str(node.get("href")))
            elif node.tag == _RNG + "define":
                self.definitions.setdefault(str(node.get("name")), []).append(node)

    def places(self, start: str = "domain") -> set[str]:
        """Every element, attribute (`/@name`) and text (`/text()`), by its path from the root element.

        A definition is entered once on a path: of backing stores below backing stores the first is walked.
        """
        found: set[str] = set()
        for definition in self.definitions[start]:
            for child in definition:
                found.update(self._walk(child, "", frozenset({start})))
        return found

    def _walk(self, node: etree._Element, path: str, inside: frozenset[str]) -> Iterator[str]:
        kind = str(node.tag).removeprefix(_RNG)
        if kind == "ref":
            yield from self._refer(str(node.get("name")), path, inside)
        elif kind in ("element", "attribute"):
            for name in _names(node):
                here = f"{path}/{'@' if kind == 'attribute' else ''}{name}"
                yield here
                if kind == "element":
                    yield from self._children(node, here, inside)
        elif kind in ("text", "data", "value"):
            yield f"{path}/text()"
        elif kind in _BELOW:
            yield from self._children(node, path, inside)

    def _refer(self, name: str, path: str, inside: frozenset[str]) -> Iterator[str]:
        for definition in () if name in inside else self.definitions[name]:
            yield from self._children(definition, path, inside | {name})

    def _children(self, node: etree._Element, path: str, inside: frozenset[str]) -> Iterator[str]:
        for child in node:
            yield from self._walk(child, path, inside)


def _names(node: etree._Element) -> list[str]:
    """The names that an element or attribute can have; `*` where any can."""
    own = _OWN.fullmatch(_namespace(node)) if node.tag == _RNG + "element" else None
    prefix = f"{own[1]}:" if own else ""
    if node.get("name"):
        return [prefix + str(node.get("name"))]
    names = [str(each.text) for each in node.iterchildren(_RNG + "name")]
    first = node[0]
    if first.tag == _RNG + "choice":
        names += [str(each.text) for each in first.iterchildren(_RNG + "name")]
    return [prefix + name for name in names] or ["*"]


def _namespace(node: etree._Element | None) -> str:
    """The namespace that a schema's `ns` attributes give the elements here."""
    while node is not None:
        if node.get("ns") is not None:
            return str(node.get("ns"))
        node = node.getparent()
    return ""
