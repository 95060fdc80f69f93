"""Snapshots and restores in files beside each other: what would be stored, without a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.admission.stored_objects import API, machine
from webhook.cli import main
from webhook.trees import Tree


def written(folder: Path, *objects: Tree) -> str:
    path = folder / "all.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


def snapshot() -> Tree:
    spec = {"source": {"kind": "VM", "name": "web"}}
    return {"apiVersion": API, "kind": "VMSnapshot", "metadata": {"name": "before"}, "spec": spec}


def restore(name: str = "web", **wanted: Any) -> Tree:
    return {**machine(name), "spec": {"restoreFrom": {"snapshot": "before", **wanted}}}


def test_what_stands_beside_them_is_what_they_are_made_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # In any order.
    file = written(tmp_path, restore(), snapshot(), machine())
    assert main(["check", file]) == 0
    assert main(["expand", file, "-o", "json"]) == 0
    made = {each["kind"]: each for each in json.loads(capsys.readouterr().out)["items"][:2]}
    restored = json.loads(json.dumps(made["VMSnapshot"]["spec"]["configuration"]))
    assert restored["domain"] == made["VM"]["spec"]["domain"]


def test_without_its_source_a_snapshot_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", written(tmp_path, snapshot())]) == 1
    assert "names the VM `web`, which is not in this namespace" in capsys.readouterr().out


def test_a_device_that_cannot_be_told_is_refused_with_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    devices = {"disks": [{"name": "root", "placeholder": True}]}
    assert main(["check", written(tmp_path, machine(), snapshot(), restore(devices=devices))]) == 1
    said = capsys.readouterr().out
    assert "document 3: VM web: spec.restoreFrom.devices.disks[0].placeholder" in said


def test_verbs_about_vms_say_that_they_leave_snapshots_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render", written(tmp_path, machine(), snapshot())]) == 0
    assert "1 object of other kinds skipped (VMSnapshot 1)" in capsys.readouterr().err


def named(annotation: str, value: str) -> Tree:
    """A VM that says nothing but what it is made of; it is read before its source."""
    metadata = {"name": "a-desk", "annotations": {f"vmconfig.kubevirt.io/{annotation}": value}}
    return {"apiVersion": API, "kind": "VM", "metadata": metadata, "spec": {}}


def config() -> Tree:
    spec = {"template": {"spec": machine()["spec"]}}
    return {"apiVersion": API, "kind": "VirtualMachineConfig", "metadata": {"name": "desk"}, "spec": spec}


def specs(file: str, capsys: pytest.CaptureFixture[str]) -> tuple[Tree, Tree]:
    """The specs of the source and of the VM that is made of it, as they would be stored."""
    assert main(["check", file]) == 0
    capsys.readouterr()
    assert main(["expand", file, "-o", "json"]) == 0
    source, made = json.loads(capsys.readouterr().out)["items"]
    return source["spec"].get("template", source)["spec"], made["spec"]


def test_a_vm_of_a_configuration_beside_it_is_the_configurations_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, made = specs(written(tmp_path, named("config", "desk"), config()), capsys)
    assert made == source


def test_a_clone_of_a_vm_beside_it_is_its_machine_with_identities_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, made = specs(written(tmp_path, named("clone-of", "vm/web"), machine()), capsys)
    assert made["domain"]["uuid"] != source["domain"]["uuid"]
    assert made["domain"]["memory"] == source["domain"]["memory"]
    assert [disk["name"] for disk in made["domain"]["devices"]["disks"]] == [
        disk["name"] for disk in source["domain"]["devices"]["disks"]
    ]


def test_a_vm_of_a_configuration_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", written(tmp_path, named("config", "desk"))]) == 1
    assert "VirtualMachineConfig `desk` is not in this namespace" in capsys.readouterr().out
