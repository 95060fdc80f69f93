"""The tools for policy files: what they find, and that what ships passes them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.test_cli import ROOT, vmconfig
from webhook.kinds import declared_fields
from webhook.kubevirt import api as kubevirt
from webhook.policy.language.conditions import CONDITIONS
from webhook.policy.language.cross_field import COMPARISONS, GUARDS
from webhook.policy.language.totals import totals

SHIPPED = ROOT / "policies"
WRONG = ROOT / "tests" / "policy" / "loading" / "wrong" / "selection"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped policies, to be changed."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "policies"))


def test_the_shipped_policies_load_and_pass_their_suites() -> None:
    checked, tested = vmconfig("policy", "check", str(SHIPPED)), vmconfig("policy", "test", str(SHIPPED))
    assert (checked.returncode, tested.returncode) == (0, 0)
    assert "rules" in checked.stdout
    assert "cases as expected" in tested.stdout


def test_a_folder_without_policies_about_kubevirt_needs_no_cases_of_them(folder: Path) -> None:
    for file in folder.glob("*/kubevirt.yaml"):
        file.unlink()
    shutil.rmtree(folder / "cis")
    assert "is not refused by `kubevirt-restricted/no-pci-holes`" in vmconfig("policy", "test", str(folder)).stdout
    for suite in folder.glob("*/suite.yaml"):
        suite.write_text(suite.read_text().replace("include: [cases/kubevirt.yaml]\n", ""))
    tested = vmconfig("policy", "test", str(folder))
    assert (tested.returncode, tested.stderr) == (0, "")


def test_a_mistake_is_found_with_file_line_and_column() -> None:
    done = vmconfig("policy", "check", "-o", "json", str(WRONG))
    assert done.returncode == 1
    findings = json.loads(done.stdout)
    assert {"path", "problem", "help", "rule"} <= set(findings[0])
    assert findings[0]["path"] == "selection/selection.yaml:5:36"


@pytest.mark.parametrize("output", ["text", "json", "yaml"])
def test_nothing_is_printed_of_a_file_that_is_no_policy(folder: Path, output: str) -> None:
    """A kubeconfig and a Secret that were named by mistake, well-formed and broken in every way there is."""
    user = "users: [{name: admin, user: {token: canary-1, client-key-data: &canary canary-2, canary-3: on}}]\n"
    (folder / "config.yaml").write_text(f"apiVersion: v1\nkind: Config\n{user}")
    (folder / "twice.yaml").write_text(f"apiVersion: v1\nkind: Secret\ncanary-4: a\ncanary-4: b\n{user}...\n")
    (folder / "cut.yaml").write_text(f"apiVersion: v1\nkind: Config\n{user}x: [canary-5, 'canary-6\n")
    (folder / "bare.yaml").write_text("canary-7\n")
    (folder / "binary.yaml").write_bytes(b"canary-8: \xff\n")
    (folder / "tagged.yaml").write_text("!canary-9 {? [canary-10] : *canary}\n")
    done = vmconfig("policy", "check", "-o", output, str(folder))
    assert done.returncode == 1
    for name in ("config", "twice", "cut", "bare", "binary", "tagged"):
        assert f"policies/{name}.yaml" in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_a_case_that_ends_otherwise_is_named(folder: Path) -> None:
    suite = folder / "restricted" / "suite.yaml"
    suite.write_text(suite.read_text() + "  - {title: my kernel passes, spec: {domain: {os: {kernel: /boot/k}}}}\n")
    done = vmconfig("policy", "test", str(folder))
    assert done.returncode == 1
    assert "my kernel passes: `spec.domain.os.kernel` is refused by `restricted/no-host-paths`" in done.stdout


def test_a_rule_that_no_case_needs_is_named(folder: Path) -> None:
    policy = folder / "restricted" / "policy.yaml"
    rule = "  - {name: few-vcpus, forbid: {path: domain.vcpu.count}, when: {above: 64}}\n"
    policy.write_text(policy.read_text().replace("...\n", f"{rule}...\n"))
    done = vmconfig("policy", "test", str(folder))
    assert done.returncode == 1
    assert "rule `restricted/few-vcpus` is exercised by no case" in done.stdout
    suite = folder / "restricted" / "suite.yaml"
    case = "  - title: too many\n    spec: {domain: {vcpu: {count: 65}}}\n"
    refused = "    refused: [{path: spec.domain.vcpu.count, rule: restricted/few-vcpus}]\n"
    suite.write_text(suite.read_text() + case + refused)
    assert vmconfig("policy", "test", str(folder)).returncode == 0


def test_a_policy_is_named_until_a_suite_stands_in_its_folder(folder: Path) -> None:
    (folder / "site").mkdir()
    (folder / "site" / "policy.yaml").write_text(HEAD + STATED + "\n...\n")
    named = "policies/site/policy.yaml:1: policy `site` has no `suite.yaml` in its folder"
    done = vmconfig("policy", "test", str(folder))
    assert (done.returncode, named in done.stdout) == (1, True)
    (folder / "site" / "suite.yaml").write_text("cases: [{title: a, spec: {domain: {}}}]\n")
    assert "has no `suite.yaml`" not in vmconfig("policy", "test", str(folder)).stdout


def test_a_suite_that_is_none_is_a_finding(folder: Path) -> None:
    (folder / "restricted" / "suite.yaml").write_text("cases: [{title: a}]\n")
    done = vmconfig("policy", "test", str(folder))
    assert done.returncode == 1
    assert "policies/restricted/suite.yaml:1:9: a case has one of `spec`, `manifest` and `object`" in done.stdout


def test_every_mistake_in_a_suite_is_found_with_its_line(folder: Path) -> None:
    (folder / "restricted" / "suite.yaml").write_text(
        "cases:\n"
        "  - {title: a, spec: {domain: {}}, refuse: []}\n"
        "  - {title: b, manifest: gone.yaml}\n"
        "  - {title: c, spec: {domain: {}}, request: [x]}\n"
        "  - {title: d, spec: {domain: {}}, refused: [{path: p}]}\n"
        "  - {title: e, title: e, spec: {}}\n"
    )
    found = vmconfig("policy", "test", str(folder)).stdout
    assert "suite.yaml:6:16: says `title` again" in found
    (folder / "restricted" / "suite.yaml").write_text(
        (folder / "restricted" / "suite.yaml").read_text().replace("title: e, title: e", "title: e")
    )
    found = vmconfig("policy", "test", str(folder)).stdout
    for place in (
        "2:36: `refuse`",
        "3:26: `gone.yaml` cannot be read",
        "4:45: a request is",
        "5:46: refused lacks `rule`",
    ):
        assert f"policies/restricted/suite.yaml:{place}" in found


def suite_of_manifest(folder: Path, disk: str, expected: str) -> int:
    """Whether a suite whose case is a whole manifest passes."""
    folder.mkdir()
    (folder / "policy.yaml").write_text(
        "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\nmetadata: {name: site}\nmode: warn\n"
        "rules: [{name: buses, forbid: {path: 'domain.devices.disks[*].target.bus'}, when: {in: [sata]}}]\n...\n"
    )
    (folder / "cases").mkdir()
    (folder / "cases" / "vm.yaml").write_text(
        "apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {name: a}\n"
        f"spec: {{features: {{storage: [{disk}]}}}}\n"
    )
    (folder / "suite.yaml").write_text(f"cases: [{{title: a, manifest: cases/vm.yaml, {expected}}}]\n")
    return vmconfig("policy", "test", str(folder)).returncode


WARNED = "warned: [{path: 'spec.domain.devices.disks[0].target.bus', rule: site/buses}]"


def test_a_manifest_is_completed_before_it_is_judged_and_warnings_are_expected_too(tmp_path: Path) -> None:
    assert suite_of_manifest(tmp_path / "cdrom", "{type: cdrom}", WARNED) == 0
    assert suite_of_manifest(tmp_path / "unexpected", "{type: cdrom}", "refused: []") == 1
    assert suite_of_manifest(tmp_path / "disk", "{type: disk, interface: virtio}", WARNED) == 1


HEAD = "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\nmetadata: {name: site}\n"
STATED = "rules: [{name: own, forbid: {path: domain}}]"
WRITTEN = "refused: [{path: spec.domain, rule: site/own}]"


def suite_of_stated(folder: Path, *cases: str, more: str = "") -> tuple[int, str]:
    """The exit code and the output of a suite about a rule on what requesters write."""
    (folder / "cases").mkdir(parents=True)
    (folder / "own.yaml").write_text(HEAD + STATED + "\n...\n")
    head = "apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {name: a}\n"
    (folder / "cases" / "vm.yaml").write_text(f"{head}spec: {{features: {{rng: true}}{more}}}\n")
    (folder / "suite.yaml").write_text("cases:\n" + "".join(f"  - {{title: t, {each}}}\n" for each in cases))
    done = vmconfig("policy", "test", str(folder))
    return done.returncode, done.stdout


def test_a_suite_judges_what_is_written_and_not_what_becomes_of_it(tmp_path: Path) -> None:
    written, manifest = f"spec: {{domain: {{title: t}}}}, {WRITTEN}", "manifest: cases/vm.yaml"
    assert suite_of_stated(tmp_path / "whole", written, manifest)[0] == 0
    same = "spec: {domain: {title: t}}, stored: {domain: {title: t}}"
    assert suite_of_stated(tmp_path / "update", written, same)[0] == 0
    assert suite_of_stated(tmp_path / "own", f"{manifest}, {WRITTEN}", more=", domain: {title: t}")[0] == 0
    code, out = suite_of_stated(tmp_path / "unexpected", written, manifest, more=", domain: {title: t}")
    assert (code, "`spec.domain` is refused by `site/own`" in out) == (1, True)
    code, out = suite_of_stated(tmp_path / "unneeded", manifest)
    assert (code, "rule `site/own` is exercised by no case" in out) == (1, True)


def test_explain_names_the_rule_about_what_a_manifest_states_and_no_such_rule_of_what_it_does_not(
    tmp_path: Path, vm: Path
) -> None:
    suite_of_stated(tmp_path / "own", "manifest: cases/vm.yaml")
    for level in ("restricted", "baseline", "privileged"):
        (tmp_path / "own" / f"{level}.yaml").write_text((SHIPPED / level / "policy.yaml").read_text())
    flags = ("--policies", str(tmp_path / "own"))
    assert explained(str(vm), *flags)["spec.domain"] == (True, "site/own")
    assert "spec.domain" not in explained(str(tmp_path / "own" / "cases" / "vm.yaml"), *flags)


def explained(*arguments: str) -> dict[str, tuple[bool, str]]:
    """What `policy explain` says of the host's CPU, disks and kernel: refused or not, and by which rule."""
    done = vmconfig("policy", "explain", "-o", "json", *arguments)
    rows = json.loads(done.stdout)
    assert done.returncode == int(any(row["refused"] for row in rows))
    return {row["path"]: (row["refused"], row["rule"]) for row in rows}


