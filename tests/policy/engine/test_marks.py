"""What the inspection marks for policy: a mark that is not made is a hole. Every tree is read twice, as many are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.context import PLACES
from webhook import findings
from webhook.declare import Backend, Frontend, Goal, inspect
from webhook.declare.inspect import _SUGGESTED
from webhook.declare.validation_cache import LONGEST, MOST, ValidationCache, remember
from webhook.domain import domain_shape
from webhook.policy.language.selection import class_name

CASES = yaml.load((Path(__file__).parent / "marks.yaml").read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    for _ in range(2):
        found = inspect(case["domain"], domain_shape(), "spec.domain")
        marks = {mark.path.removeprefix("spec.domain."): class_name(mark.field_class) for mark in found.marks}
        assert marks == case.get("marks", {})
        assert len(found.marks) == len(marks)
        assert [each.path.removeprefix("spec.domain.") for each in found.findings] == case.get("malformed", [])
        assert all(each.help for each in found.findings)


def test_a_backend_element_covers_the_places_in_it_and_no_others() -> None:
    for path, kind in (("domain.commandline", "escape-hatch"), ("domain.commandline.args[*].value", "escape-hatch")):
        assert PLACES[path].field_class == Backend(kind)
    assert PLACES["domain.devices.inputs[*].name"].field_class == Frontend()
    assert PLACES["domain.devices.disks[*].driver.cache"].field_class == Backend("io-tuning")
    assert PLACES["domain.devices.disks[*].source"].field_class == Goal()


def test_a_memory_keeps_so_many_simple_and_short_values() -> None:
    known: ValidationCache = {}
    for number in range(2 * MOST):
        remember(known, number)
    assert len(known) == MOST
    for value, kept in (("x" * LONGEST, True), ("x" * (LONGEST + 1), False), (1 << LONGEST, False), (True, True)):
        known = {}
        remember(known, value)
        assert known == ({value: type(value)} if kept else {})
    for value in ([1], {"a": 1}, None, 1.5):
        remember(known, value)
    assert known == {True: bool}
    remember(known, 1)
    assert known == {True: bool}, "a number is not the flag that it is equal to"


def test_a_list_with_more_entries_than_a_machine_has_is_one_finding() -> None:
    shape = PLACES["domain.devices.sounds[*]"].field.shape
    assert shape is not None
    entries = [{"name": f"s{number}"} for number in range(shape.most)]
    assert inspect({"devices": {"sounds": entries}}, domain_shape(), "domain").findings == []
    found = inspect({"devices": {"sounds": [*entries, {"name": "one more"}, 5]}}, domain_shape(), "domain").findings
    assert [each.path for each in found] == ["domain.devices.sounds"]


def test_only_the_first_unknown_fields_are_told_with_the_nearest_name() -> None:
    found = inspect({f"memory{number}": 1 for number in range(2 * _SUGGESTED)}, domain_shape(), "domain").findings
    assert sum("did you mean" in each.help for each in found) == _SUGGESTED


def test_long_texts_are_not_remembered() -> None:
    shape = domain_shape()
    for number in range(20):
        inspect({"description": f"{number}" + "x" * 4000}, shape, "domain")
    assert all(len(value) <= LONGEST for value in shape.fields["description"].seen)


def test_a_list_that_is_too_long_is_said_to_be_for_whoever_comes_after() -> None:
    shape = PLACES["domain.cpu.features[*]"].field.shape
    assert shape is not None
    entries = [{"name": "vmx"}] * (shape.most + 1)
    assert inspect({"cpu": {"features": entries}}, domain_shape(), "domain").oversized
    assert not inspect({"cpu": {"features": entries[:-1]}}, domain_shape(), "domain").oversized


def test_a_walk_that_finds_more_than_anybody_reads_ends() -> None:
    cells = [{"cell": number % 128, "memory": "many", "cpus": "all"} for number in range(2000)]
    found = inspect({"cpu": {"numa": cells}}, domain_shape(), "domain")
    assert len(found.findings) == findings.MOST
    assert found.oversized
    assert found.findings.cut
    few = inspect({"cpu": {"numa": cells[: findings.MOST // 2]}}, domain_shape(), "domain")
    assert len(few.findings) == findings.MOST
    assert not few.oversized
    assert not few.findings.cut
