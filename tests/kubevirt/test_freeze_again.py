"""A manifest that comes again, and the result that comes again: neither changes the machine that is stored."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from tests.kubevirt.edits import devices_of, machine
from webhook.kubevirt.freeze import freeze
from webhook.kubevirt.site import Site

Tree = dict[str, Any]


def _bare(*volumes: str) -> Tree:
    """A VM that says nothing of disks and networks: KubeVirt adds them."""
    manifest = machine(0, ())
    manifest["spec"]["template"]["spec"]["volumes"] = [{"name": name, "containerDisk": {}} for name in volumes]
    return manifest


def _preferring(site: Site, **devices: Any) -> Site:
    found = {"spec": {"devices": devices}}
    return replace(site, find=lambda kind, _, name: found if (kind, name) == (_CLUSTER, "windows") else None)


_CLUSTER = "VirtualMachineClusterPreference"
SITE = Site(machines={"q35": "pc-q35-9.4"})


def _settled(manifest: Tree, stored: Tree | None, site: Site) -> Tree:
    """What is stored of a manifest; the same once more changes nothing."""
    made = freeze(copy.deepcopy(manifest), stored, site)
    assert made.findings == ()
    assert freeze(made.vm, stored, site).vm == made.vm
    assert freeze(made.vm, made.vm, site).vm == made.vm
    return made.vm


def test_a_disk_that_kubevirt_adds_keeps_its_serial_number_and_bus_when_the_manifest_comes_again() -> None:
    first = _settled(_bare("root", "data"), None, SITE)
    devices_of(first)["disks"][1]["disk"]["bus"] = "scsi"
    assert _settled(_bare("root", "data"), first, SITE) == first


def test_a_disk_of_a_new_volume_does_not_get_those_of_another() -> None:
    first = _settled(_bare("root"), None, SITE)
    devices_of(first)["disks"][0]["disk"]["bus"] = "scsi"
    made = devices_of(_settled(_bare("root", "data"), first, SITE))["disks"]
    assert made[0] == devices_of(first)["disks"][0]
    assert made[1]["disk"]["bus"] == "sata"
    assert made[1]["serial"] != made[0]["serial"]


@pytest.mark.parametrize("model", ["e1000e", "e1000"])
def test_a_card_that_kubevirt_adds_keeps_the_model_that_was_stated(model: str) -> None:
    first = _settled(_bare(), None, SITE)
    change = copy.deepcopy(first)
    devices_of(change)["interfaces"][0]["model"] = model
    changed = _settled(change, first, SITE)
    assert _settled(_bare(), changed, SITE) == changed


def test_a_card_that_kubevirt_adds_has_the_preferred_model_from_the_start() -> None:
    """KubeVirt adds the card of a VM without one, and fills the preference in behind."""
    manifest = _bare()
    manifest["spec"]["preference"] = {"name": "windows"}
    made = _settled(manifest, None, _preferring(SITE, preferredInterfaceModel="e1000"))
    assert devices_of(made)["interfaces"][0]["model"] == "e1000"
    later = _preferring(SITE, preferredInterfaceModel="rtl8139")
    assert _settled(manifest, made, later) == made
    devices_of(manifest)["interfaces"] = [{"name": "default", "bridge": {}}]
    assert devices_of(_settled(manifest, made, later))["interfaces"] == devices_of(made)["interfaces"]


@pytest.mark.parametrize("model", [7, "", None, {}])
def test_a_card_that_kubevirt_adds_does_not_get_a_model_that_is_no_text(model: Any) -> None:
    manifest = _bare()
    manifest["spec"]["preference"] = {"name": "windows"}
    made = _settled(manifest, None, _preferring(SITE, preferredInterfaceModel=model, preferredDiskBus=model))
    assert "model" not in devices_of(made)["interfaces"][0]


def test_a_card_that_gets_a_conventional_model_by_its_preference_leaves_its_place() -> None:
    first = _settled(_bare(), None, SITE)
    change = copy.deepcopy(first)
    change["spec"]["preference"] = {"name": "windows"}
    made = devices_of(_settled(change, first, _preferring(SITE, preferredInterfaceModel="e1000")))["interfaces"][0]
    assert made["model"] == "e1000"
    assert "pciAddress" not in made


def test_a_disk_whose_bus_the_preference_says_keeps_the_place_that_it_states() -> None:
    stored = machine(1)
    devices_of(stored)["disks"] = [{"name": "disk0", "disk": {"pciAddress": "0000:07:00.0"}}]
    stored["spec"]["preference"] = {"name": "windows"}
    site = _preferring(SITE, preferredDiskBus="virtio")
    made = devices_of(_settled(copy.deepcopy(stored), stored, site))["disks"][0]
    assert made["disk"] == {"pciAddress": "0000:07:00.0", "bus": "virtio"}


def test_a_disk_whose_bus_the_preference_does_not_say_leaves_it() -> None:
    stored = machine(1)
    devices_of(stored)["disks"] = [{"name": "disk0", "disk": {"pciAddress": "0000:07:00.0"}}]
    made = devices_of(_settled(copy.deepcopy(stored), stored, SITE))["disks"][0]
    assert made["disk"] == {"bus": "sata"}
