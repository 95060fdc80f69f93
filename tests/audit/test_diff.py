"""`vmconfig policy diff` over folders: the rules alone, and what becomes of the VMs in manifests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.cli.test_cli import ROOT, vmconfig

SHIPPED = ROOT / "policies"
EXAMPLES = ROOT / "examples"
HEAD = "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\nmetadata: {name: site}\n"
VCPUS = HEAD + "rules: [{name: few, forbid: {path: domain.vcpu.count}, when: {above: 4}}]\n...\n"
VM = "apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {name: %s, namespace: %s}\nspec: %s\n"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """A copy of the shipped policies, to be changed."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "new"))


def test_the_same_folder_differs_in_nothing(new: Path) -> None:
    for more in ([], ["--vms", str(EXAMPLES)]):
        done = vmconfig("policy", "diff", str(SHIPPED), str(new), *more)
        assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(" VMs: 0 newly refused, 0 newly allowed, 0 refused otherwise\n")


def test_a_new_rule_is_told_with_its_line_and_what_it_decides(new: Path) -> None:
    (new / "site.yaml").write_text(VCPUS)
    done = vmconfig("policy", "diff", str(SHIPPED), str(new))
    assert done.returncode == 1
    assert "added rule site/few (new/site.yaml:4)\n  + forbid domain.vcpu.count when above 4\n" in done.stdout
    assert "in a namespace of level restricted:\n  frontend: allowed -> by value: domain.vcpu.count\n" in done.stdout


def test_a_rule_that_is_gone_is_told_where_it_was(new: Path) -> None:
    done = vmconfig("policy", "diff", str(new), str(SHIPPED))
    (new / "site.yaml").write_text(VCPUS)
    assert done.returncode == 0
    done = vmconfig("policy", "diff", str(new), str(SHIPPED))
    assert "removed rule site/few (new/site.yaml:4)\n  - forbid domain.vcpu.count when above 4\n" in done.stdout
    assert "frontend: by value -> allowed: domain.vcpu.count" in done.stdout


def test_many_paths_are_told_by_some_in_text_and_all_in_json(new: Path) -> None:
    (new / "site.yaml").write_text(HEAD + "rules: [{name: tuning, permit: {class: host-network}}]\n...\n")
    assert " more\n" in vmconfig("policy", "diff", str(SHIPPED), str(new)).stdout
    said = json.loads(vmconfig("policy", "diff", str(SHIPPED), str(new), "-o", "json").stdout)
    turned = [each for each in said["decisions"] if each["level"] == "restricted"]
    assert {(each["kind"], each["before"], each["after"]) for each in turned} == {
        ("host-network", "refused", "allowed")
    }
    assert len(turned) > 20
    assert [(each["change"], each["name"]) for each in said["edits"]] == [("added", "site"), ("added", "site/tuning")]


def test_vms_of_a_folder_are_told_by_namespace_and_name_with_what_is_new(new: Path, tmp_path: Path) -> None:
    (new / "site.yaml").write_text(VCPUS)
    vms = tmp_path / "vms"
    vms.mkdir()
    (vms / "a.yaml").write_text(VM % ("big", "team-a", "{features: {cpu: {count: 8}}}"))
    (vms / "b.yaml").write_text(VM % ("small", "team-b", "{features: {cpu: {count: 2}}}") + "---\nkind: Pod\n")
    done = vmconfig("policy", "diff", str(SHIPPED), str(new), "--vms", str(vms))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[:2] == ["newly refused:", "  team-a/big (VM)"]
    assert lines[2].startswith("    + spec.domain.vcpu.count: is 8, at most 4 is allowed here")
    assert lines[3] == "      rule: site/few (new/site.yaml:4)"
    assert lines[4:] == ["2 VMs: 1 newly refused, 0 newly allowed, 0 refused otherwise"]
    back = vmconfig("policy", "diff", str(new), str(SHIPPED), "--vms", str(vms), "-o", "yaml")
    assert back.returncode == 1
    said = yaml.safe_load(back.stdout)
    assert [each["name"] for each in said["newlyAllowed"]] == ["big"]
    assert said["summary"] == {"vms": 2, "newlyRefused": 0, "newlyAllowed": 1, "refusedOtherwise": 0}


