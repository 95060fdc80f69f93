"""The guests of a rule set, a file a type in `webhook/guests/data`; a newer one's folder says only what differs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import yaml

from webhook.declare import camel
from webhook.guests.guest import Guest, Minimum
from webhook.guests.names import plain
from webhook.rule_sets import overlaid, up_to
from webhook.trees import Tree

DATA = Path(__file__).parent / "data"
_KEYS = frozenset({"type", "like", "also", "open", "points", "silent", "any", "versions"})
# A guest's attributes by their names in the data.
_ATTRIBUTES = {camel(field.name): field.name for field in fields(Guest)}


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One file of a rule set.

    Other names of the type, guests by version, other words for versions, what further versions look like, whether a
    point release that is not listed is its release, the words behind a version that tell nothing, and what holds for
    any version.
    """

    names: tuple[str, ...]
    known: dict[str, Guest]
    also: dict[str, str]
    open: re.Pattern[str] | None
    points: bool
    silent: tuple[str, ...]
    any: Tree


@cache
def kinds(rule_set: str) -> dict[str, Kind]:
    """Every type of a rule set by its name."""
    files = _files(rule_set)
    return {name: _kind(name, files, rule_set) for name in files}


@cache
def names(rule_set: str) -> Mapping[str, str]:
    """The type of each name that it has, by the plain form of the name. ValueError where two have the same."""
    found: dict[str, str] = {}
    for kind, family in kinds(rule_set).items():
        for name in {plain(word) for word in (kind, *family.names)}:
            if found.setdefault(name, kind) != kind:
                raise ValueError(f"guests/{kind}.yaml: `{name}` is a name of {found[name]}")
    return found


def guest(kind: str, version: str, row: Tree, rule_set: str) -> Guest:
    """One guest of a row that says all of it."""
    because = f"rule set {rule_set}: guests/{kind}.yaml {kind} {version}".rstrip()
    values = {_ATTRIBUTES[name]: value for name, value in row.items() if name != "minimum"}
    return Guest(type=kind, version=version, because=because, minimum=Minimum(**row["minimum"]), **values)


@cache
def _files(rule_set: str) -> dict[str, Tree]:
    files: dict[str, Tree] = {}
    for each in up_to(rule_set):
        for path in sorted((DATA / each).glob("*.yaml")):
            files[path.stem] = overlaid(files.get(path.stem), yaml.load(path.read_text(), yaml.CSafeLoader))
    return files


def _kind(name: str, files: dict[str, Tree], rule_set: str) -> Kind:
    tree = files[name]
    if tree["type"] != name or set(tree) - _KEYS:
        raise ValueError(f"guests/{name}.yaml: has another type or unknown keys {sorted(set(tree) - _KEYS)}")
    rows = {version: _row(name, version, files) for version in tree.get("versions", {})}
    also = {word: version for version, row in rows.items() for word in row.pop("also", ())}
    known = {version: guest(name, version, row, rule_set) for version, row in rows.items()}
    base = _any(name, files)
    known[""] = guest(name, "", base, rule_set)
    further = re.compile(tree["open"]) if "open" in tree else None
    others, silent = tuple(tree.get("also", ())), tuple(tree.get("silent", ()))
    return Kind(others, known, also, further, tree.get("points", True), silent, base)


def _any(name: str, files: dict[str, Tree]) -> Tree:
    """What holds for any version of a type, with what it has from the one that it is like."""
    tree = files[name]
    base = _any(tree["like"], files) if "like" in tree else {}
    return {**base, **tree.get("any", {})}


def _row(name: str, version: str, files: dict[str, Tree]) -> Tree:
    """What holds for one version: the own row's before the type's, before the same version's of the like type."""
    tree = files[name]
    base = _row(tree["like"], version, files) if "like" in tree else {}
    return {**base, **tree.get("any", {}), **tree.get("versions", {}).get(version, {})}
