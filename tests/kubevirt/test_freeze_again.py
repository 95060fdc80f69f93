"""A manifest that comes again, and the result that comes again: neither changes the machine that is stored."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from tests.kubevirt.edits import devices_of, machine
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.keeping.machine import ANNOTATION, read
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree


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


def _many(cards: int, disks: int) -> Tree:
    manifest = machine(0, ())
    devices_of(manifest)["interfaces"] = [{"name": f"net{at}", "bridge": {}} for at in range(cards)]
    devices_of(manifest)["disks"] = [{"name": f"disk{at}", "disk": {"bus": "virtio"}} for at in range(disks)]
    return manifest


def test_as_many_devices_as_kubevirt_takes_are_kept_and_noted() -> None:
    made = _settled(_many(256, 256), None, SITE)
    noted = read(made["spec"]["template"]["metadata"]["annotations"][ANNOTATION])
    assert noted is not None
    assert len(noted.identities) == 512


@pytest.mark.parametrize(("cards", "disks", "held"), [(1, 79, True), (79, 1, True), (1, 80, False), (80, 1, False)])
def test_places_are_held_of_as_many_cards_and_disks_as_there_are_places_for(
    cards: int, disks: int, *, held: bool
) -> None:
    manifest = _many(cards, disks)
    made = freeze(copy.deepcopy(manifest), None, SITE)
    listed = devices_of(_settled(manifest, None, SITE))
    placed = [each for each in listed["interfaces"] if "pciAddress" in each]
    placed += [each for each in listed["disks"] if "pciAddress" in each["disk"]]
    assert len(placed) == (80 if held else 0)
    assert [each.problem.partition(":")[0] for each in made.warnings] == (
        [] if held else ["81 network cards and virtio disks"]
    )


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"disks": [{"name": str(at), "disk": {}} for at in range(257)]}, "domain.devices.disks"),
        ({"interfaces": [{"name": str(at), "bridge": {}} for at in range(257)]}, "domain.devices.interfaces"),
        ({"inputs": [{"name": str(at)} for at in range(257)]}, "domain.devices.inputs"),
        ({"disks": [{"name": "root"}], "volumes": [{"name": str(at)} for at in range(256)]}, "domain.devices.disks"),
    ],
)
def test_a_vm_with_more_devices_than_kubevirt_takes_is_not_written_and_that_is_said(fields: Tree, path: str) -> None:
    manifest, stored = machine(1), machine(1)
    manifest["spec"]["template"]["spec"]["volumes"] = fields.pop("volumes", [])
    devices_of(manifest).update(fields)
    for before in (None, stored):
        made = freeze(copy.deepcopy(manifest), before, SITE)
        assert made.vm == manifest
        [warning] = made.warnings
        assert warning.path == f"spec.template.spec.{path}"
    assert freeze(copy.deepcopy(stored), manifest, SITE).vm != stored


def test_of_two_devices_at_one_place_the_first_is_noted_there() -> None:
    """No guest starts with them, but the API takes them: what is noted stays readable."""
    manifest = machine(2)
    for card in devices_of(manifest)["interfaces"]:
        card["pciAddress"] = "0000:07:00.0"
    made = _settled(manifest, None, SITE)
    assert freeze(copy.deepcopy(made), None, SITE).findings == ()
    noted = read(made["spec"]["template"]["metadata"]["annotations"][ANNOTATION])
    assert noted is not None
    assert noted.ports == {"interface net0": 7, "disk disk0": 31}
    devices_of(manifest)["interfaces"][1]["pciAddress"] = "0000:08:00.0"
    apart = read(_settled(manifest, made, SITE)["spec"]["template"]["metadata"]["annotations"][ANNOTATION])
    assert apart is not None
    assert apart.ports == {"interface net0": 7, "interface net1": 8, "disk disk0": 31}


def test_a_running_vm_with_two_devices_at_one_place_is_noted_readably() -> None:
    there = machine(2)
    for card in devices_of(there)["interfaces"]:
        card["pciAddress"] = "0000:07:00.0"
    there |= {"status": {"created": True}, "spec": {**there["spec"], "runStrategy": "Always"}}
    made = freeze(copy.deepcopy(there), there, SITE).vm
    assert read(made["spec"]["template"]["metadata"]["annotations"][ANNOTATION]) is not None


@pytest.mark.parametrize("serial", ["a b", "/", "x" * 257])
def test_a_serial_number_that_kubevirt_refuses_is_not_noted(serial: str) -> None:
    manifest = machine(1)
    devices_of(manifest)["disks"][0]["serial"] = serial
    made = _settled(manifest, None, SITE)
    assert freeze(made, None, SITE).findings == ()
    assert devices_of(made)["disks"][0]["serial"] == serial


def test_a_new_vm_that_says_it_is_being_deleted_is_kept_like_any_other() -> None:
    """The API server forgets that field of a new object only once we have seen it."""
    manifest = machine(1)
    manifest["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    made = freeze(manifest, None, SITE).vm
    assert devices_of(made)["interfaces"][0]["pciAddress"] == "0000:02:00.0"


def test_a_vm_that_is_being_deleted_is_not_written() -> None:
    stored = machine(1)
    stored["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert freeze(copy.deepcopy(stored), stored, SITE).vm == stored


def test_a_place_that_no_disk_of_the_stored_bus_has_is_left_to_kubevirt_to_refuse() -> None:
    manifest = machine(1, ("scsi",))
    devices_of(manifest)["disks"][0]["disk"]["pciAddress"] = "0000:07:00.0"
    assert devices_of(_settled(manifest, None, SITE))["disks"][0]["disk"]["pciAddress"] == "0000:07:00.0"
