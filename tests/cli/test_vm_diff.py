"""`vmconfig diff`: what changed between two VMs, in three forms."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.abi.life import ANNOTATION
from tests.cli.test_cli import Done, vmconfig
from tests.cli.updates import update
from webhook.findings import Refused
from webhook.trees import Tree

FEATURES: Tree = {
    "memory": "4Gi",
    "cpu": {"count": 2},
    "system": {"type": "ubuntu", "version": "24.04"},
    "storage": [{"source": "root"}],
}


def manifest(name: str = "db", **features: Any) -> str:
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": name}}
    return yaml.safe_dump({**head, "spec": {"features": {**FEATURES, **features}}})


def diff(folder: Path, old: str, new: str, *flags: str) -> Done:
    (folder / "old.yaml").write_text(old)
    (folder / "new.yaml").write_text(new)
    return vmconfig("diff", str(folder / "old.yaml"), str(folder / "new.yaml"), *flags)


def test_what_changes_is_told_with_class_and_consequence(tmp_path: Path) -> None:
    done = diff(tmp_path, manifest(), manifest(memory="8Gi", cpu={"count": 4, "model": "Nehalem"}))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    place = lines.index("  spec.domain.memory.size: is now `8192` instead of `4096`")
    assert lines[place + 1].startswith("    reboot: the guest finds another amount of memory")
    assert "    guest-breaking: programs that were started or compiled for the old CPU" in done.stdout
    assert "  1 hotplug, 3 reboot, 1 guest-breaking" in lines


def test_a_vm_and_itself_do_not_differ(tmp_path: Path) -> None:
    complete = vmconfig("expand", "-", text=manifest()).stdout
    assert diff(tmp_path, complete, complete) == Done(0, "VM default/db: nothing differs\n", "")
    assert diff(tmp_path, manifest(), manifest()).returncode == 0


def test_a_stored_vm_with_new_words_alone_is_told_as_the_update_that_it_is(tmp_path: Path) -> None:
    complete = vmconfig("expand", "-", text=manifest()).stdout
    done = diff(tmp_path, complete, complete.replace("memory: 4Gi", "memory: 8Gi"))
    assert done.returncode == 1
    assert "  spec.domain.memory.size: is now `8192` instead of `4096`" in done.stdout.splitlines()


def test_other_words_for_the_same_machine_are_told(tmp_path: Path) -> None:
    done = diff(tmp_path, manifest(), manifest(memory=4096))
    assert (done.returncode, "other words for the same machine" in done.stdout) == (1, True)


def test_json_has_values_as_they_are(tmp_path: Path) -> None:
    done = diff(
        tmp_path, manifest(), manifest(cpu={"count": 4}, storage=[{"source": "root"}, {"source": "b"}]), "-o", "json"
    )
    (told,) = json.loads(done.stdout)
    assert {name: told[name] for name in ("kind", "name", "features")} == {
        "kind": "VM", "name": "default/db", "features": True,
    }  # fmt: skip
    found = {change["path"]: (change["before"], change["after"], change["class"]) for change in told["changes"]}
    assert found == {
        "spec.domain.vcpu.current": (2, 4, "hotplug"),
        "spec.domain.devices.disks[1]": (None, "b", "hotplug"),
    }


def test_complete_vms_of_two_files_are_compared_as_they_stand(tmp_path: Path) -> None:
    old = yaml.safe_load(vmconfig("expand", "-", text=manifest()).stdout)
    new = yaml.safe_load(yaml.safe_dump(old))
    new["spec"]["domain"]["clockOffset"] = {"offset": "localtime"}
    done = diff(tmp_path, yaml.safe_dump(old), yaml.safe_dump(new))
    assert "spec.domain.clockOffset.offset: is now `localtime` instead of `utc`" in done.stdout
    assert "guest-breaking: the guest's clock would jump or drift" in done.stdout


def stored_machine() -> Tree:
    made: Tree = yaml.safe_load(vmconfig("expand", "-", text=manifest()).stdout)
    return made


def after(stored: Tree, features: Tree, domain: Tree) -> Tree:
    """The stored machine with other features, and with other fields of its domain."""
    made: Tree = yaml.safe_load(yaml.safe_dump(stored))
    made["spec"]["features"].update(features)
    for name, value in domain.items():
        made["spec"]["domain"][name] = value
    return made


BOTH_FIRST = [{"source": "root", "bootOrder": 1}, {"source": "data", "bootOrder": 1}]
EDITS: dict[str, tuple[Tree, Tree]] = {
    "another guest": ({"system": {"type": "windows", "version": "10"}}, {}),
    "more vCPUs than there can be": ({"cpu": {"count": 64}}, {}),
    "more memory than there can be": ({"memory": "640Gi"}, {}),
    "two devices that boot first": ({"storage": BOTH_FIRST}, {}),
    "a claim of another namespace": ({"storage": [{"source": "team-b/root"}]}, {}),
    "another CPU": ({"cpu": {"count": 2, "model": "Nehalem"}}, {}),
    "another clock": ({}, {"clockOffset": {"offset": "localtime"}}),
    "a malformed word": ({"memroy": 1}, {}),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_the_webhook_refuses_is_told_in_its_words(tmp_path: Path, edit: tuple[Tree, Tree]) -> None:
    stored = stored_machine()
    new = after(stored, *edit)
    with pytest.raises(Refused) as refused:
        update(new, stored)
    wanted = [finding.as_dict() for finding in refused.value.findings]
    [told] = json.loads(diff(tmp_path, yaml.safe_dump(stored), yaml.safe_dump(new), "-o", "json").stdout)
    assert told["refused"] == wanted
    done = diff(tmp_path, yaml.safe_dump(stored), yaml.safe_dump(new))
    assert done.returncode == 1
    assert "  the update is refused:\n" in done.stdout
    assert all(f"    {finding['path']}: {finding['problem']}\n" in done.stdout for finding in wanted)
    assert "other words for the same machine" not in done.stdout


@pytest.mark.parametrize(
    "edit",
    [({"memory": "8Gi"}, {}), ({"cpu": {"count": 3}}, {}), ({"storage": [{"source": "root", "bootOrder": 1}]}, {})],
)
def test_what_the_webhook_takes_is_not_told_as_refused(tmp_path: Path, edit: tuple[Tree, Tree]) -> None:
    stored = stored_machine()
    new = after(stored, *edit)
    update(new, stored)
    old_text, new_text = yaml.safe_dump(stored), yaml.safe_dump(new)
    assert json.loads(diff(tmp_path, old_text, new_text, "-o", "json").stdout)[0]["refused"] == []
    assert "refused" not in diff(tmp_path, old_text, new_text).stdout


def test_a_change_that_is_accepted_is_not_refused(tmp_path: Path) -> None:
    stored = stored_machine()
    stored["metadata"]["uid"] = "1"
    new = after(stored, *EDITS["another clock"])
    first = diff(tmp_path, yaml.safe_dump(stored), yaml.safe_dump(new))
    assert first.stderr == ""
    found = re.search(f"{ANNOTATION}: ([0-9a-f]+)", first.stdout)
    assert found is not None
    new["metadata"]["annotations"] = {ANNOTATION: found[1]}
    done = diff(tmp_path, yaml.safe_dump(stored), yaml.safe_dump(new))
    assert ("guest-breaking: " in done.stdout, "refused" in done.stdout) == (True, False)


def test_of_a_stored_vm_without_a_uid_it_is_said_that_the_digest_is_another(tmp_path: Path) -> None:
    stored = stored_machine()
    done = diff(tmp_path, yaml.safe_dump(stored), yaml.safe_dump(after(stored, *EDITS["another clock"])))
    assert "states no `metadata.uid`: in the cluster another digest accepts the change" in done.stderr


def test_a_credential_is_not_shown(tmp_path: Path) -> None:
    complete = yaml.safe_load(vmconfig("expand", "-", text=manifest(graphics="vnc")).stdout)
    other = yaml.safe_load(yaml.safe_dump(complete))
    other["spec"]["domain"]["devices"]["graphics"][0]["passwd"] = "Tr0ub4dor"
    for flags in ((), ("-o", "json"), ("-o", "yaml")):
        done = diff(tmp_path, yaml.safe_dump(complete), yaml.safe_dump(other), *flags)
        assert "passwd" in done.stdout
        assert "Tr0ub4dor" not in done.stdout + done.stderr


def test_several_vms_are_compared_by_their_names(tmp_path: Path) -> None:
    both = "---\n".join([manifest("a"), manifest("b")])
    done = diff(tmp_path, both, "---\n".join([manifest("b", rng=False), manifest("a")]))
    assert "VM default/a: nothing differs" in done.stdout
    assert "spec.domain.devices.rng: rng `rng` is removed" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("---\n".join([manifest("a"), manifest("b")]), manifest("a"), "VM default/b: is on one side alone"),
        (manifest(), manifest(system={"type": "windows", "version": "10"}), "the machine was made for ubuntu 24.04"),
        (manifest(), manifest(memroy=1), "memroy"),
        (manifest(), "kind: ConfigMap\napiVersion: v1\n", "holds no VM"),
    ],
    ids=["one side alone", "refused", "malformed", "no VM"],
)
def test_what_cannot_be_compared_is_a_finding(tmp_path: Path, old: str, new: str, said: str) -> None:
    done = diff(tmp_path, old, new)
    assert done.returncode == 1
    assert said in done.stdout


def test_a_configuration_alone_and_a_vm_alone_are_not_the_same_one(tmp_path: Path) -> None:
    vm = yaml.safe_load(manifest())
    config = {**vm, "kind": "VirtualMachineConfig", "spec": {"template": {"spec": vm["spec"]}}}
    done = diff(tmp_path, manifest(), yaml.safe_dump(config))
    assert (done.returncode, done.stdout.count("is on one side alone")) == (1, 2)
    larger = yaml.safe_load(manifest(memory="8Gi"))
    other = {**config, "metadata": {"name": "other"}, "spec": {"template": {"spec": larger["spec"]}}}
    done = diff(tmp_path, yaml.safe_dump(config), yaml.safe_dump(other))
    assert "VirtualMachineConfig default/other:\n  spec.template.spec.domain.memory.size: is now `8192`" in done.stdout
