"""What is written into a VM of KubeVirt's, what comes back when it is left out, and what its owner is told."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kubevirt.edits import devices_of, edited, machine
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.kubevirt.starting.site import Frozen, Site
from webhook.trees import Tree

SLOTS = "kubevirt.io/pci-interface-slot-count"
NAMED = Site(machines={"q35": "pc-q35-9.4"})


@pytest.fixture
def site() -> Site:
    numbers = count(1)
    return replace(NAMED, entropy=lambda length: next(numbers).to_bytes(length, "little"))


def annotations(vm: Tree) -> dict[str, str]:
    found: dict[str, str] = vm["spec"]["template"].get("metadata", {}).get("annotations", {})
    return found


def addresses(vm: Tree) -> dict[str, str | None]:
    devices = devices_of(vm)
    cards = {each["name"]: each.get("pciAddress") for each in devices["interfaces"]}
    return cards | {each["name"]: each.get("disk", {}).get("pciAddress") for each in devices["disks"]}


def words(made: Frozen) -> str:
    return " ".join(map(str, made.warnings))


def stored(manifest: Tree, site: Site) -> Tree:
    made = freeze(manifest, None, site)
    assert made.findings == ()
    return made.vm


def running(vm: Tree) -> Tree:
    return {**vm, "status": {"created": True}, "spec": {**vm["spec"], "runStrategy": "Always"}}


def test_a_new_vm_states_its_identities_and_the_places_of_cards_and_virtio_disks(site: Site) -> None:
    made = stored(machine(2, ("virtio", "virtio", "sata")), site)
    assert addresses(made) == {
        "net0": "0000:02:00.0",
        "net1": "0000:03:00.0",
        "disk0": "0000:1f:00.0",
        "disk1": "0000:10:00.0",
        "disk2": None,
    }
    assert annotations(made)[SLOTS] == "9"
    assert all(each["macAddress"][1] in "26ae" for each in devices_of(made)["interfaces"])
    assert len({each["serial"] for each in devices_of(made)["disks"]}) == 3
    assert set(made["spec"]["template"]["spec"]["domain"]["firmware"]) == {"uuid", "serial"}


def test_what_a_new_vm_states_stays(site: Site) -> None:
    manifest = machine(1)
    devices_of(manifest)["interfaces"][0] |= {"macAddress": "02:00:00:00:00:01", "pciAddress": "0000:07:00.0"}
    devices_of(manifest)["disks"][0]["serial"] = "mine"
    made = stored(manifest, site)
    (card,), (disk,) = devices_of(made)["interfaces"], devices_of(made)["disks"]
    assert (card["macAddress"], card["pciAddress"], disk["serial"]) == ("02:00:00:00:00:01", "0000:07:00.0", "mine")


def test_the_manifest_applied_again_asks_for_nothing_else(site: Site) -> None:
    manifest = machine(2, ("virtio", "sata", "scsi"))
    made = stored(manifest, site)
    again = freeze(copy.deepcopy(manifest), made, site)
    assert again.vm == made
    assert again.warnings == ()


@pytest.mark.parametrize("runs", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize("adopted", [True, False], ids=["adopted before", "not met before"])
def test_ports_that_are_noted_of_a_guest_are_where_its_devices_stay(site: Site, runs: bool, adopted: bool) -> None:
    """As virt-handler notes them of a guest that an older KubeVirt started, and an admin before an upgrade."""
    there = machine(2, ("virtio", "virtio"))
    known = running(there) if runs or adopted else there
    if adopted:
        known = freeze(copy.deepcopy(known), known, site).vm
    noted = copy.deepcopy(known)
    noted["spec"]["template"].setdefault("metadata", {}).setdefault("annotations", {})[SLOTS] = "10"
    if not runs:
        noted |= {"status": {}, "spec": {**noted["spec"], "runStrategy": "Halted"}}
    made = freeze(noted, known, site).vm
    assert annotations(made)[SLOTS] == "10"
    # KubeVirt's own webhook comes in between, and ours is asked again.
    assert freeze(made, known, site).vm == made
    assert freeze(made, made, site).vm == made
    # Ten ports for cards, then the controllers of USB, SCSI and the console.
    assert json.loads(annotations(made)[ANNOTATION])["ports"] == {
        "interface net0": 1,
        "interface net1": 2,
        "disk disk0": 13,
        "disk disk1": 14,
    }
    # What leaves it out, as Git does, changes nothing of it.
    plain = {**noted, "spec": {**noted["spec"], "template": {"spec": noted["spec"]["template"]["spec"]}}}
    assert annotations(freeze(plain, made, site).vm)[SLOTS] == "10"


def test_a_removed_disk_comes_back_to_its_place_and_another_does_not_get_it(site: Site) -> None:
    manifest = machine(1, ("virtio", "virtio"))
    first = stored(manifest, site)
    without = freeze(edited(manifest, {"drop": "disk1"}), first, site).vm
    back = freeze(manifest, without, site).vm
    assert addresses(back) == addresses(first)
    assert devices_of(back)["disks"] == devices_of(first)["disks"]
    other = freeze(edited(manifest, {"drop": "disk1"}, {"disk": "new", "bus": "virtio"}), without, site).vm
    assert addresses(other)["new"] not in (addresses(first)["disk1"], None)


def test_the_order_of_disks_stays_and_is_said_and_a_new_one_stands_behind(site: Site) -> None:
    manifest = machine(1, ("sata", "scsi"))
    first = stored(manifest, site)
    turned = freeze(edited(manifest, {"reverse": "disks"}), first, site)
    assert [each["name"] for each in devices_of(turned.vm)["disks"]] == ["disk0", "disk1"]
    assert "another order" in words(turned)
    more = freeze(edited(manifest, {"disk": "new", "bus": "sata", "at": 0}), first, site)
    assert [each["name"] for each in devices_of(more.vm)["disks"]] == ["disk0", "disk1", "new"]
    assert more.warnings == ()


def test_a_new_disk_takes_the_unit_of_one_that_goes_and_else_only_one_disk_moves(site: Site) -> None:
    manifest = machine(1, ("sata", "sata", "sata", "sata"))
    first = stored(manifest, site)
    swapped = freeze(edited(manifest, {"drop": "disk1"}, {"disk": "new", "bus": "sata"}), first, site)
    assert [each["name"] for each in devices_of(swapped.vm)["disks"]] == ["disk0", "new", "disk2", "disk3"]
    assert swapped.moves == ()
    gone = freeze(edited(manifest, {"drop": "disk1"}), first, site)
    assert gone.moves == ("disk disk3",)
    assert "disk `disk3`" in words(gone)


def test_a_clone_is_another_vm_and_one_made_of_its_own_manifest_is_not(site: Site) -> None:
    first = stored(machine(1), site)
    clone = copy.deepcopy(first)
    clone["metadata"]["name"] = "clone"
    clone["spec"]["template"]["spec"]["domain"]["firmware"] = {"uuid": "", "serial": ""}
    devices_of(clone)["interfaces"][0]["macAddress"] = ""
    made = stored(clone, site)
    (was,), (now,) = devices_of(first)["disks"], devices_of(made)["disks"]
    assert now["serial"] != was["serial"]
    assert devices_of(made)["interfaces"][0]["macAddress"] != devices_of(first)["interfaces"][0]["macAddress"]
    assert addresses(made) == addresses(first)
    assert stored(copy.deepcopy(first), site) == first


def test_another_vm_with_the_same_uuid_is_said_and_the_same_vm_is_not(site: Site) -> None:
    first = stored(machine(1), site)
    other = copy.deepcopy(first)
    other["metadata"]["namespace"] = "elsewhere"
    assert "tenant/vm" in words(freeze(other, None, site))
    del other["metadata"]["namespace"]
    assert freeze(other, None, site).warnings == ()


@pytest.mark.parametrize(
    ("metadata", "first"),
    [
        ({"annotations": {"restore.kubevirt.io/lastRestoreUID": "1"}}, "0000:01:00.0"),
        ({"labels": {"velero.io/restore-name": "friday"}}, "0000:01:00.0"),
        ({"labels": {"app": "web"}}, "0000:02:00.0"),
    ],
)
def test_a_restored_vm_keeps_the_places_that_kubevirt_gave_it(site: Site, metadata: Tree, first: str) -> None:
    manifest = machine(1)
    manifest["metadata"] |= metadata
    made = stored(manifest, site)
    assert addresses(made)["net0"] == first
    assert ("serial" in devices_of(made)["disks"][0]) == (first == "0000:02:00.0")


def test_a_running_vm_is_noted_and_written_when_it_stops(site: Site) -> None:
    there = running(machine(2, ("virtio", "virtio")))
    noted = freeze(copy.deepcopy(there), there, site)
    assert noted.vm["spec"]["template"]["spec"] == there["spec"]["template"]["spec"]
    assert annotations(noted.vm)[SLOTS] == "4"
    assert "is stopped" in words(noted)
    assert freeze(copy.deepcopy(there), running(noted.vm), site).warnings == ()
    stopped = {**noted.vm, "spec": {**noted.vm["spec"], "runStrategy": "Halted"}}
    made = freeze(stopped, noted.vm, site)
    assert addresses(made.vm) == {
        "net0": "0000:01:00.0",
        "net1": "0000:02:00.0",
        "disk0": "0000:07:00.0",
        "disk1": "0000:08:00.0",
    }
    assert made.moves == ()
    assert "serial" not in devices_of(made.vm)["disks"][0]


@pytest.mark.parametrize(
    ("change", "written"),
    [
        ({"set": {"rng": {}}}, True),
        ({"disk": "new", "bus": "virtio"}, True),
        ({"card": "new"}, False),
        ({"memory": "8Gi"}, False),
    ],
)
def test_a_running_vm_is_written_only_with_a_change_that_needs_a_restart(
    site: Site, change: Tree, written: bool
) -> None:
    there = running(machine(2))
    noted = freeze(copy.deepcopy(there), there, site).vm
    made = freeze(edited(noted, change), noted, site)
    assert (addresses(made.vm)["net0"] is not None) == written


def test_a_card_plugged_into_a_running_vm_gets_its_place_and_what_is_there_stays(site: Site) -> None:
    first = running(stored(machine(2), site))
    made = freeze(edited(first, {"card": "new"}), first, site)
    assert addresses(made.vm) == {**addresses(first), "new": "0000:04:00.0"}
    assert made.moves == ()


@pytest.mark.parametrize(
    ("version", "slots", "told"),
    [
        ("v1.9.0", "9", ""),
        ("v1.7.2", "9", ""),
        ("v1.7.1", None, "KubeVirt v1.7.1 places every device anew"),
        ("v1.6.3", None, "KubeVirt v1.6.3 places every device anew"),
        ("v1.5.0", None, ""),
        ("", "9", ""),
    ],
)
def test_what_can_be_held_is_told_by_kubevirts_version(site: Site, version: str, slots: str | None, told: str) -> None:
    made = freeze(machine(2), None, replace(site, version=version))
    assert annotations(made.vm).get(SLOTS) == slots
    assert told in words(made)
    assert bool(told) == bool(made.warnings)


def test_a_machine_gets_its_version_where_an_admin_said_it_and_else_that_is_said(site: Site) -> None:
    manifest = machine(1)
    manifest["spec"]["template"]["spec"]["domain"]["machine"]["type"] = "q35"
    known = freeze(copy.deepcopy(manifest), None, site)
    assert known.vm["spec"]["template"]["spec"]["domain"]["machine"]["type"] == "pc-q35-9.4"
    assert known.warnings == ()
    assert freeze(copy.deepcopy(manifest), known.vm, site).vm == known.vm
    assert "`q35` has no version" in words(freeze(manifest, None, replace(site, machines={})))


def _preferring(bus: str, kind: str = "VirtualMachineClusterPreference") -> Site:
    found = {"spec": {"devices": {"preferredDiskBus": bus, "preferredRng": {}}}}
    objects = {(kind, "windows"): found, ("ControllerRevision", "windows-1"): {"data": found}}
    return replace(NAMED, find=lambda kind, _, name: objects.get((kind, name)))


@pytest.mark.parametrize(
    ("matcher", "kind"),
    [
        ({"name": "windows"}, "VirtualMachineClusterPreference"),
        ({"name": "windows", "kind": "VirtualMachinePreference"}, "VirtualMachinePreference"),
        ({"name": "windows", "revisionName": "windows-1"}, ""),
    ],
)
def test_a_preference_is_stated_and_what_it_says_later_changes_nothing(matcher: Tree, kind: str) -> None:
    manifest = machine(1)
    devices_of(manifest)["disks"] = [{"name": "disk0"}]
    manifest["spec"]["preference"] = matcher
    made = freeze(copy.deepcopy(manifest), None, _preferring("virtio", kind))
    assert devices_of(made.vm)["disks"][0]["disk"] == {"bus": "virtio", "pciAddress": "0000:1f:00.0"}
    assert devices_of(made.vm)["rng"] == {}
    assert freeze(manifest, made.vm, _preferring("sata", kind)).vm == made.vm


def test_what_a_vm_states_is_not_what_its_preference_says() -> None:
    manifest = machine(1, ("scsi",))
    manifest["spec"]["preference"] = {"name": "windows"}
    made = freeze(manifest, None, _preferring("virtio"))
    assert devices_of(made.vm)["disks"][0]["disk"] == {"bus": "scsi"}


def test_a_preference_that_is_not_found_is_said(site: Site) -> None:
    manifest = machine(1)
    manifest["spec"]["preference"] = {"name": "windows"}
    assert "`windows` is not found" in words(freeze(manifest, None, site))


def test_a_disk_on_another_bus_and_a_card_of_conventional_pci_leave_their_places(site: Site) -> None:
    """KubeVirt refuses the place of a virtio disk on another bus, and libvirt may not start such a card there."""
    first = stored(machine(1), site)
    change = copy.deepcopy(first)
    devices_of(change)["disks"][0]["disk"]["bus"] = "sata"
    devices_of(change)["interfaces"][0]["model"] = "e1000"
    made = freeze(change, first, site)
    assert addresses(made.vm) == {"net0": None, "disk0": None}
    devices_of(change)["disks"][0]["disk"] = {"bus": "virtio"}
    devices_of(change)["interfaces"][0]["model"] = "e1000e"
    assert addresses(freeze(change, first, site).vm) == addresses(first)


def test_what_kubevirt_adds_by_itself_is_stated_once(site: Site) -> None:
    manifest = machine(0, ())
    template = manifest["spec"]["template"]["spec"]
    template["volumes"] = [{"name": "root", "containerDisk": {}}, {"name": "dump", "memoryDump": {}}]
    made = stored(manifest, site)
    assert [each["name"] for each in devices_of(made)["disks"]] == ["root"]
    assert [sorted(each) for each in devices_of(made)["interfaces"]] == [["bridge", "macAddress", "name", "pciAddress"]]
    devices_of(manifest)["autoattachPodInterface"] = False
    assert not devices_of(stored(manifest, site)).get("interfaces")


BROKEN = ["", "{}", "[]", "{", '{"version":2}', '{"version":1,"of":1,"uuid":"","ports":{},"identities":{}}']
BROKEN += [
    json.dumps({"version": 1, "of": "", "uuid": "", "ports": ports, "identities": made})
    for ports, made in (
        ({"disk a": 0}, {}),
        ({"disk a": True}, {}),
        ({"disk a": 5, "disk b": 5}, {}),
        ({"usb0": 5}, {}),
        ({}, {"disk a": "<&>"}),
        ({f"disk {number}": number for number in range(1, 600)}, {}),
    )
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_new_vm_with_an_annotation_that_is_no_machine_is_refused_and_an_update_writes_it_anew(
    site: Site, text: str
) -> None:
    manifest = machine(1)
    first = stored(machine(1), site)
    manifest["spec"]["template"]["metadata"] = {"annotations": {ANNOTATION: text}}
    made = freeze(manifest, None, site)
    assert [each.path for each in made.findings] == [f"spec.template.metadata.annotations[{ANNOTATION}]"]
    assert freeze(manifest, first, site).vm == first
    assert freeze(machine(1), manifest, site).findings == ()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def _paths(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        yield from _paths(value, (*path, key))


FULL = stored(
    machine(2, ("virtio", "sata"), sound={"name": "s"}, inputs=[{"name": "t"}], watchdog={"name": "w"}, rng={}), NAMED
)
FULL["spec"] |= {"preference": {"name": "windows"}, "instancetype": {"name": "big"}}
PATHS = list(_paths(FULL))


@given(st.sampled_from(PATHS), ANY, st.sampled_from(["create", "update", "stored"]))
def test_no_object_is_an_exception(path: tuple[Any, ...], value: Any, case: str) -> None:
    broken = copy.deepcopy(FULL)
    at = broken
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    pair = {"create": (broken, None), "update": (broken, FULL), "stored": (FULL, broken)}[case]
    before = copy.deepcopy(pair)
    freeze(*pair, _preferring("virtio"))
    assert pair == before


@given(ANY)
def test_what_is_no_vm_is_left_alone(value: Any) -> None:
    assert freeze(value, None, NAMED).vm is value
