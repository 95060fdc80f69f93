"""The audit on a real API server, by the real command, with the rights that the chart grants and no others."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.audit.conftest import ACCOUNT, REPORTS_CRD, TUNED, Audited, complete, stored
from tests.chart.rendering import NAMESPACE, ROOT, rendered
from webhook.cluster import api, vms
from webhook.cluster.reports import Reports
from webhook.kinds import KINDS
from webhook.policy.tools.report import MOST_BYTES, Report, Result, Subject
from webhook.trees import Tree

POLICIES = ("--policies", str(ROOT / "policies"))
AUDIT = ("audit", *POLICIES)


def flat(report: Tree) -> list[tuple[str, str, str, str]]:
    """Each result that is no pass: the VM, the outcome, the rule and the place."""
    return [
        (
            each["resources"][0]["name"],
            each["result"],
            f"{each['policy']}/{each.get('rule', '')}",
            each["properties"]["path"],
        )
        for each in report["results"]
        if each["result"] != "pass"
    ]


def test_reports_say_what_is_stored_and_why_it_would_be_refused(audited: Audited) -> None:
    done = audited.run(*AUDIT, "--write-reports")
    assert done.returncode == 1, done.stderr
    reports = audited.reports()
    assert set(reports) == {"team-a", "team-b"}
    assert sorted(flat(reports["team-a"])) == [
        ("booted", "fail", "restricted/no-host-paths", "spec.template.spec.domain.os.kernel"),
        ("malformed", "error", "vmconfig/shape", "spec.domain.cpu"),
        ("malformed", "error", "vmconfig/shape", "spec.domain.vcpu"),
        ("malformed", "fail", "restricted/no-host-paths", "spec.domain.os.kernel"),
        ("tuned", "fail", "restricted/no-io-tuning", "spec.domain.devices.disks[0].driver.cache"),
    ]
    assert reports["team-a"]["summary"] == {"pass": 1, "fail": 3, "warn": 0, "error": 2, "skip": 0}
    assert reports["team-b"]["summary"] == {"pass": 1, "fail": 0, "warn": 0, "error": 0, "skip": 0}
    tuned = next(each for each in reports["team-a"]["results"] if each["resources"][0]["name"] == "tuned")
    uid = json.loads(audited.kubectl("-n", "team-a", "get", "vmd", "tuned", "-o", "json").stdout)["metadata"]["uid"]
    assert tuned["resources"][0]["uid"] == uid
    assert (tuned["severity"], tuned["category"]) == ("low", "io-tuning")
    assert "`unsafe`" in tuned["message"]
    assert tuned["properties"]["where"] == "policies/restricted/policy.yaml:" + _line("name: no-io-tuning")


def _line(words: str) -> str:
    lines = (ROOT / "policies" / "restricted" / "policy.yaml").read_text().splitlines()
    return str(next(number for number, line in enumerate(lines, 1) if words in line))


def test_the_definition_takes_every_field_of_a_report(audited: Audited) -> None:
    """Strictly: a field that the schema does not know would be dropped without a word otherwise."""
    report = Report("team-a")
    report.add(
        Subject("kubevirt.io/v1alpha1", "VM", "team-a", "a", "u"),
        [Result("fail", "p", "r", "goal", "s", "m", "h", "w")],
    )
    tree = copy.deepcopy(report.tree())
    tree["metadata"]["name"] = "probe"
    taken = audited.kubectl("create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-", manifest=tree)
    assert json.loads(taken.stdout)["results"] == tree["results"]
    tree["results"][0]["class"] = "goal"
    refused = audited.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", manifest=tree, check=False)
    assert 'unknown field "results[0].class"' in refused.stderr


def test_the_table_has_a_row_a_vm_and_a_summary(audited: Audited) -> None:
    done = audited.run(*AUDIT)
    lines = done.stdout.splitlines()
    rows = {tuple(line.split()[:5]) for line in lines if line.startswith("team-")}
    assert rows == {
        ("team-a", "good", "VM", "pass", "0"),
        ("team-a", "malformed", "VM", "error", "3"),
        ("team-a", "tuned", "VM", "fail", "1"),
        ("team-a", "booted", "VirtualMachineConfig", "fail", "1"),
        ("team-b", "tuned", "VM", "pass", "0"),
    }
    assert lines[-1] == "5 VMs in 2 namespaces: 1 error, 2 fail, 0 warn, 2 pass; 5 findings"
    assert "  fail: spec.domain.devices.disks[0].driver.cache: " in done.stdout


@pytest.mark.parametrize(("output", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_the_other_outputs_have_the_same(audited: Audited, output: str, load: Any) -> None:
    done = audited.run(*AUDIT, "--namespace", "team-a", "team-b", "-o", output)
    said = load(done.stdout)
    assert said["summary"] == {"error": 1, "fail": 2, "warn": 0, "pass": 2, "findings": 5, "namespaces": 2}
    assert [each["name"] for each in said["vms"]] == ["good", "malformed", "tuned", "booted", "tuned"]
    (finding,) = said["vms"][2]["findings"]
    assert (finding["policy"], finding["rule"], finding["class"]) == ("restricted", "no-io-tuning", "io-tuning")


def test_the_exit_code_is_zero_where_nothing_is_refused_or_where_it_is_asked_for(audited: Audited) -> None:
    assert audited.run(*AUDIT, "--namespace", "team-b").returncode == 0
    assert audited.run(*AUDIT, "--namespace", "team-a").returncode == 1
    assert audited.run(*AUDIT, "--namespace", "team-a", "--exit-zero").returncode == 0
    assert audited.run(*AUDIT, "--namespace", "empty").returncode == 0


def test_a_more_generous_default_level_refuses_less(audited: Audited) -> None:
    done = audited.run(*AUDIT, "--default-level", "privileged", "--namespace", "team-a", "-o", "json")
    assert {each["name"]: each["result"] for each in json.loads(done.stdout)["vms"]}["tuned"] == "pass"


def test_a_second_audit_of_the_same_writes_nothing(audited: Audited) -> None:
    audited.run(*AUDIT, "--write-reports")
    before = {name: each["metadata"]["resourceVersion"] for name, each in audited.reports().items()}
    audited.run(*AUDIT, "--write-reports")
    assert {name: each["metadata"]["resourceVersion"] for name, each in audited.reports().items()} == before


def test_a_vm_that_is_gone_leaves_the_report_and_the_last_one_takes_it_along(audited: Audited) -> None:
    audited.kubectl("create", "namespace", "team-c")
    audited.store("team-c", stored("one", TUNED), complete("two"))
    audited.run(*AUDIT, "--write-reports", "--namespace", "team-c")
    audited.kubectl("-n", "team-c", "delete", "vmd", "one")
    audited.run(*AUDIT, "--write-reports", "--namespace", "team-c")
    assert audited.reports()["team-c"]["summary"] == {"pass": 1, "fail": 0, "warn": 0, "error": 0, "skip": 0}
    audited.kubectl("-n", "team-c", "delete", "vmd", "two")
    done = audited.run(*AUDIT, "--write-reports", "--namespace", "team-c")
    assert "reports: 0 written, 1 removed" in done.stdout
    assert set(audited.reports()) == {"team-a", "team-b"}


def test_a_report_of_somebody_else_is_left_alone(audited: Audited) -> None:
    other: Tree = {"apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport"}
    metadata = {"name": "theirs", "namespace": "empty", "labels": {"app.kubernetes.io/managed-by": "theirs"}}
    audited.kubectl("create", "-f", "-", manifest={**other, "metadata": metadata, "summary": {"pass": 3}})
    audited.run(*AUDIT, "--write-reports")
    kept = json.loads(audited.kubectl("-n", "empty", "get", "policyreport", "theirs", "-o", "json").stdout)
    assert kept["summary"] == {"pass": 3}


def test_a_namespace_that_is_being_deleted_is_read_and_gets_no_report(audited: Audited) -> None:
    audited.kubectl("create", "namespace", "going")
    audited.store("going", stored("tuned", TUNED))
    audited.kubectl("delete", "namespace", "going", "--wait=false")
    done = audited.run(*AUDIT, "--write-reports", "--namespace", "going")
    assert done.returncode == 1, done.stderr
    assert "reports: 0 written, 0 removed" in done.stdout
    audited.kubectl("-n", "going", "delete", "vmd", "tuned")


def test_a_namespace_that_is_not_there_is_a_finding(audited: Audited) -> None:
    done = audited.run(*AUDIT, "--namespace", "nowhere", "team-a")
    assert done.returncode == 1
    assert "`nowhere` is not there" in done.stdout
    assert "team-a" not in done.stdout


def test_who_may_not_read_hears_so_in_one_line(audited: Audited) -> None:
    done = audited.run(*AUDIT, kubeconfig=audited.cluster.kubeconfig("tenant"))
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["vmconfig: namespaces: the API server answers 403 Forbidden"]


def test_a_cluster_that_does_not_answer_is_said_in_one_line(audited: Audited, tmp_path: Path) -> None:
    config = yaml.safe_load(audited.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    nobody = tmp_path / "kubeconfig"
    nobody.write_text(yaml.safe_dump(config))
    for kubeconfig in (nobody, tmp_path / "none"):
        done = audited.run(*AUDIT, kubeconfig=kubeconfig)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "Traceback" not in done.stderr


def test_without_policy_reports_in_the_cluster_the_way_out_is_said(audited: Audited) -> None:
    audited.kubectl("delete", "crd", "policyreports.wgpolicyk8s.io")
    done = audited.run(*AUDIT, "--write-reports")
    audited.kubectl("apply", "-f", "-", manifest=yaml.safe_load(REPORTS_CRD.read_text()))
    audited.cluster.wait_established("policyreports.wgpolicyk8s.io")
    assert done.returncode == 2
    assert "knows no policyreports of wgpolicyk8s.io/v1alpha2" in done.stderr
    assert "help: " in done.stderr


def test_the_account_may_do_its_work_and_nothing_else(audited: Audited) -> None:
    account = f"--as=system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
    asked = {
        "list vmdefinitions": True,
        "list virtualmachineconfigs": True,
        "list namespaces": True,
        "list policyreports": True,
        "create policyreports": True,
        "patch policyreports": True,
        "delete policyreports": True,
        "get vmdefinitions": False,
        "watch vmdefinitions": False,
        "patch vmdefinitions": False,
        "delete virtualmachineconfigs": False,
        "patch namespaces": False,
        "list secrets": False,
        "list configmaps": False,
        "create pods": False,
    }
    said = {
        words: audited.kubectl("-n", "team-a", "auth", "can-i", *words.split(), account, check=False).stdout.strip()
        for words in asked
    }
    assert said == {words: "yes" if may else "no" for words, may in asked.items()}


def test_the_job_runs_under_the_restricted_level(audited: Audited) -> None:
    audited.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted", "--overwrite")
    job = rendered({"audit": {"enabled": True}})[f"CronJob/{ACCOUNT}"]
    taken = audited.kubectl("-n", NAMESPACE, "create", "--dry-run=server", "--validate=strict", "-f", "-", manifest=job)
    assert taken.stderr == ""
    spec = copy.deepcopy(job["spec"]["jobTemplate"]["spec"]["template"]["spec"])
    pod: Tree = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": spec}
    create = ("-n", NAMESPACE, "create", "--dry-run=server", "-f", "-")
    assert audited.kubectl(*create, manifest=pod).returncode == 0
    del spec["containers"][0]["securityContext"]["capabilities"]
    assert "violates PodSecurity" in audited.kubectl(*create, manifest=pod, check=False).stderr


def test_every_page_of_a_list_is_read_and_each_object_once(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PAGE", 2)
    client = api.connected(audited.kubeconfig)
    asked: list[str] = []
    page = api._page
    monkeypatch.setattr(
        api, "_page", lambda ask, wanted: (asked.append(wanted.get("_continue", "")), page(ask, wanted))[1]
    )
    found = [each["metadata"]["name"] for each in vms.stored(client, KINDS["VM"], "team-a")]
    assert found == ["good", "malformed", "tuned"]
    assert len(asked) == 2
    assert asked[0] == ""
    assert asked[1]
    assert set(vms.namespaces(client)) >= {"team-a", "team-b", "empty", "default"}


def test_the_largest_report_is_one_that_the_cluster_stores(audited: Audited) -> None:
    report = Report("empty")
    subject = Subject("kubevirt.io/v1alpha1", "VM", "empty", "a", "u")
    for _ in range(2000):
        report.add(subject, [Result("fail", "p", "r", "goal", "spec.domain.x", "é" * 300, "h" * 400)])
    reports = Reports(api.connected(audited.kubeconfig))
    assert reports.write(report.tree())
    kept = audited.reports()["empty"]
    assert len(json.dumps(kept)) > MOST_BYTES / 2
    assert kept["summary"]["fail"] == 2000
    reports.remove("empty")
    assert "empty" not in audited.reports()
    reports.remove("empty")


PERMITTING = """\
apiVersion: policy.vmconfig.kubevirt.io/v1
kind: Policy
metadata: {name: site}
match: {subjects: {groups: [devs]}}
rules:
  - {name: cache, permit: {path: "domain.devices.disks[*].driver.cache"}}
