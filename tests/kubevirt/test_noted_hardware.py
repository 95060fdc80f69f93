"""The whole hardware that is noted of a VM for a hook: when, of which machines, and what an update makes of it."""

from __future__ import annotations

import copy

import pytest

from tests.kubevirt.conftest import Of
from tests.kubevirt.edits import devices_of, edited, machine, on_arm64
from tests.kubevirt.objects import review
from webhook.admission.context import KubeVirtSettings
from webhook.admission.kubevirt_machine import keep_machine
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.keeping.hardware import Hardware
from webhook.kubevirt.keeping.machine import ANNOTATION, read
from webhook.kubevirt.starting.site import Frozen, Site
from webhook.trees import Tree

HOOKED = Site(hook=True)
DOG = {"name": "dog", "i6300esb": {"action": "reset"}}


def stored(vm: Tree, before: Tree | None = None, site: Site = HOOKED) -> Frozen:
    made = freeze(copy.deepcopy(vm), before, site)
    assert made.findings == ()
    assert freeze(made.vm, made.vm, site).vm == made.vm
    return made


def hardware(made: Frozen) -> Hardware | None:
    machine = read(made.vm["spec"]["template"]["metadata"]["annotations"][ANNOTATION])
    assert machine is not None
    return machine.hardware


def noted(made: Frozen) -> Hardware:
    found = hardware(made)
    assert found is not None
    return found


def test_a_vm_that_starts_through_a_hook_has_it_noted_and_another_has_not() -> None:
    vm = machine(1, ("virtio", "sata"), rng={})
    found = noted(stored(vm))
    assert found.addresses["rng"] == "pci 0d:00.0"
    assert found.addresses["disk disk1"] == "sata 0:0:0:0"
    assert found.addresses["disk disk0"] == "pci 1f:00.0"
    assert len(found.controllers) == 31
    assert hardware(stored(vm, site=Site())) is None


def test_the_webhook_notes_it_where_it_is_told_to(context: Of) -> None:
    vm = machine(1, ("virtio",))
    asked = context()
    assert '"hardware"' not in str(keep_machine(review(vm), asked).patch)
    asked.kubevirt = KubeVirtSettings(hardware=True)
    assert '"hardware"' in str(keep_machine(review(vm), asked).patch).replace("\\", "")


def test_a_stored_vm_gets_what_kubevirt_has_given_it_until_now() -> None:
    vm = machine(2, ("virtio",), rng={})
    before = stored(vm, site=Site()).vm
    made = stored(edited(vm, {"set": {"autoattachMemBalloon": False}}), before)
    assert noted(made).addresses["rng"] == noted(stored(vm)).addresses["rng"]
    assert made.moves == ()
    assert stored(edited(vm, {"set": {"autoattachMemBalloon": False}}), before, Site()).moves == ("rng",)


def test_a_device_that_comes_back_finds_its_place_and_one_that_came_meanwhile_has_another() -> None:
    vm = machine(1, ("virtio",), rng={}, watchdog=DOG)
    first = stored(vm)
    without = stored(edited(vm, {"set": {"rng": None, "watchdog": None}}), first.vm)
    with_gpu = stored(edited(without.vm, {"set": {"gpus": [{"name": "gpu", "deviceName": "v/g"}]}}), without.vm)
    again = stored(edited(with_gpu.vm, {"set": {"rng": {}, "watchdog": DOG}}), with_gpu.vm)
    for name in ("rng", "watchdog dog"):
        assert noted(again).addresses[name] == noted(first).addresses[name]
    assert len({*noted(again).addresses.values()}) == len(noted(again).addresses)
    assert with_gpu.moves == again.moves == ()


def test_a_running_vm_has_it_noted_without_a_change_of_its_fields() -> None:
    vm = machine(1, ("virtio",), rng={})
    vm["spec"]["runStrategy"] = "Always"
    running = {**copy.deepcopy(vm), "status": {"created": True}}
    made = freeze(copy.deepcopy(vm), running, HOOKED)
    assert noted(made).addresses["interface net0"] == "pci 01:00.0"
    assert devices_of(made.vm) == devices_of(vm)
    before = freeze(copy.deepcopy(vm), running, Site()).vm | {"status": {"created": True}}
    assert noted(freeze(copy.deepcopy(vm), before, HOOKED)) == noted(made)
    # A KubeVirt that places anew: what was noted comes back where an update leaves it out, and no more is made up.
    kept = freeze(copy.deepcopy(vm), before, Site(hook=True, version="v1.7.1"))
    assert hardware(kept) is None
    assert kept.vm["spec"]["template"]["metadata"] == before["spec"]["template"]["metadata"]


