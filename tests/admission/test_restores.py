"""Snapshots and restores by reviews: what comes back, what may become of a device, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admission.stored_objects import Stored, machine
from webhook.abi.compare import compare
from webhook.kinds import SNAPSHOT
from webhook.trees import Tree


@pytest.fixture
def stored() -> Stored:
    """A cluster with a VM, a snapshot of it, and another machine since."""
    made = Stored()
    made.send(machine())
    assert made.snapshot().obj
    since = {
        "memory": "4Gi",
        "storage": [{"source": "root"}, {"type": "cdrom"}, {"source": "data"}],
        "network": [{"source": "front"}],
    }
    assert made.change("web", {"features": since}).obj
    return made


def restore(stored: Stored, devices: Tree | None = None, **more: Any) -> Any:
    wanted = {"snapshot": "before", **({"devices": devices} if devices else {})}
    return stored.change("web", {"restoreFrom": wanted}, **more)


def snapshot(stored: Stored) -> Tree:
    found: Tree = stored.objects[SNAPSHOT.name, "here", "before"]["spec"]["configuration"]
    return found


def test_the_machine_and_its_words_come_back(stored: Stored) -> None:
    made = restore(stored)
    assert made.spec["domain"] == snapshot(stored)["domain"]
    assert made.spec["features"] == snapshot(stored)["features"]
    assert any("memory.size: is now `2048` instead of `4096` (reboot:" in each for each in made.warnings)


def test_a_device_that_was_added_since_rests_at_its_place_and_comes_home(stored: Stored) -> None:
    data = stored.objects["VM", "here", "web"]["spec"]["domain"]["devices"]["disks"][2]
    made = restore(stored)
    (resting,) = made.spec["abi"]["tombstones"]["disks"]
    assert resting == data
    features = made.spec["features"]
    again = stored.change("web", {"features": {"storage": [*features["storage"], {"source": "data"}]}})
    assert again.spec["domain"]["devices"]["disks"][2] == data
    assert "tombstones" not in again.spec["abi"]


def test_a_device_that_was_removed_since_is_back_and_rests_no_more(stored: Stored) -> None:
    assert "interfaces" in stored.objects["VM", "here", "web"]["spec"]["abi"]["tombstones"]
    assert "interfaces" not in restore(stored).spec["abi"]["tombstones"]


def test_an_update_after_the_restore_is_no_restore(stored: Stored) -> None:
    made = restore(stored)
    again = stored.change("web", {})
    assert again.spec == made.spec
    assert not again.warnings
    smaller = stored.change("web", {"features": {"memory": "1Gi"}})
    assert smaller.spec["domain"]["memory"]["size"] == 1024
    assert smaller.spec["restoreFrom"] == {"snapshot": "before"}


def test_taken_out_and_written_again_it_is_another_restore(stored: Stored) -> None:
    restore(stored)
    stored.change("web", {"features": {"memory": "1Gi"}, "restoreFrom": None})
    assert restore(stored).spec["domain"]["memory"]["size"] == 2048
    history = stored.objects["VM", "here", "web"]["spec"]["abi"]["history"]
    assert [entry["snapshot"] for entry in history] == ["before", "before"]


def test_the_record_stays_bounded(stored: Stored) -> None:
    for _ in range(12):
        restore(stored)
        stored.change("web", {"features": {"memory": "1Gi"}, "restoreFrom": None})
    assert len(stored.objects["VM", "here", "web"]["spec"]["abi"]["history"]) == 8


def test_a_stored_manifest_is_created_again_without_its_snapshot(stored: Stored) -> None:
    made = restore(stored)
    stored.objects.clear()
    again = stored.send(
        {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "web"}, "spec": made.spec}
    )
    assert again.spec == made.spec


def test_a_placeholder_keeps_place_and_address_and_the_next_update_leaves_it(stored: Stored) -> None:
    back = snapshot(stored)["domain"]["devices"]["interfaces"][1]
    made = restore(stored, {"interfaces": [{"name": "back", "placeholder": True}]})
    nic = made.spec["domain"]["devices"]["interfaces"][1]
    assert nic == {name: value for name, value in back.items() if name != "network"} | {"link": "down"}
    after = stored.change("web", {"features": {"memory": "1Gi"}})
    assert after.spec["domain"]["devices"]["interfaces"][1] == nic


def test_a_drive_is_empty_and_a_disk_is_not(stored: Stored) -> None:
    made = restore(stored, {"disks": [{"name": "tools", "placeholder": True}]})
    assert "claim" not in made.spec["domain"]["devices"]["disks"][1]
    refused = restore(stored, {"disks": [{"name": "root", "placeholder": True}]})
    assert "spec.restoreFrom.devices.disks[0].placeholder" in refused.told
    assert "name another `claim`" in refused.told


def test_a_substitute_has_the_old_hardware(stored: Stored) -> None:
    root = snapshot(stored)["domain"]["devices"]["disks"][0]
    made = restore(stored, {"disks": [{"name": "root", "claim": "root-copy"}]})
    assert made.spec["domain"]["devices"]["disks"][0] == root | {"claim": "root-copy"}
    assert made.spec["features"]["storage"][0] == {"source": "root-copy", "name": "root"}


@pytest.mark.parametrize(
    ("device", "problem", "way"),
    [
        ({"name": "bak", "placeholder": True}, "`bak` is no device of the snapshot", "did you mean `back`?"),
        ({"name": "back"}, "says neither `placeholder: true` nor `network`", "say one of the two"),
        (
            {"name": "back", "placeholder": True, "network": "x"},
            "says both `placeholder` and `network`",
            "one of the two",
        ),
    ],
)
def test_what_is_said_of_a_device_has_to_mean_something(stored: Stored, device: Tree, problem: str, way: str) -> None:
    told = restore(stored, {"interfaces": [device]}).told
    assert problem in told
    assert way in told


def test_nothing_stands_for_a_card_of_the_hosts() -> None:
    stored = Stored()
    stored.send(machine(features={"network": [{"source": "fast", "type": "sriov"}]}))
    stored.snapshot()
    told = restore(stored, {"interfaces": [{"name": "fast", "placeholder": True}]}).told
    assert "which nothing can stand for" in told
    assert restore(stored, {"interfaces": [{"name": "fast", "network": "faster"}]}).obj


def test_a_restore_says_nothing_else(stored: Stored) -> None:
    wanted = {"restoreFrom": {"snapshot": "before"}}
    told = stored.change("web", {**wanted, "features": {"memory": "8Gi"}}).told
    assert "spec.features: says something else than the machine and the snapshot do" in told
    told = stored.change("web", {**wanted, "domain": {"memory": {"size": 9}}}).told
    assert "spec.domain: says something else" in told
    told = stored.change("web", {**wanted, "features": {"storage": [{"source": "root"}, {"source": "new"}]}}).told
    assert "spec.features: says something else" in told
    # What is left out is not said.
    vm = stored.objects["VM", "here", "web"]
    assert stored.send({**vm, "spec": {"features": {"cpu": {}}, **wanted}}).obj
    stored.change("web", {"restoreFrom": None})
    # What the snapshot says anyway is said in both places without harm.
    assert stored.change("web", {**wanted, "features": snapshot(stored)["features"]}).obj


def test_it_is_for_a_machine_that_does_not_run(stored: Stored) -> None:
    vm = stored.objects["VM", "here", "web"]
    vm["status"] = {"current": vm["spec"]["domain"]}
    assert "stop the VM first" in restore(stored).told
    vm["status"] = {"phase": "Stopped"}
    assert restore(stored).obj


def test_it_is_for_the_machine_of_the_snapshot(stored: Stored) -> None:
    stored.send(machine("other"))
    told = stored.change("other", {"restoreFrom": {"snapshot": "before"}}).told
    assert "is of the machine with the UUID" in told
    new = {**machine("twin"), "spec": {"restoreFrom": {"snapshot": "before"}}}
    assert "second machine with the identities of the VM `web`" in stored.send(new).told
    del stored.objects["VM", "here", "web"]
    assert stored.send(new).spec["domain"] == snapshot(stored)["domain"]


def test_memory_is_of_the_machine_that_runs(stored: Stored) -> None:
    assert "does not run" in stored.snapshot("now", memory=True).told
    vm = stored.objects["VM", "here", "web"]
    vm["status"] = {"current": snapshot(stored)["domain"]}
    taken = stored.snapshot("now", memory=True).spec
    assert not list(compare(snapshot(stored)["domain"], taken["configuration"]["domain"]))
    assert [disk["name"] for disk in taken["configuration"]["abi"]["tombstones"]["disks"]] == ["data"]
    vm["status"] = {}
    otherwise = {"snapshot": "now", "devices": {"disks": [{"name": "root", "claim": "x"}]}}
    assert "exactly or not at all" in stored.change("web", {"restoreFrom": otherwise}).told
    made = stored.change("web", {"restoreFrom": {"snapshot": "now"}})
    assert not list(compare(snapshot(stored)["domain"], made.spec["domain"]))
    assert stored.change("web", {"features": {"memory": "1Gi"}}).spec["domain"]["memory"]["size"] == 1024


def test_what_the_agent_does_not_report_whole_has_no_memory_to_restore(stored: Stored) -> None:
    stored.objects["VM", "here", "web"]["status"] = {"current": {"memory": {"size": 2048}}}
    told = stored.snapshot("now", memory=True).told
    assert "spec.memory: the running machine of `web` could not be restored" in told


def test_what_the_host_provides_for_the_running_machine_is_no_part_of_its_snapshot(stored: Stored) -> None:
    vm = stored.objects["VM", "here", "web"]
    current = snapshot(stored)["domain"]
    disks = [{**disk, "source": {"file": f"/var/lib/{disk['name']}"}} for disk in current["devices"]["disks"]]
    vm["status"] = {"current": {**current, "devices": {**current["devices"], "disks": disks}}}
    taken = stored.snapshot("now", memory=True).spec["configuration"]["domain"]["devices"]["disks"]
    assert all("source" not in disk for disk in taken)
    assert taken[0]["claim"] == "root"


def test_what_is_not_known_yet_is_to_be_asked_again(stored: Stored) -> None:
    stored.known["VM"].synced = stored.known[SNAPSHOT.name].synced = False
    for told in (stored.snapshot("other").told, restore(stored).told):
        assert "not all of them are known at this moment" in told
        assert "try again" in told
    stored.context.sources = None
    assert "`--sources=watch`" in restore(stored).told


def test_a_manifest_that_is_sent_again_needs_no_words_of_the_service(stored: Stored) -> None:
    taken = stored.objects[SNAPSHOT.name, "here", "before"]
    assert stored.snapshot().obj == taken


def test_other_updates_find_no_snapshot(stored: Stored) -> None:
    restore(stored)
    stored.context.sources = None
    assert stored.change("web", {"features": {"memory": "1Gi"}}).obj