def test_the_labels_of_namespaces_among_the_manifests_choose_their_level(new: Path, tmp_path: Path) -> None:
    baseline = new / "baseline" / "policy.yaml"
    discard = '  - name: discard\n    permit: {path: "domain.devices.disks[*].driver.discard"}\n'
    assert discard in baseline.read_text()
    baseline.write_text(baseline.read_text().replace(discard, ""))
    tuned = "{domain: {devices: {disks: [{name: a, claim: a, driver: {discard: unmap}}]}}}"
    label = "labels: {vmconfig.kubevirt.io/enforce: baseline}"
    manifest = tmp_path / "vms.yaml"
    manifest.write_text(VM % ("tuned", "lab", tuned))
    unlabelled = vmconfig("policy", "diff", str(SHIPPED), str(new), "--vms", str(manifest))
    assert unlabelled.returncode == 0, unlabelled.stdout
    manifest.write_text(VM % ("tuned", "lab", tuned) + f"---\nkind: Namespace\nmetadata: {{name: lab, {label}}}\n")
    labelled = vmconfig("policy", "diff", str(SHIPPED), str(new), "--vms", str(manifest))
    assert "newly refused:\n  lab/tuned (VM)\n    + spec.domain.devices.disks[0].driver.discard: " in labelled.stdout


def test_a_list_as_kubectl_prints_it_is_read(new: Path, tmp_path: Path) -> None:
    (new / "site.yaml").write_text(VCPUS)
    items = [yaml.safe_load(VM % (name, "team-a", "{domain: {vcpu: {count: 8}}}")) for name in ("a", "b")]
    manifest = tmp_path / "vms.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    done = vmconfig("policy", "diff", str(SHIPPED), str(new), "--vms", str(manifest))
    assert done.stdout.endswith("2 VMs: 2 newly refused, 0 newly allowed, 0 refused otherwise\n")


def test_policies_for_some_users_are_judged_for_nobody_known_and_that_is_said(new: Path) -> None:
    some = VCPUS.replace("rules:", "match: {subjects: {groups: [devs]}}\nrules:")
    (new / "site.yaml").write_text(some)
    done = vmconfig("policy", "diff", str(SHIPPED), str(new), "--vms", str(EXAMPLES))
    assert done.returncode == 0, done.stdout
    assert done.stderr == "note: `site` match users or groups; VMs are judged as an unknown user's\n"
    alone = vmconfig("policy", "diff", str(SHIPPED), str(new))
    assert "match some namespaces or users only: site" in alone.stdout


def test_a_malformed_vm_is_said_and_ends_nothing(new: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "vm.yaml"
    manifest.write_text(VM % ("odd", "team-a", "{domain: {vcpu: many}}"))
    done = vmconfig("policy", "diff", str(SHIPPED), str(new), "--vms", str(manifest))
    assert done.returncode == 0
    assert "malformed: team-a/odd (VM): spec.domain.vcpu: is a string" in done.stdout


@pytest.mark.parametrize("text", ["kind: Pod\n", "a: 1\n"])
def test_manifests_without_a_vm_are_a_finding(new: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "none.yaml").write_text(text)
    done = vmconfig("policy", "diff", str(SHIPPED), str(new), "--vms", str(tmp_path / "none.yaml"))
    assert done.returncode == 1
    assert "holds no VM" in done.stdout


def test_policies_that_do_not_load_are_findings(new: Path) -> None:
    (new / "site.yaml").write_text(HEAD)
    done = vmconfig("policy", "diff", str(SHIPPED), str(new), "-o", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["path"].startswith("new/site.yaml:")


def test_vms_and_a_cluster_at_once_are_a_wrong_call() -> None:
    done = vmconfig("policy", "diff", str(SHIPPED), str(SHIPPED), "--vms", str(EXAMPLES), "--cluster")
    assert done.returncode == 2
