"""One file among several that cannot be read: it is told, the others are read, and the exit code is 1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.kubevirt.edits import machine
from webhook.cli import main

Captured = pytest.CaptureFixture[str]
VM = """apiVersion: kubevirt.io/v1alpha1
kind: VM
metadata: {name: NAME, namespace: shop}
spec: {features: {system: {type: linux}, memory: 1Gi}}
"""
LARGE = "#" * (3 * 1024 * 1024 + 1)
BROKEN = {"broken.yaml": "a: [", "strange.yaml": "a: !!set {b}\n", "large.yaml": LARGE}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two VMs of ours, with files around them of which nothing can be read."""
    for name, text in BROKEN.items():
        (tmp_path / name).write_text(text)
    for name in ("a", "z"):
        (tmp_path / f"{name}.yaml").write_text(VM.replace("NAME", name))
    return tmp_path


def test_a_check_tells_what_was_not_read_and_judges_the_others(folder: Path, capsys: Captured) -> None:
    (folder / "z.yaml").write_text(VM.replace("NAME", "z").replace("memory", "memroy"))
    assert main(["check", str(folder), "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {each.get("name") or Path(each["path"].split(":")[0]).name for each in found} == {*BROKEN, "z"}
    assert all(each["help"] for each in found)


def test_a_check_of_an_update_tells_it_of_the_stored_side_too(folder: Path, capsys: Captured) -> None:
    assert main(["check", str(folder / "a.yaml"), "--old", str(folder)]) == 1
    assert "broken.yaml" in capsys.readouterr().out


def test_an_audit_of_moves_goes_on(folder: Path, capsys: Captured) -> None:
    assert main(["audit", "--adopt", str(folder)]) == 1
    said = capsys.readouterr()
    assert "2 VMs: " in said.out
    assert all(f"not read: {folder / name}" in said.err for name in BROKEN)
    assert main(["audit", "--adopt", "--exit-zero", str(folder)]) == 0


def test_an_audit_of_kubevirts_vms_goes_on(folder: Path, capsys: Captured) -> None:
    (folder / "kubevirt.yaml").write_text(yaml.safe_dump(machine(0)))
    assert main(["audit", "--kubevirt", "--from", "v1.8.2", str(folder)]) == 1
    said = capsys.readouterr()
    assert "1 VMs: 0 moves, 0 unknown" in said.out
    assert all(f"not read: {folder / name}" in said.err for name in BROKEN)


def test_a_plan_goes_on(folder: Path, capsys: Captured) -> None:
    (folder / "b.yaml").write_text(VM.replace("NAME", "b").replace("memory", "memroy"))
    assert main(["plan", str(folder)]) == 1
    said = capsys.readouterr()
    assert "VM shop/a does not run" in said.out
    assert "VM shop/z does not run" in said.out
    assert "VM shop/b: spec.features.memroy" in said.err
    assert all(name in said.err for name in BROKEN)


@pytest.mark.parametrize("verb", ["expand", "adopt", "render", "freeze", "convert"])
def test_a_verb_that_prints_documents_prints_none_and_names_every_such_file(
    folder: Path, verb: str, capsys: Captured
) -> None:
    assert main([verb, str(folder)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert all(name in said.err for name in BROKEN)


@pytest.mark.parametrize("verb", ["check", "audit --adopt", "plan"])
def test_where_all_can_be_read_nothing_is_told(folder: Path, verb: str, capsys: Captured) -> None:
    for name in BROKEN:
        (folder / name).unlink()
    assert main([*verb.split(), str(folder), *(["--exit-zero"] if "adopt" in verb else [])]) == 0
    said = capsys.readouterr()
    assert "not read" not in said.out + said.err


@pytest.mark.parametrize("verb", ["check", "audit --adopt"])
def test_a_file_that_is_named_and_not_there_is_a_mistake_of_the_call(folder: Path, verb: str, capsys: Captured) -> None:
    assert main([*verb.split(), str(folder / "a.yaml"), str(folder / "gone.yaml")]) == 2
    assert "gone.yaml: No such file" in capsys.readouterr().err


def test_an_import_of_a_folder_goes_on(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.xml").mkdir()
    (tmp_path / "b.xml").write_text("<domain>")
    assert main(["import", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "a.xml: file: Is a directory" in said.err
    assert "b.xml: " in said.err