@pytest.fixture
def vm(tmp_path: Path) -> Path:
    manifest = tmp_path / "vm.yaml"
    manifest.write_text(
        "apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {name: a, namespace: b}\n"
        "spec: {domain: {os: {kernel: /k}, devices: {disks: [{name: d, claim: c, driver: {cache: none}}]}}}\n"
    )
    return manifest


KERNEL, CACHE = "spec.domain.os.kernel", "spec.domain.devices.disks[0].driver.cache"


def test_explain_names_the_rule_that_decides_about_each_field(vm: Path) -> None:
    rows = explained(str(vm))
    assert rows[KERNEL] == (True, "restricted/no-host-paths")
    assert rows[CACHE] == (True, "restricted/no-io-tuning")
    assert rows["spec.domain.vcpu.count"] == (False, "")
    rows = explained(str(vm), "--level", "baseline")
    assert rows[KERNEL] == (True, "default-deny/host-path")
    assert rows[CACHE] == (False, "baseline/cache-modes")


def test_explain_is_for_a_user_in_a_namespace(vm: Path, folder: Path) -> None:
    (folder / "site.yaml").write_text(
        "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\nmetadata: {name: site}\n"
        "match: {namespaces: {names: [c], labels: {tier: x}}, subjects: {users: [jane]}}\n"
        "rules: [{name: kernels, permit: {path: domain.os.kernel}}]\n...\n"
    )
    asked = (str(vm), "--policies", str(folder), "--user", "jane", "--label", "tier=x")
    assert explained(*asked, "--namespace", "c")[KERNEL] == (False, "site/kernels")
    assert explained(*asked)[KERNEL] == (True, "restricted/no-host-paths")
    assert explained(*asked[:3], "--namespace", "c")[KERNEL] == (True, "restricted/no-host-paths")


