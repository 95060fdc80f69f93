"""Each list and object of the declarations, wide and repetitive, new and on updates: the work grows as the body does.

Steps are counted, not seconds: four times the body takes at most four times the steps, and each value at most a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import orjson
import pytest

from tests.attacks.admitting import review
from tests.attacks.manifests import BASES, context, spec_of
from tests.attacks.steps import key_of, nodes, put, rich, steps
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.review import Review, Verdict, answer
from webhook.admission.validate import validate
from webhook.declare import DeclaredField
from webhook.kinds import declared_fields
from webhook.trees import Tree

FEW, MANY = 40, 160
# Steps for the base and what surrounds a review, for one value of a body, and the growth that four times the body may
# have beyond four times the steps: lists of hundreds of devices get controllers and root ports, too.
BASE, A_VALUE, GROWTH = 60_000, 900, 1.25
Entries = Callable[[DeclaredField, int], list[object]]


def _once(path: str, place: DeclaredField) -> tuple[object, bool]:
    """Lists of one declaration cost the same wherever they stand; devices of a machine and tombstones do not."""
    assert place.field.shape is not None
    return place.field.shape.element, path.startswith("abi.")


# The first of each that are alike: later ones stand deeper.
LISTS = {
    path: declared_fields()[path]
    for path in {
        _once(path, place): path for path, place in reversed(declared_fields().items()) if place.field.many
    }.values()
}
OBJECTS = {
    place.field.shape.element: path
    for path, place in reversed(declared_fields().items())
    if place.field.shape is not None and not place.field.many
}


def keyed(place: DeclaredField, count: int) -> list[object]:
    shape = place.field.shape
    assert shape is not None
    return [{shape.key: key_of(shape.fields[shape.key], number)} if shape.key else {} for number in range(count)]


ENTRIES: dict[str, Entries] = {
    "empty entries": lambda _, count: [{} for _ in range(count)],
    "entries with keys": keyed,
    "entries with one key": lambda place, count: keyed(place, 1) * count,
    "entries with a value in each field": lambda place, count: [rich(place, number) for number in range(count)],
    "entries that are no objects": lambda _, count: list(range(count)),
    "one entry of unknown fields": lambda _, count: [{f"memory{number}": 1 for number in range(count)}],
}


def copy(tree: Tree) -> Tree:
    made: Tree = orjson.loads(orjson.dumps(tree))
    return made


def taken(spec: Tree, stored: Tree | None = None) -> tuple[int, int]:
    """The steps of both webhooks, answers included."""
    asked = review(spec, stored)
    return _steps(mutate, asked), _steps(validate, asked)


def _steps(hook: Callable[[Review, AdmissionContext], Verdict], asked: Review) -> int:
    return steps(lambda: answer(asked.uid, hook(asked, context())))


def grows(make: Callable[[int], tuple[Tree, Tree | None]]) -> Iterator[str]:
    """What is wrong with the steps for a body of few and one of many entries."""
    few, many = make(FEW), make(MANY)
    size = sum(nodes(tree) for tree in many if tree is not None)
    for hook, less, more in zip(("mutate", "validate"), taken(*few), taken(*many), strict=True):
        if more > BASE + A_VALUE * size:
            yield f"{hook}: {more} steps for {size} values"
        if more > BASE + GROWTH * MANY / FEW * less:
            yield f"{hook}: {less} steps for {FEW}, {more} for {MANY}"


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """What is made once a process is no part of a review."""
    for base in (spec_of("pc", {}, complete=True), copy(BASES["pc"])):
        taken(base)
        taken(base, spec_of("pc", {}, complete=True))


@pytest.mark.parametrize("entries", ENTRIES)
def test_a_new_machine_costs_as_its_lists_grow(entries: str) -> None:
    wrong = [
        f"{path}: {each}"
        for path, place in LISTS.items()
        for each in grows(lambda count: (put(copy(BASES["pc"]), path, ENTRIES[entries](place, count)), None))  # noqa: B023
    ]
    assert wrong == []


def test_a_new_machine_costs_as_its_objects_grow() -> None:
    wrong = [
        f"{path}: {each}"
        for path in OBJECTS.values()
        for each in grows(
            lambda count: (put(copy(BASES["pc"]), path, {f"memory{number}": {} for number in range(count)}), None)  # noqa: B023
        )
    ]
    assert wrong == []


def as_it_is(entries: list[object]) -> list[object]:
    return entries


CHANGES: dict[str, Callable[[list[object]], list[object]]] = {
    "as they are": as_it_is,
    "in another order": lambda entries: entries[::-1],
    "without their values": lambda entries: [{} for _ in entries],
    "all gone": lambda _: [],
    "each twice": lambda entries: [*entries, *entries],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("entries", ["entries with keys", "entries with a value in each field"])
def test_an_update_costs_as_what_is_stored_grows(entries: str, change: str) -> None:
    def update(path: str, place: DeclaredField) -> Callable[[int], tuple[Tree, Tree | None]]:
        def made(count: int) -> tuple[Tree, Tree | None]:
            stored = put(spec_of("pc", {}, complete=True), path, ENTRIES[entries](place, count))
            new = put(copy(stored), path, CHANGES[change](copy({"": ENTRIES[entries](place, count)})[""]))
            return {**new, "domain": {**new["domain"], "title": "another"}}, stored

        return made

    told = (path for path in LISTS if not path.startswith("features."))
    assert [f"{path}: {each}" for path in told for each in grows(update(path, LISTS[path]))] == []
