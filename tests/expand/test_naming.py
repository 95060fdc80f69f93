"""Names: of the device's own words, unlike any other of its list, and kept."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.domain.names import label
from webhook.expand.naming import name_devices


@pytest.mark.parametrize(
    ("devices", "names"),
    [
        pytest.param({"disks": [{"claim": "my.Disk"}]}, ["my-disk"], id="a disk is named after its claim"),
        pytest.param({"disks": [{"device": "cdrom"}]}, ["cdrom"], id="a CD-ROM drive is named so"),
        pytest.param({"disks": [{}, {}]}, ["disk", "disk-2"], id="two of a kind are counted"),
        pytest.param({"disks": [{"name": "disk"}, {}]}, ["disk", "disk-2"], id="a given name is not given twice"),
        pytest.param({"interfaces": [{"network": "front"}]}, ["front"], id="a NIC is named after its network"),
        pytest.param({"rng": {}}, ["rng"], id="a single device is named after its kind"),
    ],
)
def test_names(devices: dict[str, Any], names: list[str]) -> None:
    name_devices(devices)
    (entries,) = devices.values()
    assert [entry["name"] for entry in (entries if isinstance(entries, list) else [entries])] == names


def test_controllers_are_named_by_the_allocators() -> None:
    devices: dict[str, Any] = {"controllers": [{"type": "scsi"}]}
    name_devices(devices)
    assert devices == {"controllers": [{"type": "scsi"}]}


def test_a_label_has_at_most_63_characters_with_a_number_behind() -> None:
    assert len(label("a" * 200)) <= 55
    assert label("--x--") == "x"
