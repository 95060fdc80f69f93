"""VMs at random: bases that are valid, with values of declared frontend fields at and around their bounds.

The same seed makes the same VMs. A VM is a base and a list of changes, so that one that fails can be shrunk to the
changes that matter.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.consistency.vms import MACHINES, vm
from tests.oracle.declared import places_of
from webhook.declare import Field, Frontend, Scalar, Shape
from webhook.declare.tree import copied
from webhook.domain.domain import domain_shape
from webhook.trees import Tree

HERE = Path(__file__).parent
SEED = "sweep"
# Texts of the fields that take a form of their own, by declared path; and sizes and free texts.
VALUES: Tree = yaml.safe_load((HERE / "sweep_values.yaml").read_text())
# What no VM of the sweep states: each machine's own, and addresses, which the tests of places cover.
LEFT_OUT = frozenset(VALUES["left_out"])


@dataclass(frozen=True, slots=True)
class Spot:
    """A frontend field by its path, and the fields from the domain to it."""

    path: str
    steps: tuple[Field, ...]

    @property
    def field(self) -> Field:
        """The field itself."""
        return self.steps[-1]

    @property
    def kind(self) -> str:
        """The list of devices that the field is in; empty for other fields."""
        return self.steps[1].name if self.steps[0].name == "devices" else ""


@dataclass(frozen=True, slots=True)
class Change:
    """A field and its value; of a list the entry at `entry`, counted around."""

    spot: Spot
    value: Any
    entry: int

    def __str__(self) -> str:
        return f"{self.spot.path}: {self.value!r}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A VM of the sweep: the machine, pieces of a domain that are valid on it, and the changes."""

    machine: str
    pieces: tuple[Tree, ...]
    changes: tuple[Change, ...]

    def vm(self) -> Tree:
        """The object that a tenant would send."""
        domain: Tree = {}
        for piece in self.pieces:
            domain.update({name: _joined(domain.get(name), value) for name, value in copied(piece).items()})
        for change in self.changes:
            _apply(domain, change)
        return vm(self.machine, domain)

    def __str__(self) -> str:
        return f"{self.machine}: {[*self.pieces, *map(str, self.changes)]}"


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{name: _joined(one.get(name), value) for name, value in other.items()}}
    return [*one, *other] if isinstance(one, list) and isinstance(other, list) else other


def shrunk(candidate: Candidate, fails: Callable[[Candidate], bool]) -> Candidate:
    """The candidate with each change and piece taken away without which it still fails."""
    for name in ("changes", "pieces"):
        parts: tuple[Any, ...] = getattr(candidate, name)
        for part in parts:
            left = tuple(one for one in getattr(candidate, name) if one is not part)
            fewer = replace(candidate, **{name: left})
            if fails(fewer):
                candidate = fewer
    return candidate


def candidates(count: int, spots: Sequence[Spot]) -> Iterator[Candidate]:
    """So many VMs, in which every one of the fields has its turn."""
    chance = random.Random(SEED)
    order: list[Spot] = []
    for _ in range(count):
        if not order:
            order = chance.sample(spots, len(spots))
        first = order.pop()
        machine = _machine_for(first, chance)
        spots_here = [first, *_company(first, spots, chance)]
        pieces = tuple(_piece(spot, machine, chance) for spot in spots_here)
        unique = [piece for index, piece in enumerate(pieces) if piece and piece not in pieces[:index]]
        changes = tuple(Change(spot, _value(spot, chance), chance.randrange(4)) for spot in spots_here)
        yield Candidate(machine, tuple(unique), changes)


def spots(schema: set[str]) -> list[Spot]:
    """Every field of the domain that has a value which is frontend, and a place in the schema."""
    return [spot for spot in _spots(domain_shape(), "domain", ()) if places_of(spot.steps) & schema]


def _spots(shape: Shape, path: str, above: tuple[Field, ...]) -> Iterator[Spot]:
    for entry in shape.fields.values():
        here = entry.declared_in(path)
        steps = (*above, entry)
        if here in LEFT_OUT or entry.name == "address" or (entry.name == "name" and len(steps) == 3):
            continue
        if entry.shape is not None:
            if not isinstance(entry.field_class, Frontend) and entry.plain is False:
                continue
            yield from _spots(entry.shape, here, steps)
        elif entry.scalar is not None and _frontend_values(entry, entry.scalar) is not None:
            yield Spot(here, steps)


def _frontend_values(entry: Field, scalar: Scalar) -> tuple[str, ...] | None:
    """The frontend words of a closed set, empty for other types; None where the field has no frontend value."""
    if scalar.values:
        return tuple(v for v in scalar.values if isinstance(entry.class_of_value(v), Frontend)) or None
    return () if isinstance(entry.field_class, Frontend) else None


def _machine_for(spot: Spot, chance: random.Random) -> str:
    """A machine; PCs more often than others, since they have the most that can go wrong."""
    fitting = sorted({machine for piece in _pieces() if _has(piece, spot) for machine in piece["machines"]})
    return chance.choice(fitting) if fitting else chance.choice(["q35", "q35", "i440fx", *MACHINES])