def test_the_owners_own_place_is_his_and_who_had_it_is_said_to_move() -> None:
    vm = machine(1, ("virtio",), inputs=[{"name": "tablet", "type": "tablet", "bus": "usb"}])
    first = stored(vm)
    taking = copy.deepcopy(first.vm)
    devices_of(taking)["interfaces"][0]["pciAddress"] = "0000:09:00.0"
    made = stored(taking, first.vm)
    assert noted(made).addresses["interface net0"] == "pci 09:00.0"
    assert set(made.moves) == {"interface net0", "usb0"}
    assert "the guest finds the USB controller at pci" in str(made.warnings)


def test_the_machine_follows_the_vms_and_a_name_without_a_version_leaves_it() -> None:
    vm = machine(1, ("virtio",))
    first = stored(vm)
    newer = copy.deepcopy(first.vm)
    newer["spec"]["template"]["spec"]["domain"]["machine"]["type"] = "pc-q35-8.0"
    assert noted(stored(newer, first.vm)).machine == "pc-q35-8.0"
    newer["spec"]["template"]["spec"]["domain"]["machine"]["type"] = "q35"
    assert noted(stored(newer, first.vm)).machine == "pc-q35-7.2"


@pytest.mark.parametrize(
    ("vm", "site"),
    [
        (on_arm64(machine(1, ("virtio",), rng={})), HOOKED),
        (machine(1, ("virtio",), rng={}), Site(hook=True, version="v1.7.1")),
        (machine(2, ("virtio",) * 100), HOOKED),
    ],
    ids=["arm64", "a KubeVirt that places anew", "a hundred disks"],
)
def test_places_that_no_field_holds_are_noted_of_a_new_vm(vm: Tree, site: Site) -> None:
    made = stored(vm, site=site)
    assert noted(made).addresses["disk disk0"]
    assert made.warnings == ()
    told = stored(vm, vm, site)
    if len(devices_of(vm)["disks"]) < 100:
        # Where its devices are now nobody knows.
        assert hardware(told) is None
        assert "vmconfig capture --kubevirt" in str(told.warnings)


@pytest.mark.parametrize(
    "change",
    [{"architecture": "s390x"}, {"transitional": True}, {"machine": "pc-i440fx-7.2"}],
    ids=["s390x", "transitional devices", "i440fx"],
)
def test_no_hardware_is_made_up_for_other_machines(change: Tree) -> None:
    vm = machine(1, ("virtio",))
    template = vm["spec"]["template"]["spec"]
    if "architecture" in change:
        template["architecture"] = change["architecture"]
    if "transitional" in change:
        devices_of(vm)["useVirtioTransitional"] = True
    template["domain"]["machine"]["type"] = change.get("machine", "")
    made = stored(vm)
    assert hardware(made) is None
    assert "places are held on x86_64" in str(made.warnings)


def test_the_annotation_of_the_largest_vm_fits_an_argument_of_a_hook() -> None:
    vm = machine(4, tuple(("sata", "scsi", "virtio")[at % 3] for at in range(120)))
    made = stored(vm)
    for round_ in range(8):
        disks = devices_of(vm)["disks"]
        dropped = [{"drop": each["name"]} for each in disks[:100]]
        more = [{"disk": f"more-{round_}-{at}-with-a-long-name", "bus": "scsi"} for at in range(100)]
        vm = edited(vm, *dropped, *more)
        made = stored(vm, made.vm)
    text = made.vm["spec"]["template"]["metadata"]["annotations"][ANNOTATION]
    assert len(text) <= 64 << 10
    here = {f"disk {each['name']}" for each in devices_of(vm)["disks"]}
    assert here <= {*noted(made).addresses}


def test_what_was_noted_stays_noted_where_the_hook_is_gone() -> None:
    first = stored(machine(1, ("virtio",), rng={}))
    later = stored(edited(first.vm, {"set": {"autoattachMemBalloon": False}}), first.vm, Site())
    assert noted(later).addresses["rng"] == noted(first).addresses["rng"]
    # KubeVirt alone moves it, and it is said.
    assert later.moves == ("rng",)
