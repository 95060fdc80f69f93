"""Decisions over stored VMs as results and reports: each case is a VM, and what the report says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from tests import strategies
from tests.audit.stored_context import context, vm
from webhook.admission.stored import check_stored
from webhook.kinds import KINDS
from webhook.policy.language.model import CLASSES
from webhook.policy.tools.report import MOST_BYTES, OUTCOMES, SEVERITIES, Report, Result, Subject, outcome_of, results
from webhook.trees import Tree

CASES: list[Tree] = yaml.safe_load((Path(__file__).parent / "report.yaml").read_text())
CRD: Tree = yaml.safe_load((Path(__file__).parent / "policyreports.yaml").read_text())
SUBJECT = Subject("kubevirt.io/v1alpha1", "VM", "team-a", "web", "u-1")
FORBIDDING = context([{"rules": [{"name": "v", "forbid": {"path": "domain.vcpu.count"}}]}])


def reported(case: Tree, kind: str = "VM") -> tuple[str, Tree]:
    """The outcome of a case's VM, and the report of a namespace with nothing else in it."""
    used = context(case["policies"], case.get("labels"))
    judged = check_stored(vm({"domain": case["domain"]}, kind=kind), KINDS[kind], used)
    found = results(judged.decision, judged.malformed, judged.classes)
    report = Report("team-a")
    report.add(SUBJECT, found)
    return outcome_of(found), report.tree()


def flat(result: Tree) -> Tree:
    """A result as cases write it."""
    path = result.get("properties", {}).get("path")
    kept = {key: result[key] for key in ("result", "policy", "rule", "category", "severity") if key in result}
    return {**kept, "path": path} if path else kept


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_case(case: Tree) -> None:
    outcome, report = reported(case)
    assert [flat(result) for result in report["results"]] == case["results"]
    assert outcome == case["outcome"]
    counts = {word: sum(result["result"] == word for result in case["results"]) for word in OUTCOMES}
    assert report["summary"] == {**counts, "skip": 0}


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_a_configuration_is_reported_like_a_vm(case: Tree) -> None:
    outcome, report = reported(case, "VirtualMachineConfig")
    moved = [dict(each) for each in case["results"]]
    for each in moved:
        if "path" in each:
            each["path"] = each["path"].replace("spec.", "spec.template.spec.", 1)
    assert [flat(result) for result in report["results"]] == moved
    assert outcome == case["outcome"]


def test_a_result_names_its_vm_the_way_out_and_the_line_of_the_rule() -> None:
    (result,) = reported(CASES[1])[1]["results"]
    assert result["resources"] == [
        {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "namespace": "team-a", "name": "web", "uid": "u-1"}
    ]
    assert result["source"] == "vmconfig"
    assert "`/boot/k`" in result["message"]
    assert result["properties"]["help"]
    assert result["properties"]["where"].startswith("site/policy.yaml:")


def test_a_report_is_of_one_namespace_and_known_as_ours() -> None:
    report = reported(CASES[0])[1]
    assert report["metadata"] == {
        "name": "vmconfig",
        "namespace": "team-a",
        "labels": {"app.kubernetes.io/managed-by": "vmconfig"},
    }
    assert report["scope"] == {"apiVersion": "v1", "kind": "Namespace", "name": "team-a"}


def test_two_reports_of_the_same_are_the_same() -> None:
    assert reported(CASES[6]) == reported(CASES[6])


def test_what_fits_into_no_report_is_counted_and_said() -> None:
    report = Report("team-a")
    assert report.empty
    for number in range(1500):
        subject = Subject("kubevirt.io/v1alpha1", "VM", "team-a", f"vm-{number}", "u")
        report.add(subject, [Result("fail", "site", "a", "host-path", "spec.domain.x", "p" * 1000)])
        report.add(subject, [Result("pass", "vmconfig")])
    tree = report.tree()
    assert len(json.dumps(tree)) < 1.2 * MOST_BYTES
    assert tree["summary"] == {"fail": 1500, "error": 0, "warn": 0, "pass": 1500, "skip": 1}
    *shown, last = tree["results"]
    assert {result["result"] for result in shown} == {"fail"}, "what passes is left out first"
    left = int(last["properties"]["leftOut"])
    assert last["result"] == "skip"
    assert 0 < left == 3000 - len(shown)
    assert f"{left} more results are left out" in last["message"]


def test_a_report_with_room_leaves_nothing_out() -> None:
    report = Report("team-a")
    for number in range(500):
        report.add(SUBJECT, [Result("fail", "site", "a", "host-path", f"spec.domain.x[{number}]", "p")])
    assert len(report.tree()["results"]) == 500
    assert report.tree()["summary"]["skip"] == 0


def test_every_class_has_a_severity_that_reports_know() -> None:
    assert set(SEVERITIES) == set(CLASSES) - {"backend"} | {"identity"}
    schema = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert set(SEVERITIES.values()) <= set(schema["properties"]["results"]["items"]["properties"]["severity"]["enum"])


def test_a_password_is_in_no_report() -> None:
    domain = {"devices": {"graphics": [{"type": "vnc", "passwd": "hunter2"}]}}
    report = reported({"policies": CASES[0]["policies"], "domain": domain})[1]
    assert report["summary"]["fail"] == 1
    assert "hunter2" not in json.dumps(report)


@settings(max_examples=150, deadline=None)
@given(strategies.JSON)
def test_no_stored_spec_raises(spec: Any) -> None:
    for kind in KINDS.values():
        judged = check_stored(vm(spec, kind=kind.name), kind, FORBIDDING)
        found = results(judged.decision, judged.malformed, judged.classes)
        assert outcome_of(found) in OUTCOMES
        report = Report("team-a")
        report.add(SUBJECT, found)
        assert json.dumps(report.tree())