def test_explain_as_text_has_a_line_for_each_field_that_a_rule_decides(vm: Path) -> None:
    lines = vmconfig("policy", "explain", str(vm)).stdout.splitlines()
    assert [line.split()[:3] for line in lines[:2]] == [
        ["refused", KERNEL, "host-path"],
        ["refused", CACHE, "io-tuning"],
    ]
    assert "restricted/no-host-paths (policies/restricted/policy.yaml:10)" in lines[0]
    assert lines[-1].startswith("allowed  ")
    assert lines[-1].endswith("more fields, about which no rule has to decide")
    everything = vmconfig("policy", "explain", "--all", str(vm)).stdout.splitlines()
    assert len(everything) == 2 + int(lines[-1].split()[1])


def test_the_schema_has_every_path_and_condition() -> None:
    made = json.loads(vmconfig("policy", "schema").stdout)
    assert made["$defs"]["path"]["enum"] == sorted({*declared_fields(), *kubevirt.declared_fields()})
    rule = made["$defs"]["rule"]["properties"]
    assert set(rule["when"]["properties"]) == {*CONDITIONS, *COMPARISONS}
    assert set(GUARDS) < set(rule)
    assert made["$defs"]["selector"]["properties"]["total"]["enum"] == list(totals())


def test_a_rule_about_a_frontend_holds_in_the_service_as_it_does_alone(tmp_path: Path) -> None:
    manifest = tmp_path / "vm.yaml"
    manifest.write_text(
        "apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {name: a, namespace: b}\n"
        "spec: {features: {system: {type: linux}}, domain: {cpu: {mode: host-passthrough}}}\n"
    )
    done = vmconfig("check", "-o", "json", str(manifest))
    assert [finding["path"] for finding in json.loads(done.stdout)] == ["spec.domain.cpu.mode"]
    assert vmconfig("check", "--level", "privileged", str(manifest)).returncode == 0