def _company(first: Spot, spots: Sequence[Spot], chance: random.Random) -> list[Spot]:
    """Up to three more fields, most of them near the first."""
    around = [spot for spot in spots if spot.path.rpartition(".")[0] == first.path.rpartition(".")[0]]
    beside = [spot for spot in spots if spot.steps[: len(first.steps) - 2] == first.steps[:-2]]
    found = [chance.choice(chance.choice([around, beside, spots])) for _ in range(chance.choice([0, 0, 1, 1, 2, 3]))]
    return [spot for index, spot in enumerate(found) if spot is not first and spot not in found[:index]]


@cache
def _pieces() -> tuple[Tree, ...]:
    """Pieces of domains that are valid: the cases of devices, and what the sweep adds."""
    return (*yaml.safe_load((HERE / "devices.yaml").read_text()), *VALUES["pieces"])


def _has(piece: Tree, spot: Spot) -> bool:
    """Whether a piece has the element that the field is in; of a device, any of its kind."""
    if len(spot.steps) == 1:
        return False
    tree: Any = piece["domain"]
    for step in spot.steps[:2] if spot.kind else spot.steps[:-1]:
        tree = tree.get(step.name) if isinstance(tree, dict) else None
        tree = tree[0] if isinstance(tree, list) and tree else tree
    return tree is not None


def _piece(spot: Spot, machine: str, chance: random.Random) -> Tree:
    """A piece with the field's element, where the machine has one."""
    fitting = [piece for piece in _pieces() if machine in piece["machines"] and _has(piece, spot)]
    found: Tree = chance.choice(fitting)["domain"] if fitting else {}
    return found


def _value(spot: Spot, chance: random.Random) -> Any:
    """A value at or around the field's bounds; one in sixteen is beyond them."""
    scalar = spot.field.scalar
    assert scalar is not None
    words = _frontend_values(spot.field, scalar)
    if words:
        return chance.choice(words)
    kind = scalar.schema.get("type")
    if kind == "boolean":
        return chance.choice([True, True, False])
    if kind == "integer":
        return _number(scalar, chance)
    if spot.path in VALUES["texts"]:
        return chance.choice(VALUES["texts"][spot.path])
    if kind == "array":
        return chance.choice(VALUES["sets"])
    if kind is None:
        return chance.choice(VALUES["sizes"])
    return _text(scalar, chance)


def _number(scalar: Scalar, chance: random.Random) -> int:
    low, high = scalar.bounds
    if chance.random() < 1 / 16:
        return chance.choice([low - 1, high + 1])
    small = [number for number in (2, 3, 4, 8, 16, 255, 256, 512, 4096) if low <= number <= high]
    return chance.choice([low, low + 1, high - 1, high, *small])


def _text(scalar: Scalar, chance: random.Random) -> str:
    longest: int = scalar.schema["maxLength"]
    fitting = [text for text in VALUES["forms"] if scalar.check(text) is None]
    if chance.random() < 1 / 16:
        return "x" * (longest + 1)
    padded = "a" * longest
    return chance.choice([*fitting, *([padded] if scalar.check(padded) is None else [])] or [padded])


def _apply(domain: Tree, change: Change) -> None:
    """Set the change's value, making what is missing on the way to it."""
    tree = domain
    for step in change.spot.steps[:-1]:
        if not step.many:
            tree = tree.setdefault(step.name, {})
            continue
        entries = tree.setdefault(step.name, [])
        if not entries:
            entries.append(_entry(step, change))
        tree = _fitting(entries, step, change)
    tree[change.spot.steps[-1].name] = change.value


def _fitting(entries: list[Tree], step: Field, change: Change) -> Tree:
    """The entry that gets the value: one that may have the field, or a new one."""
    shape = step.shape
    assert shape is not None
    allowed = _variants(shape, change)
    fitting = [entry for entry in entries if not allowed or entry.get(shape.variant_key) in allowed]
    if not fitting:
        fitting = [_entry(step, change)]
        entries.extend(fitting)
    return fitting[change.entry % len(fitting)]


def _variants(shape: Shape, change: Change) -> list[str]:
    """The values of a deciding field beside which the change's field makes sense; empty where any does."""
    names = {step.name for step in change.spot.steps}
    return sorted(value for value, fields in shape.variants.items() if names & fields - {shape.variant_key})


def _entry(step: Field, change: Change) -> Tree:
    """A new entry of a list, with the field that tells it from others where that is no name."""
    shape = step.shape
    assert shape is not None
    allowed = _variants(shape, change)
    if allowed:
        return {shape.variant_key: allowed[change.entry % len(allowed)]}
    key = shape.fields.get(shape.key)
    if key is None or key.name == "name" or key.scalar is None:
        return {}
    words = key.scalar.values
    return {key.name: words[change.entry % len(words)] if words else key.scalar.bounds[0]}
