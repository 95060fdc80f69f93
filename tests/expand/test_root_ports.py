"""Root ports in a row are one entry, which keeps its shape; the machine is that of the single ports."""

from __future__ import annotations

import pytest

from webhook import machines
from webhook.declare.tree import copied
from webhook.domain.root_ports import folded, unfolded
from webhook.expand.addresses import allocate
from webhook.machines.controllers import compact, derived, whole
from webhook.trees import Tree

MACHINE = machines.find("x86_64", "q35", "2026.1")
assert MACHINE is not None


def made(nics: int, model: str = "virtio") -> Tree:
    domain: Tree = {"devices": {"interfaces": [{"name": f"n{n}", "model": model} for n in range(nics)]}}
    assert allocate(domain, MACHINE, [], "spec.domain") == []
    return domain


def ports(domain: Tree) -> list[Tree]:
    return [each for each in domain["devices"]["controllers"] if each.get("model") == "pcie-root-port"]


def test_a_new_machine_has_its_ports_in_one_entry_with_room_for_more() -> None:
    [run] = ports(made(2))
    assert run == {
        "name": "pci-1",
        "type": "pci",
        "index": 1,
        "model": "pcie-root-port",
        "address": "0000:00:02.0",
        "count": 2 + 1 + 6,
    }


def test_a_bridge_between_the_ports_parts_them() -> None:
    assert [(each["index"], each.get("count")) for each in ports(made(1, "rtl8139"))] == [(1, None), (3, 7)]


def test_a_device_that_comes_later_takes_a_port_and_leaves_the_entry_as_it_is() -> None:
    domain = made(1)
    before = copied(ports(domain))
    domain["devices"]["interfaces"] += [{"name": f"later-{n}", "model": "virtio"} for n in range(6)]
    assert allocate(domain, MACHINE, [], "spec.domain") == []
    assert ports(domain) == before


def test_ports_that_come_later_are_entries_of_their_own() -> None:
    domain = made(1)
    [run] = copied(ports(domain))
    domain["devices"]["interfaces"] += [{"name": f"later-{n}", "model": "virtio"} for n in range(8)]
    assert allocate(domain, MACHINE, [], "spec.domain") == []
    assert ports(domain)[0] == run
    assert [("count" in each, each["index"]) for each in ports(domain)[1:]] == [(False, 9), (False, 10)]


def test_stated_ports_stay_single() -> None:
    stated = [{"type": "pci", "index": n, "model": "pcie-root-port", "address": f"0000:00:02.{n}"} for n in (1, 2)]
    domain: Tree = {"devices": {"controllers": copied(stated), "interfaces": [{"name": "n", "model": "virtio"}]}}
    assert allocate(domain, MACHINE, [], "spec.domain") == []
    assert [each["index"] for each in ports(domain)] == [1, 2]


@pytest.mark.parametrize("nics", [0, 1, 30, 120])
@pytest.mark.parametrize("model", ["virtio", "rtl8139"])
def test_ports_and_entries_stand_for_each_other(nics: int, model: str) -> None:
    controllers = made(nics, model)["devices"]["controllers"]
    each = list(unfolded(controllers))
    assert folded(each) == controllers
    indices = [entry["index"] for entry in each if entry["type"] == "pci"]
    assert len(set(indices)) == len(indices)


def test_ports_that_say_more_or_stand_elsewhere_are_not_folded() -> None:
    run = {"name": "pci-1", "type": "pci", "index": 1, "model": "pcie-root-port", "count": 5, "address": "0000:00:02.0"}
    single = list(unfolded([run]))
    single[1]["target"] = {"hotplug": "off"}
    single[3]["address"] = "0000:00:04.0"
    assert folded(single) == single


def test_entries_without_end_cost_no_more_than_there_are_indices() -> None:
    run = {"type": "pci", "index": 1, "model": "pcie-root-port", "count": 255, "address": "0000:00:02.0"}
    many = [{**run, "name": f"run-{n}"} for n in range(512)]
    assert len(list(unfolded(many))) == 255
    findings = allocate({"devices": {"controllers": many}}, MACHINE, [], "spec.domain")
    assert len(findings) > 100


def test_what_is_derived_is_what_the_rule_set_says() -> None:
    port = {"type": "pci", "index": 9, "model": "pcie-root-port", "address": "0000:00:03.1"}
    assert derived(port, MACHINE) == {"bridge": {"name": "pcie-root-port"}, "target": {"chassis": 9, "port": 25}}
    assert derived({**port, "type": "usb"}, MACHINE) == {}
    assert derived({"type": "pci", "model": "pcie-root-port"}, MACHINE) == {"bridge": {"name": "pcie-root-port"}}


def test_a_stated_value_that_is_derived_too_is_kept_by_render_and_not_by_a_reading() -> None:
    domain: Tree = {
        "os": {"type": {"arch": "x86_64", "machine": "pc-q35-7.2"}},
        "devices": {
            "controllers": [
                {"type": "pci", "index": 1, "model": "pcie-root-port", "target": {"chassis": 7, "port": 16},
                 "address": "0000:00:02.0"},
            ]
        },
    }  # fmt: skip
    assert whole(domain)["devices"]["controllers"][1]["target"] == {"chassis": 7, "port": 16}
    assert compact(domain)["devices"]["controllers"][0]["target"] == {"chassis": 7}
