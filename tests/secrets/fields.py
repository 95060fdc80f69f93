"""The fields that may hold a secret, and values by which a secret would be seen wherever it is told."""

from __future__ import annotations

from typing import Any

from tests.attacks.planting import possible, put
from webhook.declare import DeclaredField
from webhook.declare.tree import copied
from webhook.kinds import declared_fields
from webhook.trees import Tree

# In no name, word or value of ours; with a number of its own for fields that hold numbers.
CANARY = "hunter2-Secret"
NUMBER = 86753098675309
_RESTING = "abi.tombstones."


def leaves(*, secret: bool) -> dict[str, DeclaredField]:
    """Declared leaves by their path, those of the tombstones included."""
    return {
        path: place
        for path, place in declared_fields().items()
        if place.field.scalar is not None and _secret(place) is secret
    }


def _secret(place: DeclaredField) -> bool:
    return place.field.secret


def fitting(place: DeclaredField) -> Any:
    """A value that the field takes, with the canary in it where the field can hold it."""
    scalar = place.field.scalar
    assert scalar is not None
    for value in (CANARY, CANARY.replace("-", ""), f"/{CANARY}", *possible(scalar.schema)):
        if scalar.check(value) is None:
            return value
    raise AssertionError(f"nothing fits {place.path}")


def wrong(place: DeclaredField) -> list[Any]:
    """Values that the field does not take, in every way that there is, each with the canary in it."""
    scalar = place.field.scalar
    assert scalar is not None
    values: list[Any] = [
        f"{CANARY}\n", f"\u202e{CANARY}", CANARY * 2000, CANARY, f"{CANARY},x=`y`", NUMBER, -NUMBER, NUMBER + 0.5,
        [CANARY], [NUMBER], {CANARY: 1}, {"value": CANARY}, [{"name": CANARY}],
    ]  # fmt: skip
    return [value for value in values if scalar.check(value) is not None]


def at(path: str, value: Any) -> Tree:
    """A spec with this value at a declared path and nothing else."""
    spec: Tree = {}
    put(spec, path, value, 0)
    return spec


def beside(path: str, name: str, value: Any) -> Tree:
    """A spec with an undeclared field beside the one at this path."""
    return at(f"{path.rpartition('.')[0]}.{name}", value)


def doubled(path: str, value: Any) -> Tree:
    """A spec in which the entry that the path's value stands in is there twice."""
    spec = at(path, value)
    here: Any = spec
    for part in path.split(".")[:-1]:
        here = here[part.removesuffix("[*]")]
        if part.endswith("[*]"):
            last, here = here, here[0]
    last.append(copied(last[0]))
    return spec


def resting(path: str) -> bool:
    return path.startswith(_RESTING)


def told(text: object) -> bool:
    """Whether a text has the canary in it, whole or in part, in any case."""
    said = str(text).lower()
    return "hunter2" in said or str(NUMBER)[:10] in said
