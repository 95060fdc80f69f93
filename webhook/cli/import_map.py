"""The map of an import: names of Kubernetes objects by the names that dumps have, read from YAML and checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

from webhook.cli import files
from webhook.declare import Scalar, shown
from webhook.declare.nearest import closest
from webhook.declare.scalars import listed
from webhook.declare.withheld import told_key
from webhook.domain.types import NetworkName, ObjectName
from webhook.findings import Finding, Refused

if TYPE_CHECKING:
    from webhook.libvirt.importing.references import Map

# Each part, and a line of it.
_PARTS = {
    "claims": "{/path/of/image: claim}",
    "networks": "{br0: network}` or, for the pod's own network, `networks: {br0: ~}",
    "secrets": "{UUID: secret}",
}
_NAMES: dict[str, Scalar] = {
    "claims": get_args(ObjectName)[1],
    "networks": get_args(NetworkName)[1],
    "secrets": get_args(ObjectName)[1],
}
# So many keys of the map that nothing has are named.
_MOST = 5


class _Part(dict[str, Any]):
    """A part of the map, which notes whose names were taken."""

    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__(names)
        self.taken: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.taken.add(key)
        return super().__getitem__(key)


def read_map(file: str | None) -> Map:
    """The map of a file, each part from text to text; `~` is the pod's own network. Raises Refused."""
    from webhook.libvirt.importing.references import Map

    if file is None:
        return Map(conventional=False)
    documents = files.read(file)
    tree = documents[0] if len(documents) == 1 else None
    if not isinstance(tree, dict):
        problem = f"is no map: it has {listed(tuple(_PARTS))}, each of names"
        raise Refused([Finding(file, problem, _way("claims"), "import")])
    findings = [
        Finding(f"{file}: {told_key(part) or 'a part'}", problem, way, "import")
        for part, names in tree.items()
        for problem, way in _wrong(part, names)
    ]
    if findings:
        raise Refused(findings)
    return Map(**{part: _Part(names) for part, names in tree.items()}, conventional=False)


def unused(names: Map) -> str:
    """The keys of the map that nothing took, in words; empty where all were."""
    found: list[str] = []
    for part in _PARTS:
        of = getattr(names, part)
        found += [f"`{shown(key)}` of `{part}`" for key in of if isinstance(of, _Part) and key not in of.taken]
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return ", ".join(found[:_MOST]) + more


def _way(part: str) -> str:
    return f"write `{part}: {_PARTS[part]}`"


def _wrong(part: Any, names: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with a part of the map, and the way out."""
    if part not in _PARTS:
        near = closest(str(part), _PARTS)
        way = f"write `{near}`" if near else f"it has {listed(tuple(_PARTS))}"
        yield "is no part of a map", way
    elif not isinstance(names, dict) or not all(isinstance(key, str) for key in names):
        yield "is no map of names: a name that looks like a number or a time needs quotes", _way(part)
    else:
        for key, name in names.items():
            problem = None if name is None and part == "networks" else _NAMES[part].check(name)
            if problem is not None:
                yield f"has for `{shown(key)}` no name: {problem}", _way(part)
