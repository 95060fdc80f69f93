"""What runs keeps its place and identity until the node's agent says that it is gone, whatever the spec says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.abi.life import GUEST, admit, devices
from webhook.abi.running import running_devices
from webhook.declare.tree import copied
from webhook.findings import Refused
from webhook.trees import Tree


def disks(*names: str, **more: Any) -> Tree:
    system = {"type": "debian", "version": "12", "machine": "i440fx"}
    return {
        "features": {**GUEST, "system": system, "storage": [{"name": each, "source": each, **more} for each in names]}
    }


def test_an_unplug_leaves_the_spec_at_once_and_what_runs_keeps_its_place() -> None:
    full = admit(disks("root", "data")).spec
    current = copied(full["domain"])
    gone = admit(disks("root"), full, current=current).spec
    assert devices(gone).keys() == {"root"}
    place = devices(full)["data"]["address"]
    more = admit(disks("root", "new"), gone, current=current).spec
    assert devices(more)["new"]["address"] != place
    back = admit(disks("root", "new", "data"), more, current=current).spec
    assert devices(back)["data"] == devices(full)["data"]


def test_what_runs_and_has_no_tombstone_keeps_its_place_too() -> None:
    """As a device that an admin has plugged by hand."""
    spec = admit(disks("root")).spec
    free = devices(admit(disks("root", "new"), spec).spec)["new"]
    current = copied(spec["domain"])
    current["devices"]["disks"].append({**free, "name": "by-hand"})
    made = devices(admit(disks("root", "new"), spec, current=current).spec)["new"]
    assert made["address"] != free["address"]
    assert made["target"]["dev"] != free["target"]["dev"]
    without: Tree = {**current, "devices": {**current["devices"], "disks": current["devices"]["disks"][:1]}}
    assert devices(admit(disks("root", "new"), spec, current=without).spec)["new"]["address"] == free["address"]


@pytest.mark.parametrize("field", ["address", "serial"])
def test_nobody_else_is_given_what_a_running_device_has(field: str) -> None:
    full = admit(disks("root", "data")).spec
    current, gone = copied(full["domain"]), admit(disks("root"), full).spec
    del gone["abi"]["tombstones"], gone["abi"]["removed"]
    stated = {"name": "new", "claim": "new", field: devices(full)["data"][field]}
    said: Tree = {"domain": {"devices": {"disks": [*gone["domain"]["devices"]["disks"], stated]}}}
    with pytest.raises(Refused, match=r"belongs to `data`, which the running machine still has in `status\.current`"):
        admit(said, gone, current=current)
    assert devices(admit(said, gone).spec)["new"][field] == stated[field]


def test_a_place_is_not_given_up_while_its_device_runs() -> None:
    full = admit(disks("a", "b", "c", "d", interface="ide")).spec
    current = copied(full["domain"])
    gone = admit(disks("b", "c", "d", interface="ide"), full, current=current).spec
    with pytest.raises(Refused, match="is one more than the 4 drives"):
        admit(disks("b", "c", "d", "e", interface="ide"), gone, current=current)
    current["devices"]["disks"] = current["devices"]["disks"][1:]
    made = admit(disks("b", "c", "d", "e", interface="ide"), gone, current=current)
    assert devices(made.spec)["e"]["address"] == devices(full)["a"]["address"]
    assert "disks[a]: gives its place" in made.told[0]


def test_a_device_that_moves_at_the_next_boot_keeps_the_place_that_it_has_and_the_one_that_it_shall_have() -> None:
    before = admit(disks("root", "data")).spec
    moved = copied(before)
    disk = devices(moved)["data"]
    was, disk["address"] = disk["address"], "0000:00:1a.0"
    places = {
        one["address"]
        for one in devices(admit(disks("root", "data", "x", "y"), moved, current=before["domain"]).spec).values()
    }
    assert disk["address"] in places
    assert was not in places


def test_a_status_that_is_malformed_reserves_what_can_be_read_of_it() -> None:
    """It may have been written while nobody judged it."""
    spec = admit(disks("root")).spec
    for current in (
        "text", [1], {"devices": []},
        {"devices": {"disks": {"name": "a"}, "nope": [{}], "controllers": [{"name": "c"}]}},
        {"devices": {"disks": [None, 1, {"name": 3}, {"name": "a", "address": {}, "target": "x", "mac": "y"}]}},
        {"devices": {"disks": [{"name": "a", "address": "nowhere", "target": {"bus": [], "dev": {}}, "serial": []}]}},
        {"devices": {"rng": "text", "tpm": {"name": []}, "serials": [{"name": "s", "target": {"port": "x"}}]}},
        {"devices": {"interfaces": [{"name": "n", "address": "0000:ff:1f.7", "mac": {"address": 7}}]}},
    ):  # fmt: skip
        assert devices(admit(disks("root", "new"), spec, current=current).spec).keys() == {"root", "new"}
    assert [one["name"] for one in running_devices({"devices": {"rng": {}, "disks": [{"name": "a"}, {}]}})] == [
        "rng", "a", "disks",
    ]  # fmt: skip


def test_the_places_of_what_runs_are_nothing_to_a_vm_that_follows_the_newest_rule_set() -> None:
    spec = admit({**disks("root", "data"), "abi": {"policy": "latest"}}).spec
    current = copied(spec["domain"])
    said = {**disks("data"), "abi": {"policy": "latest"}}
    assert devices(admit(said, spec, current=current).spec).keys() == {"data"}