MACHINES = (
    "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: KubeVirtPolicy\nmetadata: {name: machines}\n"
    "rules: [{name: named, forbid: {path: vmi.domain.machine.type}, when: {in: [q35]}}]\n...\n"
)
PLACE = "spec.template.spec.domain.machine.type"
REFUSED = f"refused: [{{path: {PLACE}, rule: machines/named}}]"


def of_machine(name: str, kind: str = "apiVersion: kubevirt.io/v1, kind: VirtualMachine") -> str:
    return f"{{{kind}, spec: {{template: {{spec: {{domain: {{machine: {{type: {name}}}}}}}}}}}}}"


def suite_of_kubevirt(folder: Path, *cases: str) -> tuple[int, str]:
    """The exit code and the output of a suite about a rule on KubeVirt's machines."""
    folder.mkdir(parents=True)
    (folder / "machines.yaml").write_text(MACHINES)
    (folder / "suite.yaml").write_text("cases:\n" + "".join(f"  - {{title: t, {each}}}\n" for each in cases))
    done = vmconfig("policy", "test", str(folder))
    return done.returncode, done.stdout


def test_policies_on_kubevirts_machines_are_tried_with_its_objects(tmp_path: Path) -> None:
    good, bad = f"object: {of_machine('pc-q35-9.2')}", f"object: {of_machine('q35')}, {REFUSED}"
    assert suite_of_kubevirt(tmp_path / "both", good, bad) == (0, "2 cases as expected; every rule is needed by one\n")
    code, said = suite_of_kubevirt(tmp_path / "idle", good)
    assert (code, "rule `machines/named` is exercised by no case" in said) == (1, True)
    code, said = suite_of_kubevirt(tmp_path / "otherwise", bad, f"object: {of_machine('q35')}")
    assert (code, f"`{PLACE}` is refused by `machines/named`" in said) == (1, True)
    stored = f"stored: {of_machine('q35')}"
    assert suite_of_kubevirt(tmp_path / "update", bad, f"object: {of_machine('q35')}, {stored}")[0] == 0


