"""What policy files cost, whatever they are: steps in proportion to their size, so much memory, and no more."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.policy.context import PLACES, TODAY, decide
from tests.policy.loading.shapes import SHAPES, Files, is_yaml
from webhook.findings import Refused
from webhook.policy import Loaded, Request
from webhook.policy.loading.budget import LIMITS, Budget
from webhook.policy.loading.load import Loading, load_contents
from webhook.policy.tools.schema import policy_schema

pytestmark = pytest.mark.thorough

# Calls of functions for each byte of a policy file; and whatever it holds, for tables of paths and some nearest names.
PER_BYTE, ALWAYS = 12, 800_000
# Below every limit, and more than there are findings or nearest names.
FEW, MANY = 300, 1_000
# Calls between two rests of a loader beside an event loop; the values of one list are made without any.
UNRESTED = 80_000
SPEC = {
    "domain": {
        "title": "t",
        "vcpu": {"count": 2},
        "os": {"kernel": "/k"},
        "devices": {"disks": [{"name": "a", "serial": "s", "source": {"file": "/f"}}] * 5},
    }
}


def steps(work: Callable[[], object]) -> int:
    """How many functions are called, Python's own and those in C."""
    count = 0

    def profile(_: object, event: str, __: object) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def loaded(files: Files) -> Loaded | Refused:
    try:
        return load_contents("policies", files, Loading(PLACES, today=lambda: TODAY))
    except Refused as refused:
        return refused


def size(files: Files) -> int:
    return sum(len(name) + len(content) for name, content in files)


def held(work: Callable[[Files], Callable[[], object]], shape: Callable[[int], Files]) -> None:
    """That what is to be done for a shape stays within its bounds, and that what is added costs no more."""
    few, many = shape(FEW), shape(MANY)
    first, then = steps(work(few)), steps(work(many))
    print(f"{size(few)} bytes: {first} steps, {size(many)} bytes: {then} steps")
    assert first <= ALWAYS + PER_BYTE * size(few)
    assert then <= first + PER_BYTE * (size(many) - size(few))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_loading_takes_grows_no_faster_than_the_files(shape: Callable[[int], Files]) -> None:
    held(lambda files: lambda: loaded(files), shape)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_the_first_decision_takes_grows_no_faster_than_the_files(shape: Callable[[int], Files]) -> None:
    request = Request("n", {"vmconfig.kubevirt.io/enforce": "baseline"}, "jane", ("devs",) * 50)

    def decided(files: Files) -> Callable[[], object]:
        found = loaded(files)
        return list if isinstance(found, Refused) else lambda: decide(found.engine, SPEC, request)

    held(decided, shape)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_is_yaml_and_its_size_is_what_is_asked_for(shape: Callable[[int], Files]) -> None:
    assert is_yaml(shape(20))
    assert size(shape(400)) > 2 * size(shape(100)) / 1.5


def test_every_list_and_map_of_the_language_has_a_shape() -> None:
    """By the schema for editors, which knows all of the language."""
    found = set(_collections(policy_schema(PLACES)))
    assert len(found) > 15
    assert found - {word.split(",")[0] for word in SHAPES} == set()


def _collections(schema: Any) -> Iterator[str]:
    """The names of properties that hold lists or maps, wherever they stand in a schema."""
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _collections(each)
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    for word, inner in properties.items():
        if inner.get("type") in ("array", "object") or inner.get("$ref") == "#/$defs/guard":
            yield word


@pytest.mark.parametrize("what", LIMITS)
def test_each_limit_is_told_in_the_docs(what: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()
    limit = LIMITS[what]
    assert f"| {limit.most:,} | {limit.what} |" in text


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_loader_rests_before_it_has_done_much(shape: Callable[[int], Files]) -> None:
    """Beside the event loop of a service: what runs between two rests is what a review may have to wait for."""
    count, since, longest = 0, 0, 0

    def profile(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    def rest() -> None:
        nonlocal since, longest
        longest, since = max(longest, count - since), count

    budget = Budget(rest)
    sys.setprofile(profile)
    try:
        with contextlib.suppress(Refused):
            load_contents("policies", shape(4 * MANY), Loading(PLACES, today=lambda: TODAY, budget=budget))
        rest()
    finally:
        sys.setprofile(None)
    print(f"{count} steps, {longest} of them without a rest")
    assert longest <= UNRESTED
