"""A strict guest is refused a machine that its installer refuses, and no other guest is."""

from __future__ import annotations

from typing import Any

import pytest

from webhook import guests
from webhook.expand.guest_requirements import unmet_requirements

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
