"""A device that a feature asks for is connected to something, or says that it is not."""

from __future__ import annotations

import pytest

from tests.abi.life import GUEST, admitted, devices
from webhook.findings import Refused
from webhook.trees import Tree

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


def domain(kind: str, device: Tree) -> Tree:
    return {"features": GUEST, "domain": {"devices": {kind: [{"name": "own", **device}]}}}


OPEN = [
    ("disks", {}, "claim", ("storage", {"name": "own", "blank": True})),
    ("disks", {"target": {"bus": "sata"}, "bootOrder": 1}, "claim", ("storage", {"name": "own", "blank": True})),
    ("disks", {"device": "disk", "type": "block"}, "claim", ("storage", {"name": "own", "blank": True})),
    ("disks", {"source": {"startupPolicy": "optional"}}, "claim", ("storage", {"name": "own", "blank": True})),
    ("interfaces", {}, "network", ("network", {"name": "own", "type": "pod"})),
    ("interfaces", {"model": "e1000e", "type": "bridge"}, "network", ("network", {"name": "own", "type": "pod"})),
]
SAID = [
    ("disks", {"claim": "a"}),
    ("disks", {"device": "cdrom"}),
    ("disks", {"device": "floppy"}),
    ("interfaces", {"network": "front"}),
    ("interfaces", {"network": "front", "sriov": True}),
]


@pytest.mark.parametrize(("kind", "device", "field", "way"), OPEN)
def test_a_device_of_the_domain_that_says_nothing_is_refused_and_its_help_works(
    kind: str, device: Tree, field: str, way: tuple[str, Tree]
) -> None:
    spec = domain(kind, device)
    with pytest.raises(Refused) as refused:
        admitted(spec)
    (finding,) = refused.value.findings
    assert finding.path == f"spec.domain.devices.{kind}[0].{field}"
    feature, entry = way
    assert all(f"{name}: {'true' if value is True else value}" in finding.help for name, value in entry.items())
    followed, _ = admitted({**spec, "features": {**GUEST, feature: [entry]}})
    assert admitted(followed, followed)[0] == followed
    named = {**device, field: "x"}
    assert devices(admitted(domain(kind, named))[0])["own"][field] == "x"


@pytest.mark.parametrize(("kind", "device"), SAID)
def test_one_that_says_it_or_may_be_empty_is_not(kind: str, device: Tree) -> None:
    stored, _ = admitted(domain(kind, device))
    assert admitted(stored, stored)[0] == stored


@pytest.mark.parametrize("kind", ["disks", "interfaces"])
def test_one_that_is_stored_so_stays_and_another_is_refused(kind: str) -> None:
    stored, _ = admitted(domain(kind, {"claim": "a"} if kind == "disks" else {"network": "a"}))
    (device,) = stored["domain"]["devices"][kind]
    del device["claim" if kind == "disks" else "network"]
    updated, _ = admitted({**stored, "features": {**GUEST, "rng": False}}, stored)
    assert updated["domain"]["devices"][kind] == [device]
    assert admitted(updated)[0]["domain"] == updated["domain"], "created again from what is stored"
    more = {**stored["domain"]["devices"], kind: [device, {"name": "other"}]}
    with pytest.raises(Refused, match=rf"spec\.domain\.devices\.{kind}\[1\]"):
        admitted({**stored, "domain": {**stored["domain"], "devices": more}}, stored)


def test_an_imported_machine_is_what_it_is_and_what_is_added_to_it_is_not() -> None:
    made, _ = admitted(domain("interfaces", {"network": "a"}))
    nics = [{name: value for name, value in made["domain"]["devices"]["interfaces"][0].items() if name != "network"}]
    found = {**made["domain"], "devices": {**made["domain"]["devices"], "interfaces": nics}}
    stored, _ = admitted({"abi": {"policy": "frozen", "origin": "imported"}, "domain": found})
    assert stored["domain"]["devices"]["interfaces"] == nics
    more = {**stored["domain"]["devices"], "interfaces": [*nics, {"name": "other", "model": "virtio"}]}
    with pytest.raises(Refused, match=r"spec\.domain\.devices\.interfaces\[1\]\.network"):
        admitted({**stored, "domain": {**stored["domain"], "devices": more}}, stored)
