"""The order in which devices get places, targets and turns: as features ask for them, wherever the domain notes one."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.abi.life import GUEST, SEEN, admitted, devices, seen
from webhook.declare.tree import copied
from webhook.trees import Tree

STORAGE = [{"source": "root"}, {"source": "data"}, {"type": "cdrom", "source": "setup"}, {"source": "logs"}]
NETWORK = [{"source": "front"}, {"source": "back"}]
FEATURES = {**GUEST, "storage": STORAGE, "network": NETWORK}
# What the guest tells devices apart by, without what is drawn.
KNOWN_BY = [name for name in SEEN if name not in ("serial", "mac")]


def made(features: Tree, lists: Tree) -> Tree:
    return admitted({"features": features, "domain": {"devices": lists}})[0]


def shown(spec: Tree) -> Tree:
    """The devices by name, as far as nothing of them is drawn."""
    return {name: {key: one[key] for key in KNOWN_BY if key in one} for name, one in devices(spec).items()}


def turns(spec: Tree) -> list[str]:
    """The names of the devices that boot, in turn."""
    booting = {one["bootOrder"]: name for name, one in devices(spec).items() if one.get("bootOrder")}
    return [booting[turn] for turn in sorted(booting)]


def notes(names: tuple[str, ...]) -> list[Tree]:
    return [{"name": name} for name in names]


@pytest.mark.parametrize("domain", [{}, {"devices": {}}, {"devices": {"disks": []}}, {"title": "web"}])
def test_without_a_note_the_first_of_each_comes_first(domain: Tree) -> None:
    spec, _ = admitted({"features": FEATURES, "domain": domain})
    assert shown(spec) == shown(admitted({"features": FEATURES})[0])
    assert shown(spec)["root"]["target"]["dev"] == "vda"
    assert turns(spec) == ["root", "setup", "front"]


@pytest.mark.parametrize("noted", [*permutations(["root", "data", "setup", "logs"], 2), ("logs", "data", "root")])
def test_a_note_about_a_disk_moves_none(noted: tuple[str, ...]) -> None:
    spec = made(FEATURES, {"disks": notes(noted)})
    assert shown(spec) == shown(made(FEATURES, {}))
    assert turns(spec) == ["root", "setup", "front"]


@pytest.mark.parametrize("noted", [("back",), ("back", "front"), ("front", "back")])
def test_a_note_about_a_nic_moves_none(noted: tuple[str, ...]) -> None:
    spec = made(FEATURES, {"interfaces": notes(noted)})
    assert shown(spec) == shown(made(FEATURES, {}))
    assert turns(spec) == ["root", "setup", "front"]


def test_a_note_without_a_name_moves_none() -> None:
    spec = made(FEATURES, {"disks": [{"claim": "data", "driver": {"queues": 2}}]})
    assert shown(spec) == shown(made(FEATURES, {}))


@pytest.mark.parametrize("arch", ["aarch64", "s390x", "ppc64le", "riscv64"])
def test_it_is_so_on_every_machine(arch: str) -> None:
    features = {
        **GUEST,
        "system": {"type": "linux", "arch": arch},
        "storage": [{"source": "root"}, {"source": "data"}],
        "network": NETWORK,
    }
    noted = {"disks": notes(("data",)), "interfaces": notes(("back",))}
    assert shown(made(features, noted)) == shown(made(features, {}))


@pytest.mark.parametrize("interface", ["virtio", "virtio-scsi", "sata", "usb"])
def test_it_is_so_on_every_bus(interface: str) -> None:
    storage = [{"source": name, "interface": interface} for name in ("root", "data")]
    features = {**GUEST, "storage": storage}
    assert shown(made(features, {"disks": notes(("data",))})) == shown(made(features, {}))


def test_a_folder_and_a_card_of_the_host_keep_their_places_too() -> None:
    features = {
        **GUEST,
        "storage": [{"source": "root"}],
        "filesystems": [{"claim": "first"}, {"claim": "second"}],
        "devices": [{"resource": "nvidia.com/gpu", "name": "gpu"}, {"resource": "nvidia.com/gpu", "name": "other"}],
    }

    def places(spec: Tree) -> Tree:
        lists = spec["domain"]["devices"]
        return {one["name"]: one["address"] for kind in ("filesystems", "hostdevs") for one in lists[kind]}

    lists = {"filesystems": notes(("second",)), "hostdevs": notes(("other",))}
    assert places(made(features, lists)) == places(made(features, {}))


def test_what_no_feature_asks_for_comes_after_what_one_does() -> None:
    own = {"name": "own", "claim": "own"}
    spec = made({**GUEST, "storage": [{"source": "root"}]}, {"disks": [own, {**own, "name": "last", "claim": "last"}]})
    targets = {name: one["target"]["dev"] for name, one in devices(spec).items()}
    assert targets == {"root": "vda", "own": "vdb", "last": "vdc"}
    assert turns(spec) == ["root"]


def test_disks_of_the_domain_alone_are_in_its_order() -> None:
    spec = made(GUEST, {"disks": [{"name": name, "claim": name} for name in ("b", "a")]})
    assert {name: one["target"]["dev"] for name, one in devices(spec).items()} == {"b": "vda", "a": "vdb"}
    assert turns(spec) == ["b"]


def test_the_domain_keeps_the_order_of_its_list() -> None:
    spec = made(FEATURES, {"disks": notes(("logs", "data"))})
    assert [one["name"] for one in spec["domain"]["devices"]["disks"]] == ["logs", "data", "root", "setup"]


def test_a_target_and_a_turn_that_are_stated_stay() -> None:
    noted = [{"name": "data", "target": {"dev": "vda"}, "bootOrder": 1}]
    spec = made({**GUEST, "storage": [{"source": "root"}, {"source": "data"}]}, {"disks": noted})
    assert {name: one["target"]["dev"] for name, one in devices(spec).items()} == {"data": "vda", "root": "vdb"}
    assert turns(spec) == ["data"]


def made_before() -> Tree:
    """A VM whose disk `data` is the first, because it was noted, as an earlier release stored it."""
    spec = made({**GUEST, "storage": [{"source": "data"}, {"source": "root"}], "network": NETWORK[::-1]}, {})
    spec["features"] = {**GUEST, "storage": [{"source": "root"}, {"source": "data"}], "network": NETWORK}
    assert turns(spec) == ["data", "back"]
    return spec


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"domain": {}},
        {"domain": {"devices": {"disks": [{"name": "data", "claim": "data"}]}}},
        {"domain": {"devices": {"disks": notes(("root", "data")), "interfaces": notes(("front",))}}},
        {"features": {**FEATURES, "storage": STORAGE[:2]}},
        {"features": {**FEATURES, "storage": STORAGE[:2], "memory": "3Gi"}},
        {"features": {**GUEST, "storage": STORAGE, "network": NETWORK}},
    ],
)
def test_an_update_of_a_vm_of_an_older_order_moves_nothing(change: Tree) -> None:
    stored = made_before()
    after, _ = admitted({**copied(stored), **change}, stored)
    now, before = devices(after), devices(stored)
    assert {name: seen(now[name]) for name in before} == {name: seen(one) for name, one in before.items()}
    assert turns(after) == ["data", "back"]


def test_the_same_manifest_again_changes_nothing_of_it() -> None:
    stored = made_before()
    assert admitted(stored, stored)[0] == stored
    assert admitted(stored)[0] == stored


def test_disks_that_an_update_adds_are_in_the_order_of_the_features() -> None:
    stored = made({**GUEST, "storage": [{"source": "root"}]}, {})
    features = {**GUEST, "storage": [{"source": "root"}, {"source": "first"}, {"source": "second"}]}
    after, _ = admitted({"features": features, "domain": {"devices": {"disks": notes(("second",))}}}, stored)
    targets = {name: one["target"]["dev"] for name, one in devices(after).items()}
    assert targets == {"root": "vda", "first": "vdb", "second": "vdc"}
