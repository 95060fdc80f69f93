"""A strict guest is refused a machine that its installer refuses, and no other guest is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.consistency.vms import context
from webhook import guests
from webhook.expand.guest_requirements import far_too_small, unmet_requirements
from webhook.expand.pipeline import expand

FIT: dict[str, Any] = {
    "os": {"firmware": "efi"},
    "memory": {"size": 4096},
    "vcpu": {"count": 4, "current": 2},
    "devices": {"tpm": {"version": "2.0"}},
}


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"os": {"firmware": "bios"}}, ["spec.domain.os.firmware"]),
        ({"devices": {}}, ["spec.domain.devices.tpm"]),
        ({"devices": {"tpm": {"version": "1.2"}}}, ["spec.domain.devices.tpm"]),
        ({"memory": {"size": "4095Mi"}}, ["spec.domain.memory.size"]),
        ({"memory": {"size": "4Gi"}}, []),
        ({"vcpu": {"count": 4, "current": 1}}, ["spec.domain.vcpu.current"]),
    ],
)
def test_windows_11_has_its_minima(changed: dict[str, Any], found: list[str]) -> None:
    guest = guests.find({"type": "windows", "version": "11"}, "2026.1")
    assert [finding.path for finding in unmet_requirements({**FIT, **changed}, guest, "spec.domain")] == found


@pytest.mark.parametrize("version", ["10", "2k19", ""])
def test_older_windows_is_installed_on_anything(version: str) -> None:
    guest = guests.find({"type": "windows", "version": version}, "2026.1")
    assert unmet_requirements({"memory": {"size": 512}}, guest, "spec.domain") == []


@pytest.mark.parametrize(("size", "warned"), [(4, True), ("767Mi", True), (768, False), ("1Gi", False)])
def test_memory_of_less_than_a_quarter_of_the_minimum_is_warned_of_and_a_quarter_is_not(
    size: int | str, warned: bool
) -> None:
    guest = guests.find({"type": "ubuntu", "version": "24.04"}, "2026.1")
    found = [finding.path for finding in far_too_small({"memory": {"size": size}}, guest, "spec.domain")]
    assert found == (["spec.domain.memory.size"] if warned else [])


def test_a_new_machine_is_warned_of_tiny_memory_and_a_stored_one_is_not() -> None:
    features = {"system": {"type": "ubuntu"}, "memory": 4, "storage": [{"source": "a"}]}
    made = expand({"features": features}, context(), "spec")
    assert [note.path for note in made.notes] == ["spec.features.memory"]
    assert expand(made.spec, context(), "spec").notes == []


def test_memory_of_another_guest_may_be_anything() -> None:
    guest = guests.find({}, "2026.1")
    assert list(far_too_small({"memory": {"size": 1}}, guest, "spec.domain")) == []
