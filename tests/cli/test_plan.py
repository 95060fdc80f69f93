"""`vmconfig plan`: what of a VM waits, for whom, and since when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli import Done, vmconfig
from webhook.trees import Tree

PORTS = {"name": "pci-1", "type": "pci", "index": 1, "model": "pcie-root-port", "address": "0000:00:02.0", "count": 6}


def nic(name: str, bus: int, **more: Any) -> Tree:
    return {"name": name, "network": name, "model": "virtio", "address": f"0000:0{bus}:00.0", **more}


def domain(*interfaces: Tree, **more: Any) -> Tree:
    return {"devices": {"interfaces": list(interfaces), "controllers": [PORTS]}, **more}


def plan(folder: Path, spec: Tree, status: Tree, *flags: str, **metadata: Any) -> Done:
    vm = {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "VM",
        "metadata": {"name": "web", **metadata},
        "spec": spec,
        "status": status,
    }
    (folder / "vm.json").write_text(json.dumps(vm))
    return vmconfig("plan", str(folder / "vm.json"), *flags)


def waiting(done: Done) -> list[tuple[str, str, str | None, bool, bool | None]]:
    (found,) = json.loads(done.stdout)
    return [
        (one["state"], one["path"].removeprefix("spec.domain."), one["since"], one["exact"], one["desired"])
        for one in found["waiting"]
    ]


def test_each_change_waits_for_whom_it_has_to(tmp_path: Path) -> None:
    now = domain(nic("stays", 1), nic("goes", 2), vcpu={"count": 4, "current": 1}, os={"type": {"arch": "x86_64"}})
    then = domain(
        nic("stays", 1, link="down"), nic("new", 3), nic("late", 9), vcpu={"count": 4, "current": 2},
        os={"type": {"arch": "x86_64"}}, cpu={"model": "Nehalem"},
    )  # fmt: skip
    done = plan(tmp_path, {"domain": then}, {"current": now, "desired": now}, "-o", "json")
    assert done.returncode == 1
    found = {(state, path): desired for state, path, _, _, desired in waiting(done)}
    assert found == {
        ("hot-plug pending", "vcpu.current"): False,
        ("hot-plug pending", "devices.interfaces[0].link"): False,
        ("hot-plug pending", "devices.interfaces[1]"): False,
        ("unplug requested", "devices.interfaces[goes]"): False,
        ("at the next reboot", "devices.interfaces[2]"): None,
        ("at the next reboot", "cpu.model"): None,
    }
    done = plan(tmp_path, {"domain": then}, {"current": now, "desired": then}, "-o", "json")
    assert {one[4] for one in waiting(done)} == {True, None}


def test_what_the_host_alone_notices_does_not_wait(tmp_path: Path) -> None:
    now = domain(nic("a", 1, bandwidth={"inbound": {"average": 1}}), title="one")
    then = domain(nic("a", 1), title="two")
    done = plan(tmp_path, {"domain": then}, {"node": "n-1", "current": now})
    assert (done.returncode, done.stdout) == (0, "VM web runs on n-1, and nothing waits\n")


def test_since_when_is_told_by_the_removal_or_by_the_earliest_writer_of_the_field(tmp_path: Path) -> None:
    def entry(time: str, keys: list[str], **more: Any) -> Tree:
        fields: Tree = {}
        for key in reversed(["f:spec", "f:domain", *keys]):
            fields = {key: fields}
        return {"manager": "m", "time": time, "fieldsV1": fields, **more}

    new = ["f:devices", "f:interfaces", 'k:{"name":"new"}']
    fields = [
        entry("2026-03-03T00:00:00Z", new),
        entry("2026-02-02T00:00:00Z", [*new, "f:address"]),
        entry("2026-01-01T00:00:00Z", ["f:devices", "f:interfaces", 'k:{"name":"other"}']),
        entry("2026-01-01T00:00:00Z", new, subresource="status"),
        entry("2026-04-04T00:00:00Z", ["f:vcpu"]),
        "text", {"time": 3, "fieldsV1": []}, {"fieldsV1": {"f:spec": "text"}},
    ]  # fmt: skip
    spec: Tree = {
        "domain": domain(nic("new", 3), vcpu={"current": 2}, memory={"current": 512}),
        "abi": {
            "tombstones": {"interfaces": [nic("goes", 2), nic("old", 5)]},
            "removed": [{"device": "interfaces/goes", "since": "2026-05-05T00:00:00Z"}],
        },
    }
    now = domain(nic("goes", 2), vcpu={"current": 1}, memory={"current": 1024})
    done = plan(tmp_path, spec, {"current": now}, "-o", "json", managedFields=fields)
    times = {path: (since, exact) for _, path, since, exact, _ in waiting(done)}
    assert times == {
        "devices.interfaces[0]": ("2026-02-02T00:00:00Z", False),
        "devices.interfaces[goes]": ("2026-05-05T00:00:00Z", True),
        "vcpu.current": ("2026-04-04T00:00:00Z", False),
        "memory.current": ("2026-04-04T00:00:00Z", False),
    }
    done = plan(tmp_path, spec, {"current": now}, "-o", "json", managedFields=[fields[3]])
    assert {since for _, _, since, exact, _ in waiting(done) if not exact} == {None}
    text = plan(tmp_path, spec, {"current": now}, managedFields=fields).stdout
    assert "; since 2026-02-02T00:00:00Z or before\n" in text
    assert "; since 2026-05-05T00:00:00Z\n" in text
    assert "; since when is not known\n" in plan(tmp_path, spec, {"current": now}).stdout
    assert "    interfaces `goes`: 0000:02:00.0, since 2026-05-05T00:00:00Z\n" in text
    assert "    interfaces `old`: 0000:05:00.0, since when is not known\n" in text


def test_a_vm_that_does_not_run_waits_for_nothing(tmp_path: Path) -> None:
    spec = {"domain": domain(), "abi": {"tombstones": {"interfaces": [{"name": "old", "network": "n"}]}}}
    done = plan(tmp_path, spec, {"phase": "Stopped", "current": None})
    assert done.returncode == 0
    assert done.stdout == (
        "VM web does not run: all of it holds at its next start\n"
        "  removed devices, whose places are kept:\n"
        "    interfaces `old`: no place of its own, since when is not known\n"
    )


@pytest.mark.parametrize(
    ("status", "place"),
    [
        ({"current": {"devices": {"disks": [{"name": "a", "nope": 1}]}}}, "status.current.devices.disks[0].nope"),
        ({"current": domain(), "desired": 7}, "status.desired"),
        ({"current": {"devices": {"disks": 1}}}, "status.current.devices.disks"),
    ],
)
def test_a_malformed_status_is_a_finding(tmp_path: Path, status: Tree, place: str) -> None:
    done = plan(tmp_path, {"domain": domain()}, status)
    assert done.returncode == 1
    assert f": VM web: {place}: " in done.stdout


def test_what_is_no_vm_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "vm.json").write_text('{"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": 3, "spec": []}')
    assert vmconfig("plan", str(tmp_path / "vm.json")).returncode == 1
