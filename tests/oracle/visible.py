"""What the guest sees of a domain's XML, as plain facts: independent of our declarations, which it judges.

Two documents are compared fact by fact; what one has and the other has not must be in the table of reasons.
"""

from __future__ import annotations

import re
from importlib.resources import files

import yaml
from lxml import etree

# What tells an element from its like, by its tag.
_IDENTITY = {
    "disk": ("target/@dev",),
    "interface": ("mac/@address",),
    "channel": ("target/@name", "@type"),
    "controller": ("@type", "@index"),
    "timer": ("@name",),
    "entry": ("@name",),
    "feature": ("@name",),
    "input": ("@type", "@bus"),
    "cell": ("@id",),
    "console": ("target/@type",),
}


_UNITS = {"bytes": 1, "B": 1, "KiB": 1024, "M": 2**20, "MiB": 2**20, "GiB": 2**30}
# What libvirt counts in KiB where no unit is said.
_IN_KIB = frozenset({"memory", "currentMemory", "maxMemory"})


def facts(xml: str) -> dict[str, object]:
    """Every attribute, text and empty element of a document by its path, numbers as numbers, sizes in bytes."""
    found: dict[str, object] = {}
    _collect(etree.fromstring(xml), "/domain", found)
    return found


def differences(rendered: str, completed: str) -> list[str]:
    """What libvirt changed of a document, a line each, without what the table excuses."""
    ours, theirs = facts(rendered), facts(completed)
    return [
        f"{path}: {ours.get(path, 'absent')!r} -> {theirs.get(path, 'absent')!r}"
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path) != theirs.get(path) and not excused(path, ours, theirs)
    ]


def excused(path: str, ours: dict[str, object], theirs: dict[str, object]) -> bool:
    """Whether the table has a reason for a difference; `same as` names the fact that it must equal."""
    for row in _TABLE:
        if not re.fullmatch(row["path"], path):
            continue
        like = row.get("like")
        value = theirs.get(path, ours.get(path))
        if like is None or value == ours.get(like, theirs.get(like)):
            return True
    return False


_TABLE: list[dict[str, str]] = yaml.safe_load(files("tests.oracle").joinpath("excused.yaml").read_text())


def _collect(node: etree._Element, here: str, found: dict[str, object]) -> None:
    for name, value in node.attrib.items():
        if name != "unit":
            found[f"{here}/@{name}"] = _value(str(value))
    text = (node.text or "").strip()
    if text and node.get("unit"):
        found[here] = int(text) * _UNITS[str(node.get("unit"))]
    elif text and node.tag in _IN_KIB:
        found[here] = int(text) * 1024
    elif text:
        found[here] = _value(text)
    elif not len(node) and not node.attrib:
        found[here] = True
    seen: dict[str, int] = {}
    for child in node:
        tag = str(child.tag)
        keys = [str(key) for place in _IDENTITY.get(tag, ()) for key in child.xpath(place)]
        name = f"{tag}[{' '.join(keys)}]" if keys else tag
        seen[name] = seen.get(name, 0) + 1
        _collect(child, f"{here}/{name}" + (f"#{seen[name]}" if seen[name] > 1 else ""), found)


def _value(text: str) -> object:
    """A number as a number, a set of numbers as a set, anything else as it stands."""
    try:
        return int(text, 0)
    except ValueError:
        pass
    if re.fullmatch(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*", text):
        parts = (part.partition("-") for part in text.split(","))
        return frozenset(number for low, _, high in parts for number in range(int(low), int(high or low) + 1))
    return text
