"""Devices without a name where they need one: refused where they come in, and no error where they are stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admission.stored_objects import API, Stored, machine, merged
from webhook.admission.sources import CLONE, CONFIG
from webhook.declare.tree import copied
from webhook.kinds import SNAPSHOT
from webhook.trees import Tree

UNNAMED: list[Tree] = [
    {"disks": [{}]},
    {"interfaces": [{}]},
    {"disks": [{"serial": "X1"}]},
    {"controllers": [{}]},
]


@pytest.fixture
def stored() -> Stored:
    made = Stored()
    made.send(machine())
    made.snapshot()
    return made


def resting(tombstones: Tree) -> Tree:
    return {"abi": {"tombstones": tombstones}}


def edited(stored: Stored, kind: str, name: str, spec: Tree) -> None:
    """What somebody stores while the service is away."""
    obj = copied(stored.objects[kind, "here", name])
    stored.objects[kind, "here", name] = {**obj, "spec": merged(obj["spec"], spec)}


def without_a_name(stored: Stored, kind: str = "disks") -> Tree:
    """A part of the spec whose first device of this list has no name."""
    first, *others = stored.objects["VM", "here", "web"]["spec"]["domain"]["devices"][kind]
    return {"domain": {"devices": {kind: [{key: first[key] for key in first if key != "name"}, *others]}}}


# What rests.


@pytest.mark.parametrize("tombstones", UNNAMED)
@pytest.mark.parametrize("halves", ["both", "validate"])
def test_a_tombstone_without_a_name_is_refused_with_its_place(stored: Stored, tombstones: Tree, halves: str) -> None:
    (kind,) = tombstones
    for answer in (
        stored.send(machine("new", **resting(tombstones)), halves=halves),
        stored.change("web", resting(tombstones), halves=halves),
    ):
        assert f"spec.abi.tombstones.{kind}[0].name: is missing" in answer.told
        assert "leave the entry out" in answer.told


@pytest.mark.parametrize("tombstones", [{"disks": [{"name": "old"}]}, {"disks": []}, {"rng": {"model": "virtio"}}])
def test_a_tombstone_with_a_name_and_one_of_a_device_that_needs_none_are_not(tombstones: Tree) -> None:
    stored = Stored()
    assert stored.send(machine(**resting(tombstones))).obj
    assert stored.change("web", {"features": {"memory": "3Gi"}}).obj


def test_a_device_without_a_name_beside_an_unnamed_tombstone_is_no_error_of_ours() -> None:
    obj = machine(domain={"devices": {"disks": [{"claim": "x"}]}}, **resting({"disks": [{}]}))
    assert "tombstones.disks[0].name" in Stored().send(obj).told


@pytest.mark.parametrize("tombstones", UNNAMED)
def test_a_stored_one_is_left_out_with_the_next_update_and_the_others_stay(stored: Stored, tombstones: Tree) -> None:
    stored.change("web", {"features": {"network": [{"source": "front"}]}})
    (back,) = stored.objects["VM", "here", "web"]["spec"]["abi"]["tombstones"]["interfaces"]
    edited(stored, "VM", "web", resting({**tombstones, "interfaces": [back, *tombstones.get("interfaces", [])]}))
    told = stored.change("web", {"features": {"memory": "3Gi"}}).told
    assert "is missing" in told
    kept = {kind: [back] if kind == "interfaces" else None for kind in (*tombstones, "interfaces")}
    after = stored.change("web", {"features": {"memory": "3Gi"}, **resting(kept)}).spec
    assert after["abi"]["tombstones"] == {"interfaces": [back]}


def test_a_manifest_changes_a_vm_with_a_stored_one(stored: Stored) -> None:
    edited(stored, "VM", "web", resting({"disks": [{}]}))
    assert "tombstones" not in stored.send(machine(features={"memory": "3Gi"})).spec["abi"]


def test_a_machine_of_a_source_with_an_unnamed_tombstone_is_made_without_it(stored: Stored) -> None:
    edited(stored, "VM", "web", resting({"disks": [{}]}))
    edited(stored, SNAPSHOT.name, "before", {"configuration": resting({"disks": [{}]})})
    clone = {**machine("copy"), "metadata": {"name": "copy", "annotations": {CLONE: "vm/web"}}, "spec": {}}
    assert "tombstones" not in stored.send(clone).spec["abi"]
    del stored.objects["VM", "here", "web"]
    again = {**machine(), "spec": {"restoreFrom": {"snapshot": "before"}}}
    assert not stored.send(again).spec["abi"].get("tombstones")


# What is stored.


@pytest.mark.parametrize("kind", ["disks", "interfaces"])
@pytest.mark.parametrize("halves", ["both", "validate"])
def test_a_stored_device_without_a_name_is_malformed_where_it_is_stored(stored: Stored, kind: str, halves: str) -> None:
    whole = copied(stored.objects["VM", "here", "web"])
    edited(stored, "VM", "web", without_a_name(stored, kind))
    changed = {**whole, "spec": merged(whole["spec"], {"features": {"memory": "3Gi"}})}
    told = stored.send(changed, halves=halves).told
    assert f"spec.domain.devices.{kind}[0].name: is malformed where it is stored: is missing" in told
    stored.objects["VM", "here", "web"] = whole
    assert stored.send(changed).obj


@pytest.mark.parametrize("annotation", [{CLONE: "vmconfig/kept"}, {CONFIG: "kept"}])
def test_nothing_is_made_of_a_source_with_a_device_without_a_name(stored: Stored, annotation: Tree) -> None:
    whole = copied(stored.objects["VM", "here", "web"]["spec"])
    new = {"apiVersion": API, "kind": "VM", "metadata": {"name": "new", "annotations": annotation}, "spec": {}}
    key = ("VirtualMachineConfig", "here", "kept")
    config = {"apiVersion": API, "kind": key[0], "metadata": {"name": key[2]}}
    stored.objects[key] = {**config, "spec": {"template": {"spec": merged(whole, without_a_name(stored))}}}
    assert "is not complete where it is stored" in stored.send(new).told
    stored.objects[key] = {**config, "spec": {"template": {"spec": whole}}}
    assert stored.send(new).obj


# Snapshots that were stored while the service was away.


@pytest.mark.parametrize(
    "source",
    ["web", ["VM"], 5, {"kind": ["VM"], "name": "web"}, {"kind": {}, "name": "web"}, {"kind": "VM", "name": 5}],
)
@pytest.mark.parametrize("halves", ["both", "validate"])
def test_a_stored_snapshot_of_a_source_of_another_shape_holds_no_machine(
    stored: Stored, source: Any, halves: str
) -> None:
    new = {**machine("new"), "spec": {"restoreFrom": {"snapshot": "before"}}}
    before = copied(stored.objects[SNAPSHOT.name, "here", "before"])
    whole = copied(stored.objects["VM", "here", "web"])
    del stored.objects["VM", "here", "web"]
    edited(stored, SNAPSHOT.name, "before", {"source": source})
    assert "`before` holds no machine" in stored.send(new).told
    assert stored.send({**whole, "metadata": {"name": "new"}, "spec": whole["spec"] | new["spec"]}, halves=halves).told
    stored.objects[SNAPSHOT.name, "here", "before"] = before
    assert stored.send(new).obj


def test_a_stored_snapshot_with_a_device_without_a_name_holds_no_machine(stored: Stored) -> None:
    edited(stored, SNAPSHOT.name, "before", {"configuration": without_a_name(stored)})
    assert "`before` holds no machine" in stored.change("web", {"restoreFrom": {"snapshot": "before"}}).told
