"""The tools for policy files: what they find, and that what ships passes them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.test_cli import ROOT, vmconfig
from webhook.kinds import places
from webhook.policy.conditions import CONDITIONS

SHIPPED = ROOT / "policies"
WRONG = ROOT / "tests" / "policy" / "wrong" / "selection"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped policies, to be changed."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "policies"))


def test_the_shipped_policies_load_and_pass_their_suites() -> None:
    checked, tested = vmconfig("policy", "check", str(SHIPPED)), vmconfig("policy", "test", str(SHIPPED))
    assert (checked.returncode, tested.returncode) == (0, 0)
    assert "rules" in checked.stdout
    assert "cases as expected" in tested.stdout


def test_a_mistake_is_found_with_file_line_and_column() -> None:
    done = vmconfig("policy", "check", "-o", "json", str(WRONG))
    assert done.returncode == 1
    findings = json.loads(done.stdout)
    assert {"path", "problem", "help", "rule"} <= set(findings[0])
    assert findings[0]["path"] == "selection/selection.yaml:5:36"


def test_a_case_that_ends_otherwise_is_named(folder: Path) -> None:
    suite = folder / "restricted" / "suite.yaml"
    suite.write_text(suite.read_text() + "  - {title: my kernel passes, spec: {domain: {os: {kernel: /boot/k}}}}\n")
    done = vmconfig("policy", "test", str(folder))
    assert done.returncode == 1
    assert "my kernel passes: `spec.domain.os.kernel` is refused by `restricted/no-host-paths`" in done.stdout


def test_a_rule_that_no_case_needs_is_named(folder: Path) -> None:
    policy = folder / "restricted" / "policy.yaml"
    rule = "  - {name: few-vcpus, forbid: {path: domain.vcpu.count}, when: {above: 64}}\n"
    policy.write_text(policy.read_text() + rule)
    done = vmconfig("policy", "test", str(folder))
    assert done.returncode == 1
    assert "rule `restricted/few-vcpus` is exercised by no case" in done.stdout
    suite = folder / "restricted" / "suite.yaml"
    case = "  - title: too many\n    spec: {domain: {vcpu: {count: 65}}}\n"
    refused = "    refused: [{path: spec.domain.vcpu.count, rule: restricted/few-vcpus}]\n"
    suite.write_text(suite.read_text() + case + refused)
    assert vmconfig("policy", "test", str(folder)).returncode == 0


def test_a_suite_that_is_none_is_a_finding(folder: Path) -> None:
    (folder / "restricted" / "suite.yaml").write_text("cases: [{title: a}]\n")
    done = vmconfig("policy", "test", str(folder))
    assert done.returncode == 1
    assert "restricted/suite.yaml: cases[0]: is no case" in done.stdout


def test_the_schema_has_every_path_and_condition() -> None:
    made = json.loads(vmconfig("policy", "schema").stdout)
    assert made["$defs"]["path"]["enum"] == sorted(places())
    assert set(made["$defs"]["rule"]["properties"]["when"]["properties"]) == set(CONDITIONS)


def test_a_rule_about_a_frontend_holds_in_the_service_as_it_does_alone(tmp_path: Path) -> None:
    manifest = tmp_path / "vm.yaml"
    manifest.write_text(
        "apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {name: a, namespace: b}\n"
        "spec: {features: {system: {type: linux}}, domain: {cpu: {mode: host-passthrough}}}\n"
    )
    done = vmconfig("check", "-o", "json", str(manifest))
    assert [finding["path"] for finding in json.loads(done.stdout)] == ["spec.domain.cpu.mode"]
    assert vmconfig("check", "--level", "privileged", str(manifest)).returncode == 0
