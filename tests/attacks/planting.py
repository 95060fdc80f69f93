"""Machines with hostile values planted in them: at declared places, or beside them; all from a few whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.attacks.manifests import BASES, HERE, spec_of
from webhook.declare import Backend, DeclaredField
from webhook.kinds import declared_fields
from webhook.trees import Tree

_SAID = yaml.safe_load((HERE / "hostile.yaml").read_text())
TEXTS: list[str] = _SAID["texts"]
NAMES: list[str] = _SAID["names"]
OTHERS: list[Any] = _SAID["others"]
BASE_NAMES = list(BASES)
# Every place, and those that are not the host's: most plants shall be ones that a tenant might get away with.
ALL = [place for path, place in declared_fields().items() if path.count(".") and not path.startswith("abi.tombstones")]
OWN = [place for place in ALL if not isinstance(place.field_class, Backend)]
TOMBSTONES = [place for path, place in declared_fields().items() if path.startswith("abi.tombstones.")]
_TABLES = (OWN, OWN, OWN, OWN, OWN, ALL, ALL, TOMBSTONES)
# The sorts of value: mostly what the field itself would take.
_FITTING, _TEXT, _NAME, _OTHER = range(4)
_SORTS = (_FITTING,) * 7 + (_TEXT,) * 3 + (_NAME, _OTHER)
MOST = 4
# Among them is one of nearly every form that texts of the API have.
_WORDS = (
    "x", "a-1", "0a81f5b2-8403-4b23-88d6-21ccc2f80d6f", "0-3", "02:00:00:00:00:07", "org.example.0", "0755", "10.0.0.1",
    "5123456789abcde0", "naa.5123456789abcde0", "QUJD", "vda", "de", "opt/x", "04/01/2014",
)  # fmt: skip


@dataclass(frozen=True)
class Plant:
    """Four whole numbers: of which table, which place of it, which sort of value, and which value."""

    table: int
    place: int
    sort: int
    value: int

    @property
    def at(self) -> DeclaredField:
        table = _TABLES[self.table % len(_TABLES)]
        return table[self.place % len(table)]

    def chosen(self) -> Any:
        sort = _SORTS[self.sort % len(_SORTS)]
        if sort == _TEXT:
            return TEXTS[self.value % len(TEXTS)]
        if sort == _NAME:
            return NAMES[self.value % len(NAMES)]
        if sort == _OTHER:
            return OTHERS[self.value % len(OTHERS)]
        return _fitting(self.at, self.value)


def planted(base: int, complete: bool, plants: list[Plant]) -> tuple[Tree, list[str]]:
    """A base's spec with these plants, and the texts among them that no host may see."""
    spec = spec_of(BASE_NAMES[base % len(BASE_NAMES)], {}, complete=complete)
    texts = []
    for plant in plants:
        value = plant.chosen()
        put(spec, plant.at.path, value, plant.value)
        if isinstance(value, str) and value in TEXTS:
            texts.append(value)
    return spec, texts


def put(tree: Tree, path: str, value: Any, which: int) -> None:
    """Set a value at a declared path; of a list, an entry that is there, or a new one."""
    parts = path.split(".")
    here: Any = tree
    for depth, part in enumerate(parts[:-1], 1):
        here = _into(here, part, ".".join(parts[:depth]), which)
    last = parts[-1]
    if not last.endswith("[*]"):
        here[last] = value
        return
    name = last.removesuffix("[*]")
    there = here.get(name)
    here[name] = [*there, value] if type(there) is list and which % 3 else [value]


def _into(here: Tree, part: str, path: str, which: int) -> Tree:
    """The element of this name, made where it is missing or is no element."""
    name = part.removesuffix("[*]")
    there = here.get(name)
    if name == part:
        if type(there) is not dict:
            there = here[name] = {}
        return there
    if type(there) is not list:
        there = here[name] = []
    index = which % (len(there) + 1)
    if index == len(there) or type(there[index]) is not dict:
        there.append(_entry(path))
        index = len(there) - 1
    entry: Tree = there[index]
    return entry


def _entry(path: str) -> Tree:
    """A new entry of a list: its key, where it is told by one, and nothing else."""
    shape = declared_fields()[path].field.shape
    if shape is None or not shape.key:
        return {}
    scalar = shape.fields[shape.key].scalar
    assert scalar is not None  # a key is a scalar
    return {shape.key: next(value for value in possible(scalar.schema) if scalar.check(value) is None)}


def _fitting(place: DeclaredField, which: int) -> Any:
    """A value that the field takes, as far as its schema tells; of an element, nothing at all."""
    scalar = place.field.scalar
    if scalar is None:
        return {}
    known = list(possible(scalar.schema))
    return known[which % len(known)]


def hostile(which: int) -> Any:
    """One of the values that no field should take, or not from a tenant."""
    every = (*TEXTS, *NAMES, *OTHERS)
    return every[which % len(every)]


def possible(schema: Tree) -> Iterator[Any]:
    """Values that a scalar of this schema may take: all of an enumeration, ends of a range, texts of many forms."""
    kind = schema.get("type")
    if "enum" in schema:
        yield from schema["enum"]
    elif kind == "boolean":
        yield from (True, False)
    elif kind == "integer":
        most = schema.get("maximum", 2**63 - 1)
        yield from (schema["minimum"], min(most, schema["minimum"] + 7), most)
    elif kind == "array":
        yield from ([], [0], [0, 1])
    elif kind == "string":
        yield from _WORDS
    else:
        yield from (1024, "2Gi", 4096)
