"""What the inspection marks for policy: a mark that is not made is a hole. Every tree is read twice, as many are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.world import PLACES
from webhook.declare import Backend, Frontend, Goal, inspect
from webhook.declare.inspect import _REMEMBERED
from webhook.domain import domain_shape
from webhook.policy.selection import class_of

CASES = yaml.load((Path(__file__).parent / "marks.yaml").read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    for _ in range(2):
        found = inspect(case["domain"], domain_shape(), "spec.domain")
        marks = {mark.path.removeprefix("spec.domain."): class_of(mark.half) for mark in found.marks}
        assert marks == case.get("marks", {})
        assert len(found.marks) == len(marks)
        assert [each.path.removeprefix("spec.domain.") for each in found.findings] == case.get("malformed", [])
        assert all(each.help for each in found.findings)


def test_a_backend_element_covers_the_places_in_it_and_no_others() -> None:
    for path, kind in (("domain.commandline", "escape-hatch"), ("domain.commandline.args[*].value", "escape-hatch")):
        assert PLACES[path].half == Backend(kind)
    assert PLACES["domain.devices.inputs[*].name"].half == Frontend()
    assert PLACES["domain.devices.disks[*].driver.cache"].half == Backend("io-tuning")
    assert PLACES["domain.devices.disks[*].source"].half == Goal()


def test_fields_remember_only_so_many_values() -> None:
    shape = domain_shape()
    for number in range(2 * _REMEMBERED):
        assert inspect({"title": f"vm {number}"}, shape, "domain").findings == []
    assert len(shape.fields["title"].seen) <= _REMEMBERED
