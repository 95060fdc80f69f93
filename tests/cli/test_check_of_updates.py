"""`vmconfig check --old`: an edit of a stored VM judged as the update that it is, without a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_cli import Done, vmconfig
from tests.cli.test_kubevirt_objects import BAD
from tests.cli.test_snapshot_files import restore, snapshot
from tests.cli.test_vm_diff import EDITS, after, manifest, stored_machine
from tests.cli.updates import update
from tests.kubevirt.objects import around
from webhook.findings import Refused
from webhook.trees import Tree

LARGER: tuple[Tree, Tree] = ({"memory": "8Gi"}, {})


def check(folder: Path, old: list[Tree], new: list[Tree], *flags: str) -> Done:
    for name, side in (("old", old), ("new", new)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(side))
    return vmconfig("check", "--old", str(folder / "old.yaml"), str(folder / "new.yaml"), *flags)


def called(obj: Tree, name: str) -> Tree:
    return {**obj, "metadata": {**obj["metadata"], "name": name}}


def test_an_edit_in_one_place_passes_with_the_warnings_of_the_webhook(tmp_path: Path) -> None:
    stored = stored_machine()
    new = after(stored, *LARGER)
    done = check(tmp_path, [stored], [new])
    assert (done.returncode, done.stdout) == (0, "")
    file = tmp_path / "new.yaml"
    assert done.stderr.splitlines() == [f"warning: {file}: VM db: {told}" for told in update(new, stored)]


def test_the_same_file_as_a_new_vm_contradicts_itself(tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(yaml.safe_dump(after(stored_machine(), *LARGER)))
    done = vmconfig("check", str(tmp_path / "new.yaml"))
    assert (done.returncode, "rule: conflict" in done.stdout) == (1, True)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_update_that_the_webhook_refuses_has_its_findings(tmp_path: Path, edit: tuple[Tree, Tree]) -> None:
    stored = stored_machine()
    new = after(stored, *edit)
    with pytest.raises(Refused) as refused:
        update(new, stored)
    done = check(tmp_path, [stored], [new], "-o", "json")
    assert done.returncode == 1
    wanted = [finding.as_dict() for finding in refused.value.findings]
    assert [{name: one[name] for name in wanted[0]} for one in json.loads(done.stdout)] == wanted


def test_what_a_manifest_of_a_few_words_would_become_is_what_is_updated(tmp_path: Path) -> None:
    old, larger, other = (
        yaml.safe_load(manifest(**words)) for words in ({}, LARGER[0], {"system": {"type": "windows", "version": "10"}})
    )
    assert check(tmp_path, [old], [larger]).returncode == 0
    done = check(tmp_path, [old], [other])
    assert (done.returncode, "the machine was made for ubuntu 24.04" in done.stdout) == (1, True)


def test_of_several_those_of_one_name_belong_together(tmp_path: Path) -> None:
    stored = stored_machine()
    new = after(stored, *EDITS["another guest"])
    old = [called(stored, "a"), called(stored, "b")]
    done = check(tmp_path, old, [called(stored, "b"), called(new, "a")])
    assert done.returncode == 1
    assert done.stdout.count("the machine was made for") == 1
    assert "document 2: VM a: spec.features.system" in done.stdout


def test_what_is_not_stored_is_a_new_one_and_that_is_said(tmp_path: Path) -> None:
    stored = stored_machine()
    new = yaml.safe_load(manifest("c", system={"type": "windows", "version": "10"}))
    done = check(tmp_path, [stored], [stored, new])
    assert (done.returncode, done.stdout) == (0, "")
    place = f"{tmp_path / 'new.yaml'}, document 2: VM c"
    assert f"note: {place}: is not among the stored objects, and is judged as a new one\n" in done.stderr


def test_one_alone_on_each_side_is_the_same_one(tmp_path: Path) -> None:
    stored = stored_machine()
    done = check(tmp_path, [stored], [called(after(stored, *EDITS["another guest"]), "other")])
    assert (done.returncode, "note: " in done.stderr) == (1, False)


def test_a_stored_snapshot_is_what_a_vm_goes_back_to(tmp_path: Path) -> None:
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "web"}}
    words = yaml.safe_load(manifest("web"))
    made = vmconfig("expand", "-", "-o", "json", text=yaml.safe_dump_all([words, snapshot()]))
    stored, taken = json.loads(made.stdout)["items"]
    back = {**head, "spec": {**restore()["spec"]}}
    assert check(tmp_path, [stored, taken], [back]).returncode == 0
    done = check(tmp_path, [stored], [back])
    assert (done.returncode, "`before`" in done.stdout) == (1, True)


@pytest.mark.parametrize("spec", [None, 3, {"features": 3}, {"domain": []}], ids=str)
def test_a_malformed_stored_vm_is_named_as_what_is_wrong(tmp_path: Path, spec: Any) -> None:
    stored = stored_machine()
    done = check(tmp_path, [{**stored, "spec": spec}], [stored])
    assert (done.returncode, done.stdout.startswith(f"{tmp_path / 'old.yaml'}: VM db: spec")) == (1, True)


def test_what_kubevirts_stored_object_says_already_is_no_updates_doing(tmp_path: Path) -> None:
    old = {**around("VirtualMachine", BAD, {}, {}), "metadata": {"name": "bad", "namespace": "team"}}
    other = around("VirtualMachine", {**BAD, "terminationGracePeriodSeconds": 7}, {}, {})
    new = {**other, "metadata": old["metadata"]}
    assert check(tmp_path, [old], [new]).returncode == 0
    worse = around("VirtualMachine", {**BAD, "schedulerName": "another"}, {}, {})
    assert check(tmp_path, [old], [{**worse, "metadata": old["metadata"]}]).returncode == 1


def test_a_status_is_judged_as_its_review_judges_it(tmp_path: Path) -> None:
    stored = stored_machine()
    domain = stored["spec"]["domain"]
    runs = {**stored, "status": {"phase": "Running", "current": domain}}
    (tmp_path / "new.yaml").write_text(json.dumps(runs))
    assert vmconfig("check", str(tmp_path / "new.yaml")).returncode == 0
    disks = [{**disk, "type": "file", "source": {"file": "/etc/shadow"}} for disk in domain["devices"]["disks"]]
    hostile = {**domain, "devices": {**domain["devices"], "disks": disks}}
    other = {**domain, "uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223"}
    for current, path in ((hostile, "devices.disks[0].source.file"), (other, "uuid"), ({"memroy": 1}, "memroy")):
        wrong = {**runs, "status": {"current": current}}
        (tmp_path / "new.yaml").write_text(json.dumps(wrong))
        done = vmconfig("check", str(tmp_path / "new.yaml"))
        assert (done.returncode, f"VM db: status.current.{path}: " in done.stdout) == (1, True), done.stdout
        # What was stored so is not the requester's doing. (No tree is in two places: YAML would write an alias.)
        wrong, runs = json.loads(json.dumps([wrong, runs]))
        assert check(tmp_path, [wrong], [wrong]).returncode == 0
        assert check(tmp_path, [runs], [wrong]).returncode == 1


def test_a_snapshot_is_an_update_of_the_stored_one_of_its_name(tmp_path: Path) -> None:
    words = yaml.safe_load(manifest("web"))
    made = vmconfig("expand", "-", "-o", "json", text=yaml.safe_dump_all([words, snapshot()]))
    stored, taken = json.loads(made.stdout)["items"]
    done = check(tmp_path, [stored, taken], [taken])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    spec = {**taken["spec"], "source": {"kind": "VM", "name": "other"}}
    done = check(tmp_path, [stored, taken], [{**taken, "spec": spec}])
    assert (done.returncode, "VMSnapshot before: spec: is not what the snapshot was made of" in done.stdout) == (
        1,
        True,
    )
    done = check(tmp_path, [stored], [called(taken, "new")])
    assert "VMSnapshot new: is not among the stored objects" in done.stderr
