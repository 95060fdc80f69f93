"""The VMs on the page of features are VMs: each passes as it stands there, and what the page says of it is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.abi.life import admitted
from webhook.libvirt.xml.render import render

PAGE = (Path(__file__).parents[2] / "docs" / "features.md").read_text()
VMS = {vm["metadata"]["name"]: vm["spec"] for vm in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", PAGE, re.S))}


@pytest.mark.parametrize("name", VMS)
def test_a_vm_of_the_page_passes_and_is_the_same_when_it_is_made_again(name: str) -> None:
    stored, _ = admitted(VMS[name])
    assert admitted(stored)[0] == stored


def test_the_trainer_has_all_that_its_features_say() -> None:
    stored, _ = admitted(VMS["trainer"])
    devices = stored["domain"]["devices"]
    assert stored["domain"]["goals"] == {"hugepages": "1Gi", "exclusiveCpus": True}
    assert [nic.get("model") for nic in devices["interfaces"]] == ["virtio", None]
    assert devices["hostdevs"][0]["address"]
    xml = render(stored["domain"], "trainer")
    assert re.findall(r'iothread="(\d)"', xml) == ["1", "2"]
    assert '<driver type="virtiofs"/>' in xml


@pytest.mark.parametrize(("name", "memory", "at_boot"), [("dimms", 6, 6), ("elastic", 12, 5)])
def test_a_balloon_is_set_to_all_that_the_guest_has(name: str, memory: int, at_boot: int) -> None:
    xml = render(admitted(VMS[name])[0]["domain"], name)
    assert f"<memory>{memory << 20}</memory>" in xml
    assert f"<currentMemory>{at_boot << 20}</currentMemory>" in xml


def test_a_dimm_comes_and_goes_by_an_update_and_nothing_else_does() -> None:
    spec = VMS["dimms"]
    before, _ = admitted({"features": spec["features"]})
    grown, _ = admitted({**before, "domain": _with_dimm(before["domain"], spec["domain"]["devices"])}, before)
    assert [one["name"] for one in grown["domain"]["devices"]["memories"]] == ["more"]
    again, _ = admitted({**grown, "domain": _with_dimm(grown["domain"], {"memories": []})}, grown)
    assert not again["domain"]["devices"].pop("memories", None)
    assert again["domain"] == before["domain"]


def _with_dimm(domain: dict[str, Any], devices: dict[str, Any]) -> dict[str, Any]:
    return {**domain, "devices": {**domain["devices"], **devices}}
