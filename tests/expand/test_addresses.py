"""Every bus as cases, and the laws of all of them: whole, stable, nobody twice in one place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook import machines
from webhook.declare.tree import copied
from webhook.domain.address import parts
from webhook.domain.root_ports import unfolded
from webhook.expand.addresses import allocate
from webhook.trees import Tree

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "addresses.yaml").read_text())


def run(machine: str, domain: Tree, reserved: list[Tree] | None = None) -> list[str]:
    found = machines.find("x86_64", machine, "2026.1")
    assert found is not None
    return [finding.path for finding in allocate(domain, found, reserved or [], "spec.domain")]


def named(domain: Tree) -> dict[str, Tree]:
    """All devices by name, each root port for itself."""
    devices = {}
    for kind, entries in domain["devices"].items():
        listed = unfolded(entries) if kind == "controllers" else entries
        for device in [listed] if isinstance(listed, dict) else listed:
            devices[device.get("name", kind)] = device
    return devices


def short(text: str | None) -> str | None:
    if text is None:
        return None
    address = parts(text)
    kind = address["type"]
    forms = {
        "pci": "{bus}:{slot}.{function}",
        "drive": "{controller}:{bus}:{target}:{unit}",
        "usb": "{bus}.{port}",
        "virtio-serial": "{controller}/{port}",
        "isa": "{iobase}",
    }
    return f"{kind} {forms[kind].format(**address)}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_places(case: Tree) -> None:
    domain = copied(case["domain"])
    findings = run(case["machine"], domain, case.get("reserved"))
    assert findings == case.get("findings", [])
    devices = named(domain)
    assert {name: short(devices[name].get("address")) for name in case["places"]} == case["places"]


@pytest.mark.parametrize("case", [case for case in CASES if "findings" not in case], ids=lambda case: case["title"])
def test_a_second_allocation_changes_nothing(case: Tree) -> None:
    domain = copied(case["domain"])
    run(case["machine"], domain, case.get("reserved"))
    once = copied(domain)
    run(case["machine"], domain, case.get("reserved"))
    assert domain == once


NICS = st.sampled_from(["virtio", "e1000", "e1000e", "rtl8139"])
BUSES = {"q35": ["virtio", "scsi", "sata", "usb"], "i440fx": ["virtio", "scsi", "usb"]}


@st.composite
def domains(draw: st.DrawFn) -> tuple[str, Tree]:
    machine = draw(st.sampled_from(["q35", "i440fx"]))
    nics = draw(st.lists(NICS, max_size=6))
    buses = draw(st.lists(st.sampled_from(BUSES[machine]), max_size=12))
    channels = draw(st.integers(0, 20))
    devices = {
        "interfaces": [{"name": f"n{index}", "model": model} for index, model in enumerate(nics)],
        "disks": [{"name": f"d{index}", "target": {"bus": bus}} for index, bus in enumerate(buses)],
        "channels": [
            {"name": f"c{index}", "target": {"type": "virtio", "name": f"c{index}"}} for index in range(channels)
        ],
        "video": [{"name": "video", "type": "vga"}] if draw(st.booleans()) else [],
        "rng": {"model": "virtio"},
    }
    return machine, {"devices": devices}


@given(domains())
def test_everything_has_a_place_and_nobody_shares_one(drawn: tuple[str, Tree]) -> None:
    machine, domain = drawn
    assert run(machine, domain) == []
    places = [
        (device.get("target", {}).get("bus") if device["address"].startswith("drive") else "", short(device["address"]))
        for device in named(domain).values()
        if "address" in device
    ]
    assert len(places) == len(set(places))
    for name, device in named(domain).items():
        root = device.get("type") == "pci" and device.get("index") == 0
        assert root or "address" in device, name
    targets = [disk["target"]["dev"] for disk in domain["devices"]["disks"]]
    assert len(targets) == len(set(targets))


@given(domains(), st.integers(0, 6), st.integers(0, 12))
def test_one_device_more_anywhere_moves_nobody(drawn: tuple[str, Tree], nic: int, disk: int) -> None:
    machine, domain = drawn
    assert run(machine, domain) == []
    before = copied(named(domain))
    domain["devices"]["interfaces"].insert(nic, {"name": "new-nic", "model": "virtio"})
    domain["devices"]["disks"].insert(disk, {"name": "new-disk", "target": {"bus": "virtio"}})
    assert run(machine, domain) == []
    after = named(domain)
    assert {name: after[name] for name in before} == before
    assert after["new-nic"]["address"]
    assert after["new-disk"]["address"]


@given(domains(), st.data())
def test_a_removed_devices_place_stays_empty(drawn: tuple[str, Tree], data: st.DataObject) -> None:
    machine, domain = drawn
    assert run(machine, domain) == []
    kinds = [kind for kind in ("interfaces", "disks", "channels") if domain["devices"][kind]]
    if not kinds:
        return
    kind = data.draw(st.sampled_from(kinds))
    entries = domain["devices"][kind]
    gone = entries.pop(data.draw(st.integers(0, len(entries) - 1)))
    new: Tree = {**copied(gone), "name": "new"}
    del new["address"]
    new.get("target", {}).pop("dev", None)
    entries.insert(0, new)
    assert run(machine, domain, [{"list": kind, "name": gone["name"], "device": gone}]) == []
    assert new["address"] != gone["address"]


def test_two_hundred_devices_fit_and_one_more_than_the_machine_has_is_refused() -> None:
    many: Tree = {"devices": {"disks": [{"name": f"d{n}", "target": {"bus": "virtio"}} for n in range(150)]}}
    assert run("q35", many) == []
    more: Tree = {"devices": {"disks": [{"name": f"d{n}", "target": {"bus": "virtio"}} for n in range(230)]}}
    findings = run("q35", more)
    assert findings
    assert all(path.startswith("spec.domain.devices.disks[") for path in findings)


def test_controllers_that_no_index_is_left_for_are_refused_all_at_once() -> None:
    most = 256
    many: Tree = {"devices": {"controllers": [{"type": "scsi"} for _ in range(most + 2)] + [{"type": "usb"}]}}
    found = [path for path in run("q35", many) if path.endswith(".index")]
    assert found == [f"spec.domain.devices.controllers[{n}].index" for n in (most, most + 1)]


def test_as_many_controllers_as_there_are_indices_have_one_each() -> None:
    many: Tree = {"devices": {"controllers": [{"type": "scsi"} for _ in range(256)]}}
    run("q35", many)
    indices = [entry["index"] for entry in many["devices"]["controllers"] if entry["type"] == "scsi"]
    assert indices == list(range(256))


@pytest.mark.parametrize("arch", ["x86_64", "s390x", "ppc64le", "aarch64", "riscv64"])
def test_a_usb_controller_of_a_model_that_nobody_knows_has_no_ports(arch: str) -> None:
    for machine in machines.of_arch(arch, "2026.1"):
        strange: Tree = {"devices": {"controllers": [{"type": "usb", "model": "made-up-xhci"}, {"type": "usb"}]}}
        allocate(strange, machine, [], "spec.domain")
        assert "ports" not in strange["devices"]["controllers"][0]
        assert strange["devices"]["controllers"][1]["index"] == 1
