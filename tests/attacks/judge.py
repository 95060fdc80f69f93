"""Whether a machine's XML reaches the host: a second opinion on every VM that was accepted.

Knows the XML alone and the places of `host_places.yaml`: no declarations, no classes, no policies. Simple on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any
from xml.etree import ElementTree

import yaml

from tests.attacks.manifests import HERE
from webhook.libvirt.bundle import bundle
from webhook.trees import Tree

# A path, an address of some protocol, a way up: what only texts that nobody follows may look like.
_REACHING = re.compile(r"^/|\.\./|://|^(nbd|json|file|fd|exec|unix|tcp|udp|rbd|ssh|iscsi):", re.I)


def objections(domain: Tree, name: str, planted: Iterable[str] = ()) -> list[str]:
    """What speaks against starting this machine for a tenant of the strictest level, a line each.

    `planted` are strings that the tenant wrote and that may stand in free texts alone. Raises what the renderer raises.
    """
    made = bundle(domain, name)
    strings = frozenset(planted)
    found = [line for document in made.filters for line in _companion(document, strings)]
    found += [f"a node device is made: {document[:80]}" for document in made.node_devices]
    root = ElementTree.fromstring(made.domain)
    return found + judged(root, strings) + list(_secrets(root, domain))


def judged(root: ElementTree.Element, planted: frozenset[str] = frozenset()) -> list[str]:
    """The same of a domain's XML, which is given as it is."""
    kind = root.find("os/type")
    arch = kind.get("arch", "") if kind is not None else ""
    return list(_element(root, (arch,), planted))


def _companion(document: str, planted: frozenset[str]) -> Iterator[str]:
    for node in ElementTree.fromstring(document).iter():
        yield from (f"filter: {node.tag} holds `{value}`" for value in node.attrib.values() if value in planted)


def _element(node: ElementTree.Element, above: tuple[str, ...], planted: frozenset[str]) -> Iterator[str]:
    place = (*above, node.tag)
    path = "/".join(place[1:])
    if node.tag.startswith("{") or _row("never", place) is not None:
        yield f"{path} is there"
        return
    if _row("empty", place) is not None and "/".join(place[-3:]) not in _table()["closed"]:
        if any(part.attrib or (part.text or "").strip() for part in node.iter()):
            yield f"{path} is there, and not empty"
        return
    row = _row("closed", place)
    if row is not None:
        yield from _closed(node, path, row)
    needed = _row("needed", place)
    if needed is not None and needed not in node.attrib:
        yield f"{path} says no {needed}"
    if _row("free", place) is None:
        yield from _written(node, path, row is not None, planted)
    for child in node:
        yield from _element(child, place, planted)


def _closed(node: ElementTree.Element, path: str, row: dict[str, re.Pattern[str]]) -> Iterator[str]:
    """Attributes that the element may not have, or not with this value; its text where the row speaks of it."""
    for attribute, value in node.attrib.items():
        if attribute not in row or not row[attribute].fullmatch(value):
            yield f"{path}/@{attribute} is `{value}`"
    text = (node.text or "").strip()
    if "text" in row and not row["text"].fullmatch(text):
        yield f"{path} holds `{text}`"


def _written(node: ElementTree.Element, path: str, checked: bool, planted: frozenset[str]) -> Iterator[str]:
    """What a tenant wrote, or what looks like a way to somewhere, where the table does not say that it may be."""
    for value in (*node.attrib.values(), (node.text or "").strip()):
        if value in planted or (not checked and _REACHING.search(value)):
            yield f"{path} has `{value}`"


def _secrets(root: ElementTree.Element, domain: Tree) -> Iterator[str]:
    """libvirt's secrets are told by UUIDs that nobody chose: none that the tenant's own tree says."""
    said = {value.lower() for value in _strings(domain)}
    for node in (*root.iter("secret"), *root.iter("encryption")):
        for uuid in (node.get("uuid"), node.get("secret")):
            if uuid and uuid.lower() in said:
                yield f"the secret {uuid} is the tenant's choice"


def _strings(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict | list):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from _strings(value)


@cache
def _row(table: str, place: tuple[str, ...]) -> Any:
    """The table's row of an element, told by its last steps, the most exact first; None where there is none."""
    rows = _table()[table]
    exact = ["/".join(place[-steps:]) for steps in (3, 2, 1)]
    below = ["/".join((*place[-steps:-1], "*")) for steps in (3, 2)]
    return next((rows[key] for key in (*exact, *below) if key in rows), None)


@cache
def _table() -> dict[str, dict[str, Any]]:
    said = yaml.safe_load((HERE / "host_places.yaml").read_text())
    closed = {
        at: {attribute: re.compile(_form(form), re.ASCII) for attribute, form in row.items()}
        for at, row in said["closed"].items()
    }
    return {
        "closed": closed,
        "needed": said["needed"],
        **{name: dict.fromkeys(said[name], True) for name in ("never", "empty", "free")},
    }


def _form(form: Any) -> str:
    """YAML reads `on` and `yes` as truth: the forms that are words stand in quotes, numbers do not come alone."""
    assert type(form) is str, f"{form} stands in no quotes"
    return form
