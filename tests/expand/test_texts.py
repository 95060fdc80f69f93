"""An address is one text: what each is made of, and what is answered to another spelling or to its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from tests import strategies
from webhook.declare import inspect, shape_of
from webhook.domain.address import Address, parts, place
from webhook.domain.address_text import read, write
from webhook.domain.devices.device import Device

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "texts.yaml").read_text())
SHAPE = shape_of(Device)
# One text of each kind, as the page on addresses has it, and the place that it is.
TEXTS = {
    "0000:01:00.0": "0000:01:00.0",
    "0000:00:02.0,multifunction=on": "0000:00:02.0",
    "0000:00:02.0,multifunction=off": "0000:00:02.0",
    "0000:00:01.0,uid=0x0001,fid=0x00000001": "0000:00:01.0",
    "fe.0.0001": "fe.0.0001",
    "drive:0:0:0:1": "drive:0:0:0:1",
    "usb:0:1": "usb:0:1",
    "usb:0:1.2": "usb:0:1.2",
    "virtio-serial:0:0:1": "virtio-serial:0:0:1",
    "isa:0x3f8,irq=4": "isa:0x3f8",
    "isa:0x3f8": "isa:0x3f8",
    "isa:irq=4": "",
    "spapr-vio:0x71000000": "spapr-vio:0x71000000",
    "ccid:0:0": "ccid:0:0",
    "dimm:0": "dimm:0",
    "dimm:0,base=0x100000000": "dimm:0",
    "virtio-mmio": "",
    "unassigned": "",
}


def found(address: Any) -> list[tuple[str, str]]:
    return [(each.problem, each.help) for each in inspect({"address": address}, SHAPE, "").findings]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["address"]))
def test_what_is_written_otherwise_is_answered_with_the_text_to_write(case: dict[str, Any]) -> None:
    assert found(case["address"]) == [(case["problem"], case["help"])]


@pytest.mark.parametrize("case", [case for case in CASES if case["help"].startswith("write `")], ids=str)
def test_the_text_that_is_offered_is_taken(case: dict[str, Any]) -> None:
    assert found(case["help"].removeprefix("write ").strip("`")) == []


@pytest.mark.parametrize("text", TEXTS)
def test_each_kind_has_a_text_that_stands_for_its_parts(text: str) -> None:
    assert found(text) == []
    assert write(dict(parts(text))) == text
    assert place(text) == TEXTS[text]
    page = (Path(__file__).parents[2] / "docs" / "reference" / "addresses.md").read_text()
    assert text in page or "=off" in text


def test_there_is_a_text_of_each_type() -> None:
    types = shape_of(Address).fields["type"].scalar
    assert types is not None
    assert {parts(text)["type"] for text in TEXTS} == set(types.values)


@given(strategies.scalars(SHAPE.fields["address"].scalar))  # type: ignore[arg-type]
def test_a_text_is_read_and_written_as_it_was(text: str) -> None:
    there = read(text)
    assert there is not None
    assert write(there) == text


@given(strategies.JSON)
def test_no_value_makes_the_inspection_fail(value: Any) -> None:
    found(value)
