"""A feature is one file: one that nobody has asked for, added to the features, and no other change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_cli import vmconfig
from tests.extending.overlay import Called, call, overlay, vm, written

LINUX = {"system": {"type": "linux"}, "memory": 1024}


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Called]:
    folder = overlay(tmp_path_factory.mktemp("feature"), "pedal.py")
    asked = written(folder / "vm.yaml", vm(features={**LINUX, "pedal": {"side": "right"}}))
    wrong = written(folder / "wrong.yaml", vm(features={**LINUX, "pedal": {"sid": "left", "bus": "isa"}, "pedals": {}}))
    contradicting = vm(
        features={**LINUX, "pedal": {"bus": "usb"}},
        domain={"devices": {"inputs": [{"name": "pedal-left", "bus": "ps2"}]}},
    )
    without = written(folder / "without.yaml", vm(features=LINUX))
    calls = {
        "expand": ["expand", asked],
        "check": ["check", asked],
        "wrong": ["check", "-o", "json", wrong],
        "contradicted": ["check", "-o", "json", written(folder / "two.yaml", contradicting)],
        "without": ["expand", without],
        "asked": ["explain", asked, "spec.domain.devices.inputs[pedal-right].name"],
        "default": ["explain", asked, "spec.domain.devices.inputs[pedal-right].type"],
        "crd": ["crd", "-o", "json"],
        "render": ["render", asked],
    }
    return dict(zip(calls, call(folder, *calls.values()), strict=True))


def test_it_becomes_a_device_that_is_placed_and_passes(called: dict[str, Called]) -> None:
    (pedal,) = pedals(called["expand"])
    assert pedal["type"] == "keyboard"
    assert pedal["address"].startswith("usb:")
    assert called["check"] == Called(0, "", "")
    assert '<alias name="ua-pedal-right"/>' in called["render"].out


def test_it_does_not_where_nobody_asks_for_it(called: dict[str, Called]) -> None:
    assert pedals(called["without"]) == []


def test_what_it_does_not_know_is_refused_with_the_nearest_name(called: dict[str, Called]) -> None:
    found = {finding["path"]: finding["help"] for finding in called["wrong"].tree}
    assert set(found) == {f"spec.features.{name}" for name in ("pedal.sid", "pedal.bus", "pedals")}
    assert "`side`" in found["spec.features.pedal.sid"]
    assert "`pedal`" in found["spec.features.pedals"]


def test_what_contradicts_it_is_refused(called: dict[str, Called]) -> None:
    assert [finding["path"] for finding in called["contradicted"].tree] == ["spec.features.pedal"]


def test_explain_names_it(called: dict[str, Called]) -> None:
    assert "asked by spec.features.pedal" in called["asked"].out
    assert "default of spec.features.pedal (rule set 2026.2: guests/linux.yaml linux)" in called["default"].out


def test_it_is_in_the_schema_with_its_description(called: dict[str, Called]) -> None:
    version = called["crd"].tree[0]["spec"]["versions"][0]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    made = spec["properties"]["features"]["properties"]["pedal"]
    assert made["description"].startswith("A feature that nobody has asked for")
    assert made["properties"]["side"]["enum"] == ["left", "right"]


def test_there_is_none_without_its_file(tmp_path: Path) -> None:
    asked = written(tmp_path / "vm.yaml", vm(features={**LINUX, "pedal": {}}))
    assert "spec.features.pedal: " in vmconfig("check", asked).stdout


def pedals(expanded: Called) -> list[dict[str, dict[str, str]]]:
    devices = expanded.tree["spec"]["domain"]["devices"]
    return [device for device in devices.get("inputs", []) if device["name"].startswith("pedal")]
