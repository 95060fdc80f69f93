"""The command takes KubeVirt's own objects where policies are asked, and passes them over where they mean nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.cli.test_policy import vmconfig
from tests.kubevirt.attack_cases import MACHINE
from tests.kubevirt.objects import around
from webhook.policy import shipped

BAD = {**MACHINE, "schedulerName": "mine"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    objects = {"bad": BAD, "good": MACHINE}
    for name, spec in objects.items():
        obj = {**around("VirtualMachine", spec, {}, {}), "metadata": {"name": name, "namespace": "team"}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(obj))
    return tmp_path


def test_check_names_what_the_webhook_would_refuse(folder: Path) -> None:
    done = vmconfig("check", str(folder / "bad.yaml"), "-o", "json")
    [found] = json.loads(done.stdout)
    assert (done.returncode, found["path"]) == (1, "spec.template.spec.schedulerName")
    assert vmconfig("check", str(folder / "good.yaml")).returncode == 0
    assert vmconfig("check", str(folder / "bad.yaml"), "--level", "privileged").returncode == 0


def test_explain_names_the_rule_for_each_field(folder: Path) -> None:
    done = vmconfig("policy", "explain", str(folder / "bad.yaml"), "-o", "json")
    refused = [each for each in json.loads(done.stdout) if each["refused"]]
    assert [(each["class"], each["rule"]) for each in refused] == [("placement", "kubevirt-restricted/no-placement")]
    assert vmconfig("policy", "explain", str(folder / "good.yaml")).returncode == 0


def test_diff_tells_whose_machines_other_policies_would_refuse(folder: Path) -> None:
    new = folder / "new"
    shutil.copytree(shipped(), new)
    file = new / "restricted" / "kubevirt.yaml"
    permit = "  - name: any\n    permit: {class: placement}\n...\n"
    file.write_text(file.read_text().removesuffix("...\n") + permit)
    done = vmconfig("policy", "diff", str(shipped()), str(new), "--vms", str(folder / "bad.yaml"))
    assert "1 VMs: 0 newly refused, 1 newly allowed" in done.stdout
    same = vmconfig("policy", "diff", str(shipped()), str(new), "--vms", str(folder / "good.yaml"))
    assert "0 newly refused, 0 newly allowed" in same.stdout
    rules = vmconfig("policy", "diff", str(shipped()), str(new))
    assert "placement: refused -> allowed: " in rules.stdout


def test_a_verb_about_our_own_machines_passes_them_over(folder: Path) -> None:
    done = vmconfig("expand", str(folder))
    assert done.returncode == 1
    assert "VirtualMachine 2" in done.stdout + done.stderr


def test_a_policy_about_our_paths_is_no_policy_about_kubevirts(folder: Path) -> None:
    shutil.copytree(shipped(), folder / "site")
    policy = """apiVersion: policy.vmconfig.kubevirt.io/v1
kind: KubeVirtPolicy
metadata: {name: mine}
rules:
  - {name: a, deny: {path: "domain.devices.disks[*].driver.cache"}}
  - {name: b, deny: {total: vcpus}, when: {above: 4}}
...
"""
    (folder / "site" / "mine.yaml").write_text(policy)
    done = vmconfig("policy", "check", str(folder / "site"), "-o", "json")
    assert [each["path"].rpartition("/")[2] for each in json.loads(done.stdout)] == ["mine.yaml:5:28", "mine.yaml:6:29"]
    (folder / "site" / "mine.yaml").write_text(
        policy.replace("domain.devices", "vmi.domain.devices")
        .replace("driver.", "")
        .replace("{total: vcpus}, when: {above: 4}", "{class: placement}")
    )
    assert vmconfig("policy", "check", str(folder / "site")).returncode == 0


def test_levels_about_kubevirts_machines_are_all_there_or_none(folder: Path) -> None:
    shutil.copytree(shipped(), folder / "site")
    (folder / "site" / "baseline" / "kubevirt.yaml").unlink()
    done = vmconfig("policy", "check", str(folder / "site"))
    assert done.returncode == 1
    assert "no KubeVirtPolicy is about the level `baseline`" in done.stdout
    for level in ("restricted", "privileged", "cis"):
        (folder / "site" / level / "kubevirt.yaml").unlink()
    assert vmconfig("policy", "check", str(folder / "site")).returncode == 0