---
apiVersion: policy.vmconfig.kubevirt.io/v1
kind: Policy
metadata: {name: all}
rules:
  - {name: tuning, permit: {class: io-tuning}}
  - {name: no-b, forbid: {path: "domain.devices.disks[*].claim"}, when: {in: [root]}}
...
"""


def test_a_difference_is_told_of_what_the_cluster_has_stored(audited: Audited, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    for level in (ROOT / "policies").glob("*/policy.yaml"):
        (new / f"{level.parent.name}.yaml").write_text(level.read_text())
    same = audited.run("policy", "diff", str(ROOT / "policies"), str(new), "--cluster")
    assert same.returncode == 0, same.stdout
    assert same.stdout.splitlines()[-1] == "5 VMs: 0 newly refused, 0 newly allowed, 0 refused otherwise"
    (new / "site.yaml").write_text(PERMITTING)
    done = audited.run("policy", "diff", str(ROOT / "policies"), str(new), "--cluster", "-o", "json")
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert [(each["namespace"], each["name"]) for each in said["newlyRefused"]] == [
        ("team-a", "good"),
        ("team-b", "tuned"),
    ]
    assert [(each["namespace"], each["name"]) for each in said["refusedOtherwise"]] == [("team-a", "tuned")]
    assert said["newlyRefused"][0]["more"][0]["rule"].startswith("all/no-b (new/site.yaml:")
    assert [each["name"] for each in said["malformed"]] == ["malformed", "malformed"]
    assert "`site` match users or groups" in done.stderr


def test_what_two_vms_have_in_common_is_in_the_table_and_in_the_reports_of_both(audited: Audited) -> None:
    twin = complete("twin")
    for namespace in ("shared-a", "shared-b"):
        audited.kubectl("create", "namespace", namespace)
        audited.store(namespace, copy.deepcopy(twin))
    config = copy.deepcopy(twin)
    config |= {"kind": "VirtualMachineConfig", "spec": {"template": {"spec": twin["spec"]}}}
    audited.store("shared-a", config)
    spaces = ("--namespace", "shared-a", "shared-b")
    try:
        done = audited.run(*AUDIT, *spaces, "--write-reports", "-o", "json")
        assert done.returncode == 0, done.stderr
        rows = {(each["namespace"], each["kind"]): each for each in json.loads(done.stdout)["vms"]}
        assert rows["shared-a", "VirtualMachineConfig"]["result"] == "pass"
        (found,) = rows["shared-a", "VM"]["findings"]
        assert (rows["shared-a", "VM"]["result"], found["rule"], found["class"]) == ("warn", "duplicate", "identity")
        assert found["path"] == "spec.domain.uuid"
        assert "is that of `shared-b/twin` too" in found["problem"]
        reported = flat(audited.reports()["shared-a"])
        assert reported == [("twin", "warn", "vmconfig/duplicate", "spec.domain.uuid")]
        assert "shared-b" not in json.dumps(audited.reports()["shared-a"])
        denied = audited.run(*AUDIT, *spaces, "--duplicates", "uuid=deny@cluster")
        assert (denied.returncode, "2 fail" in denied.stdout) == (1, True)
        for other in ("uuid=deny@namespace", "mac=deny@cluster", ""):
            assert audited.run(*AUDIT, *spaces, "--duplicates", other).returncode == 0
        alone = audited.run(*AUDIT, "--namespace", "shared-a", "--duplicates", "uuid=deny@cluster")
        assert alone.returncode == 0, "it looks among the namespaces that it audits"
        wrong = audited.run(*AUDIT, "--duplicates", "mac=forbid@cluster")
        assert (wrong.returncode, "none of warn, deny" in wrong.stderr) == (2, True)
    finally:
        for namespace in ("shared-a", "shared-b"):
            audited.kubectl("-n", namespace, "delete", "vmdefinitions,virtualmachineconfigs,policyreports", "--all")
