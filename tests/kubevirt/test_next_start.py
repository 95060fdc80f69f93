"""What the audit of an upgrade says of one VM: what is known of its last start, and what is not is said.

Places themselves are held to KubeVirt's own code in `test_fleet.py`.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kubevirt.edits import devices_of, edited, machine
from tests.kubevirt.test_hostile import JSON, places
from webhook.declare.tree import copied
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.next_start import NOTE, NextStart, Upgrade, next_start
from webhook.kubevirt.starting.devices import SLOT_COUNT
from webhook.kubevirt.starting.held_ports import is_large
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

UPGRADE = Upgrade("v1.6.1", "v1.9.0", stated=True)
NAMED = {"name": "vm", "namespace": "tenant"}


def annotated(vm: Tree, **annotations: str) -> Tree:
    made: Tree = copied(vm)
    made["spec"]["template"]["metadata"] = {
        "annotations": {f"kubevirt.io/{key}": annotations[key] for key in annotations}
    }
    return made


def noted(vm: Tree, version: str, slots: str = "") -> Tree:
    made = annotated(vm)
    made["spec"]["template"]["metadata"]["annotations"] = {NOTE: version, **({SLOT_COUNT: slots} if slots else {})}
    return made


def running(vm: Tree) -> Tree:
    """The instance that runs of a VM as it is now."""
    template = copied(vm["spec"]["template"])
    return {"metadata": {**NAMED, **template.get("metadata", {})}, "spec": template["spec"]}


def told(vm: Any, upgrade: Upgrade = UPGRADE, instance: Any = None, **objects: Tree) -> NextStart:
    return next_start(vm, instance, upgrade, Site(find=lambda kind, *_: objects.get(kind)))


def test_an_upgrade_from_a_version_that_counts_ports_moves_what_is_behind_them() -> None:
    found = told(machine(2))
    assert found.outcome == "moves"
    assert found.reason == "KubeVirt held 9 root ports behind the network cards, v1.9.0 holds 2"
    assert {move.name for move in found.moves} == {"scsi0", "virtio-serial0", "disk disk0", "memballoon"}
    assert found.hold == {NOTE: "v2", SLOT_COUNT: "11"}


@pytest.mark.parametrize("before", ["v1.5.2", "v1.6.4", "v1.7.2", "v1.8.2", "v1.9.0"])
def test_an_upgrade_from_a_version_that_does_not_count_them_moves_nothing(before: str) -> None:
    assert told(machine(2), Upgrade(before, "v1.9.0", stated=True)).outcome == "stays"


@pytest.mark.parametrize("upgrade", [UPGRADE, Upgrade("", "v1.9.0"), Upgrade("v1.9.0", "v1.9.0")])
def test_what_kubevirt_noted_of_a_vm_comes_before_the_version_of_the_cluster(upgrade: Upgrade) -> None:
    assert told(noted(machine(2), "v3"), upgrade).outcome == "stays"
    assert told(noted(machine(2), "v2", "12"), upgrade).outcome == "stays"


def test_a_count_without_a_note_is_of_the_next_start_alone() -> None:
    """KubeVirt 1.6.1 does not read it."""
    vm = annotated(machine(2), **{"pci-interface-slot-count": "5"})
    assert "held 9 root ports behind the network cards, v1.9.0 holds 3" in told(vm).reason


def test_a_vm_that_says_nothing_where_nobody_knows_the_version_is_unknown() -> None:
    found = told(machine(2), Upgrade("", "v1.9.0"))
    assert (found.outcome, found.moves) == ("unknown", ())
    assert "`--from`" in found.reason


def test_a_vm_without_the_note_that_the_clusters_version_writes_has_not_started_with_it() -> None:
    assert "has not started with KubeVirt v1.8.2 yet" in told(machine(2), Upgrade("v1.8.2", "v1.9.0")).reason
    # Of a version that writes none it may have.
    assert told(machine(2), Upgrade("v1.6.1", "v1.9.0")).outcome == "moves"


@pytest.mark.parametrize(("which", "name"), [("instancetype", "big"), ("preference", "windows")])
def test_what_a_missing_object_makes_of_a_vm_is_not_guessed(which: str, name: str) -> None:
    vm = machine(2)
    vm["spec"][which] = {"name": name}
    found = told(vm)
    assert found.outcome == "unknown"
    assert f"`{name}` is not found" in found.reason
    kind = {"instancetype": "VirtualMachineClusterInstancetype", "preference": "VirtualMachineClusterPreference"}[which]
    assert told(vm, **{kind: {"spec": {"memory": {"guest": "1Gi"}}}}).outcome != "unknown"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": "arm64"}, "x86_64 with q35"),
        ({"domain": None}, "spec.template.spec.domain is missing, expected an object"),
        ({"volumes": [{"name": f"v{at}"} for at in range(300)]}, "more than the 256 entries"),
    ],
)
def test_a_machine_of_which_places_are_not_known_is_unknown(change: Tree, words: str) -> None:
    vm = machine(2)
    vm["spec"]["template"]["spec"] |= change
    found = told(vm)
    assert found.outcome == "unknown"
    assert words in found.reason


def test_memory_that_is_no_amount_is_unknown_where_ports_are_counted_by_it_and_elsewhere_does_not_matter() -> None:
    vm = edited(machine(2), {"memory": "much"})
    assert "memory is no amount" in told(vm).reason
    assert told(vm, Upgrade("v1.5.0", "v1.9.0")).outcome == "stays"


@pytest.mark.parametrize(
    ("amount", "large"),
    [("2Gi", False), ("2049Mi", True), ("2.5Gi", True), ("2147483648", False), (2147483649, True), ("3e9", True),
     ("2G", False), ("3000000000000m", True), ("", None), ("Gi", None), ("-1Gi", None), (True, None), ([], None)],
)  # fmt: skip
def test_an_amount_of_memory_is_read_as_kubernetes_reads_it(amount: Any, large: bool | None) -> None:
    assert is_large({"domain": {"memory": {"guest": amount}}}, None) is large


def test_a_count_that_is_no_number_is_said() -> None:
    assert "is no number of ports" in told(noted(machine(2), "v2", "many")).reason
    assert told(noted(machine(2), "v2", "0")).outcome == "stays"


def test_a_frozen_vm_does_not_move_and_without_its_annotation_is_another_vm() -> None:
    frozen = freeze(machine(3, ("virtio", "sata")), None, Site()).vm
    for upgrade in (UPGRADE, Upgrade("", "v1.9.0"), Upgrade("v1.9.0", "v1.9.0")):
        assert told(frozen, upgrade).outcome == "frozen"
    del frozen["spec"]["template"]["metadata"]["annotations"]
    assert told(frozen).outcome == "moves"


def test_a_vm_without_cards_and_virtio_disks_is_frozen_by_its_count_of_ports() -> None:
    frozen = freeze(machine(0, ("sata",)), None, Site()).vm
    assert told(frozen, Upgrade("v1.9.0", "v1.9.0")).outcome == "frozen"


def test_a_vm_that_was_kept_where_no_place_can_be_held_moves_like_any_other() -> None:
    """Its annotation has its identities."""
    kept = freeze(machine(3, ("virtio", "sata")), None, Site("v1.6.1")).vm
    assert {move.name for move in told(kept).moves} == {
        move.name for move in told(machine(3, ("virtio", "sata"))).moves
    }
    assert told(kept, Upgrade("v1.9.0", "v1.9.0")).outcome == "unknown"


def test_of_a_vm_whose_hardware_is_noted_it_is_said_that_a_hook_keeps_it() -> None:
    frozen = freeze(machine(3, ("virtio", "sata")), None, Site(hook=True)).vm
    notes = told(frozen, Upgrade("v1.9.0", "v1.7.0")).notes
    assert [note.help for note in notes] == ["see to it that KubeVirt calls `vmconfig hook`"]
    without = freeze(machine(3, ("virtio", "sata")), None, Site()).vm
    assert told(without, Upgrade("v1.9.0", "v1.7.0")).notes == ()


def test_a_vm_that_was_kept_with_four_ports_stays_where_they_are_four_by_themselves() -> None:
    kept = freeze(machine(3, ("virtio", "sata")), None, Site("v1.5.2")).vm
    assert told(kept, Upgrade("v1.5.2", "v1.9.0")).outcome == "frozen"


def test_a_frozen_vm_moves_by_a_version_that_counts_ports() -> None:
    frozen = freeze(machine(3, ("virtio", "sata")), None, Site()).vm
    found = told(frozen, Upgrade("v1.9.0", "v1.7.0"))
    assert found.outcome == "moves"
    assert not found.hold
    assert "1.7.2" in found.help


@pytest.mark.parametrize(("created", "outcome"), [(True, "stays"), (False, "moves")])
def test_a_version_that_notes_ports_notes_those_of_a_guest_that_runs(created: bool, outcome: str) -> None:
    found = told({**machine(2), "status": {"created": created}}, Upgrade("v1.6.1", "v1.8.2"))
    assert found.outcome == outcome
    assert ("as it notes" in found.reason) is created


def test_a_bridge_makes_its_note_wrong_by_one_and_a_note_of_our_own_before_it_right() -> None:
    vm = {**machine(2, watchdog={"name": "dog", "i6300esb": {"action": "reset"}}), "status": {"created": True}}
    found = told(vm, Upgrade("v1.6.1", "v1.8.2"))
    assert found.outcome == "moves"
    helped = noted(vm, *found.hold.values())
    assert told(helped, Upgrade("v1.6.1", "v1.8.2")).outcome == "stays"


def test_the_instance_that_runs_says_what_the_last_start_was() -> None:
    vm = machine(2)
    assert told(vm, Upgrade("v1.9.0", "v1.9.0"), running(noted(vm, "v3"))).outcome == "stays"
    changed = edited(vm, {"disk": "new", "bus": "virtio", "at": 0})
    found = told(changed, Upgrade("v1.9.0", "v1.9.0"), running(noted(vm, "v3")))
    assert {move.name for move in found.moves} == {"disk disk0", "memballoon"}
    assert not found.hold
    assert found.help.startswith("undo what was changed")


def test_what_kubevirt_noted_of_the_instance_it_carries_to_the_vm() -> None:
    vm = machine(2)
    found = told(vm, Upgrade("v1.8.2", "v1.9.0"), running(noted(vm, "v2", "12")))
    assert (found.outcome, found.moves) == ("stays", ())
    assert "v1.9.0 holds 10" in found.reason


def test_an_instance_without_a_note_started_before_the_version_of_the_cluster() -> None:
    vm = noted(machine(2), "v3")
    assert told(vm, Upgrade("v1.9.0", "v1.9.0"), running(machine(2))).outcome == "unknown"
    assert told(vm, Upgrade("v1.6.1", "v1.9.0", stated=True), running(machine(2))).outcome == "moves"


def test_where_a_plugged_disk_is_is_said_not_to_be_known_and_the_others_are() -> None:
    vm = edited(machine(2), {"disk": "hot", "bus": "virtio", "at": 0})
    vm["spec"]["template"]["spec"]["volumes"][-1]["persistentVolumeClaim"]["hotpluggable"] = True
    found = told(vm)
    assert {move.name for move in found.moves} == {move.name for move in told(machine(2)).moves}
    assert [note.problem for note in found.notes] == [
        "`hot`: plugged in while the guest runs, at a place that nothing says"
    ]
    assert told(machine(2)).notes == ()


def test_a_vm_that_was_changed_since_it_started_is_said_to_be_where_its_instance_is_not_there() -> None:
    vm = {**machine(2), "status": {"created": True, "conditions": [{"type": "RestartRequired", "status": "True"}]}}
    assert "changed since it started" in told(vm).notes[0].problem
    assert told(vm, instance=running(vm)).notes == ()
    vm["status"]["conditions"][0]["status"] = "False"
    assert told(vm).notes == ()


WHOLE: Tree = {
    **noted(machine(2, ("virtio", "scsi"), rng={}), "v2", "12"),
    "status": {"created": True, "conditions": []},
}
WHOLE["spec"] |= {"instancetype": {"name": "big"}, "preference": {"name": "windows"}}
PLACES = list(places(WHOLE))


@settings(max_examples=300, deadline=None)
@given(way=st.sampled_from(PLACES), value=JSON, instance=JSON, found=JSON)
def test_any_json_at_any_place_has_an_answer(way: tuple[Any, ...], value: Any, instance: Any, found: Any) -> None:
    made: Any = copied(WHOLE)
    holder = made
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = value
    site = Site(find=lambda *_: found if type(found) is dict else None)
    for running_one in (None, instance, {"metadata": made["metadata"], "spec": made["spec"]}):
        for upgrade in (UPGRADE, Upgrade("v1.6.1", "v1.8.2"), Upgrade("", "v1.7.0")):
            assert next_start(made, running_one, upgrade, site).outcome in ("moves", "unknown", "frozen", "stays")


def test_devices_that_the_vm_lost_since_its_start_do_not_move() -> None:
    vm = machine(2, ("virtio", "virtio"))
    smaller = edited(vm, {"drop": "disk1"})
    assert devices_of(smaller)["disks"]
    found = told(smaller, Upgrade("v1.9.0", "v1.9.0"), running(noted(vm, "v3")))
    assert {move.name for move in found.moves} == {"memballoon"}
