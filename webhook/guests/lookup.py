"""Guests by the fields of `features.system`. Data is read once a rule set; a lookup is two dictionary reads.

The caches hold package data. Versions come from tenants, so that the one by version is bounded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import camel, shown
from webhook.declare.scalars import listed
from webhook.findings import Finding, Refused
from webhook.guests.guest import Guest, Minimum

Tree = dict[str, Any]

DATA = Path(__file__).parent / "data"
# The guest of a VM that names none.
UNNAMED = "other"
_KEYS = frozenset({"type", "like", "open", "any", "versions"})
# A guest's attributes by their names in the data.
_ATTRIBUTES = {camel(field.name): field.name for field in fields(Guest)}


@dataclass(frozen=True, slots=True)
class _Kind:
    """One file of a rule set: guests by version, aliases of versions, and the pattern of further versions."""

    known: dict[str, Guest]
    also: dict[str, str]
    open: re.Pattern[str] | None
    any: Tree


def find(system: Tree | None, rule_set: str, path: str = "spec.features.system") -> Guest:
    """The guest of `features.system` (`type`, `version`), or the one for VMs that name none.

    Raises Refused where the rule set does not have it; the help names the nearest.
    """
    kinds = _kinds(rule_set)
    kind = (system or {}).get("type")
    version = str((system or {}).get("version", "")).lower()
    if kind is None and version:
        problem = f"`{shown(version)}` is a version of no guest"
        raise Refused([Finding(f"{path}.version", problem, "say which guest in `type`", "guest")])
    family = kinds.get(kind or UNNAMED)
    if family is None:
        problem = f"`{shown(kind)}` is no guest that rule set {rule_set} knows"
        raise Refused([Finding(f"{path}.type", problem, _way(str(kind), kinds), "guest")])
    guest = family.known.get(family.also.get(version, version))
    if guest is not None:
        return guest
    if family.open and family.open.fullmatch(version):
        return _further(rule_set, str(kind), version)
    problem = f"`{shown(version)}` is no version of {kind} that rule set {rule_set} knows"
    versions = [known for known in family.known if known]
    way = _way(version, versions) if versions else "leave the version out"
    raise Refused([Finding(f"{path}.version", problem, way, "guest")])


def types() -> tuple[str, ...]:
    """The guest types of all rule sets: the values of `features.system.type`."""
    return tuple(sorted({name for folder in DATA.iterdir() for name in _kinds(folder.name)}))


def guests(rule_set: str) -> list[Guest]:
    """Every guest of a rule set, one a type and version."""
    return [guest for _, kind in sorted(_kinds(rule_set).items()) for guest in kind.known.values()]


def _way(word: str, known: Iterable[str]) -> str:
    """The nearest of the known words, and all of them."""
    names = tuple(known)
    near = difflib.get_close_matches(word[:64], names, n=1, cutoff=0.4)
    return (f"did you mean `{near[0]}`? " if near else "") + f"known are {listed(names)}"


@cache
def _kinds(rule_set: str) -> dict[str, _Kind]:
    paths = sorted((DATA / rule_set).glob("*.yaml"))
    files = {path.stem: yaml.load(path.read_text(), yaml.CSafeLoader) for path in paths}
    return {name: _kind(name, files, rule_set) for name in files}


def _kind(name: str, files: dict[str, Tree], rule_set: str) -> _Kind:
    tree = files[name]
    if tree["type"] != name or set(tree) - _KEYS:
        raise ValueError(f"guests/{name}.yaml: has another type or unknown keys {sorted(set(tree) - _KEYS)}")
    base = _any(name, files)
    versions = {version: dict(row) for version, row in tree.get("versions", {}).items()}
    also = {word: version for version, row in versions.items() for word in row.pop("also", ())}
    known = {version: _guest(name, version, {**base, **row}, rule_set) for version, row in versions.items()}
    known[""] = _guest(name, "", base, rule_set)
    return _Kind(known, also, re.compile(tree["open"]) if "open" in tree else None, base)


def _any(name: str, files: dict[str, Tree]) -> Tree:
    """The data of all versions of a type, with that of the type that it is `like`."""
    tree = files[name]
    base = _any(tree["like"], files) if "like" in tree else {}
    return {**base, **tree.get("any", {})}


@lru_cache(1024)
def _further(rule_set: str, kind: str, version: str) -> Guest:
    """A version that the data does not list, of a type with a pattern for further versions."""
    return _guest(kind, version, _kinds(rule_set)[kind].any, rule_set)


def _guest(kind: str, version: str, row: Tree, rule_set: str) -> Guest:
    because = f"rule set {rule_set}: guests/{kind}.yaml {kind} {version}".rstrip()
    values = {_ATTRIBUTES[name]: value for name, value in row.items() if name != "minimum"}
    return Guest(type=kind, version=version, because=because, minimum=Minimum(**row["minimum"]), **values)