def test_what_is_no_object_of_kubevirts_is_told(tmp_path: Path) -> None:
    for number, head in enumerate(("kind: VirtualMachine", "apiVersion: v1, kind: Pod", "a: b")):
        code, said = suite_of_kubevirt(tmp_path / str(number), f"object: {of_machine('pc-q35-9.2', head)}")
        assert (code, "is no object of KubeVirt's that policies are about" in said) == (1, True), head
    code, said = suite_of_kubevirt(tmp_path / "empty", "object: {}")
    assert (code, "is no object of KubeVirt's that policies are about" in said) == (1, True)
    code, said = suite_of_kubevirt(tmp_path / "text", "object: text")
    assert (code, "object is no object" in said, "policies are about" in said) == (1, True, False)


def test_an_update_starts_from_an_object_of_the_same_kind(tmp_path: Path) -> None:
    good = f"object: {of_machine('pc-q35-9.2')}"
    for number, stored in enumerate(("{}", "{domain: {}}", of_machine("q35", "apiVersion: v1, kind: Pod"))):
        code, said = suite_of_kubevirt(tmp_path / str(number), f"{good}, stored: {stored}")
        assert (code, "stored is no object of the same kind" in said) == (1, True), stored
    older = of_machine("q35", "apiVersion: kubevirt.io/v1alpha3, kind: VirtualMachine")
    assert "same kind" not in suite_of_kubevirt(tmp_path / "older", f"{good}, stored: {older}")[1]


def test_a_policy_on_kubevirts_machines_is_named_until_a_suite_stands_in_its_folder(folder: Path) -> None:
    (folder / "site").mkdir()
    (folder / "site" / "machines.yaml").write_text(MACHINES)
    named = "policies/site/machines.yaml:1: policy `machines` has no `suite.yaml` in its folder"
    done = vmconfig("policy", "test", str(folder))
    assert (done.returncode, named in done.stdout) == (1, True)


def test_a_suite_includes_files_and_a_manifest_may_be_kubevirts(tmp_path: Path) -> None:
    folder = tmp_path / "some"
    (folder / "cases").mkdir(parents=True)
    (folder / "machines.yaml").write_text(MACHINES)
    (folder / "cases" / "vm.yaml").write_text(of_machine("q35"))
    (folder / "cases" / "more.yaml").write_text(f"cases: [{{title: t, manifest: cases/vm.yaml, {REFUSED}}}]\n")
    good = f"cases: [{{title: t, object: {of_machine('pc-q35-9.2')}}}]\n"
    (folder / "suite.yaml").write_text(good + "include: [cases/more.yaml]\n")
    assert vmconfig("policy", "test", str(folder)).stdout.startswith("2 cases as expected")
    listed = f"apiVersion: v1\nkind: List\nitems: [{of_machine('q35')}, {of_machine('q35')}]\n"
    (folder / "cases" / "vm.yaml").write_text(listed)
    said = vmconfig("policy", "test", str(folder)).stdout
    assert "`cases/vm.yaml` holds a list of 2, expected one object" in said
    (folder / "cases" / "more.yaml").write_text("include: []\ncases: [{title: t}]\n")
    said = vmconfig("policy", "test", str(folder)).stdout
    assert "some/cases/more.yaml:1:1: `include` is no field of a file of cases" in said
    assert "some/cases/more.yaml:2:9: a case has one of" in said
    (folder / "suite.yaml").write_text(good + "include: [gone.yaml]\n")
    assert "`gone.yaml` cannot be read" in vmconfig("policy", "test", str(folder)).stdout
