"""`vmconfig diff`: what changed between two VMs, in three forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_cli import Done, vmconfig

Tree = dict[str, Any]
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
    assert lines[-1] == "  1 hotplug, 3 reboot, 1 guest-breaking"


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
