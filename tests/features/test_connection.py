"""A device that a feature asks for is connected to something, or says that it is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.abi.life import GUEST, admitted, devices
from webhook.findings import Refused

Tree = dict[str, Any]
NOTHING = [
    ("storage", [{"type": "disk"}], "source"),
    ("storage", [{"interface": "sata"}], "source"),
    ("network", [{}], "source"),
    ("network", [{"type": "sriov"}], "source"),
    ("devices", [{}], "resource"),
    ("filesystems", [{"tag": "data"}], "claim"),
]
SOMETHING = [
    ("storage", [{"source": "root"}]),
    ("storage", [{"blank": True}]),
    ("storage", [{"type": "cdrom"}]),
    ("network", [{"source": "front"}]),
    ("network", [{"type": "pod"}]),
    ("network", [{"type": "sriov", "source": "fast"}]),
    ("devices", [{"resource": "nvidia.com/gpu"}]),
    ("filesystems", [{"claim": "data"}]),
]


@pytest.mark.parametrize(("feature", "wanted", "field"), NOTHING)
def test_a_device_without_anything_is_refused_where_it_would_be_said(feature: str, wanted: Tree, field: str) -> None:
    with pytest.raises(Refused) as refused:
        admitted({"features": {**GUEST, feature: wanted}})
    assert [finding.path for finding in refused.value.findings] == [f"spec.features.{feature}[0].{field}"]
    assert all(finding.help for finding in refused.value.findings)


@pytest.mark.parametrize(("feature", "wanted"), SOMETHING)
def test_a_device_with_something_or_with_a_word_for_nothing_is_not(feature: str, wanted: Tree) -> None:
    stored, _ = admitted({"features": {**GUEST, feature: wanted}})
    assert admitted(stored, stored)[0] == stored


def test_what_the_domain_says_of_the_device_is_something() -> None:
    disks = [{"name": "root", "claim": "a"}]
    spec = {
        "features": {**GUEST, "storage": [{"name": "root", "bootOrder": 1}]},
        "domain": {"devices": {"disks": disks}},
    }
    stored, _ = admitted(spec)
    assert devices(stored)["root"]["claim"] == "a"
    assert admitted(stored, stored)[0] == stored


def test_a_disk_that_is_stored_does_not_lose_its_claim_unsaid() -> None:
    stored, _ = admitted({"features": {**GUEST, "storage": [{"name": "root", "source": "a"}]}})
    with pytest.raises(Refused, match=r"spec\.features\.storage\[0\]\.source"):
        admitted({**stored, "features": {**GUEST, "storage": [{"name": "root"}]}}, stored)
    blank, _ = admitted({**stored, "features": {**GUEST, "storage": [{"name": "root", "blank": True}]}}, stored)
    assert "claim" not in devices(blank)["root"]


def test_another_device_of_the_host_is_another_reference_of_the_same_device() -> None:
    stored, _ = admitted({"features": {**GUEST, "devices": [{"resource": "nvidia.com/A100"}]}})
    moved, _ = admitted({**stored, "features": {**GUEST, "devices": [{"resource": "nvidia.com/H100"}]}}, stored)
    (before,), (after,) = stored["domain"]["devices"]["hostdevs"], moved["domain"]["devices"]["hostdevs"]
    assert after == {**before, "device": "nvidia.com/H100"}
