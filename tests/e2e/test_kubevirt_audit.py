"""The audit of an upgrade on a real API server, with the rights that the page names and no others.

The definitions have KubeVirt's names and take any fields; KubeVirt itself is not there, and neither is our webhook.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.audit.conftest import REPORTS_CRD
from tests.cluster.cluster import Cluster, running
from tests.docs.pages import ROOT
from tests.e2e.test_beside_kubevirt import kubevirts
from tests.e2e.test_kubevirt_policy import definition
from tests.kubevirt.fleet import LARGE, WINDOWS, fleet
from webhook.kubevirt.next_start import NOTE
from webhook.trees import Tree

VMS = 20
ACCOUNT = "kubevirt-audit"
KUBEVIRT: Tree = {
    "apiVersion": "kubevirt.io/v1",
    "kind": "KubeVirt",
    "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
    "status": {"observedKubeVirtVersion": "v1.6.1"},
}
INSTANCE_TYPES = (
    "VirtualMachineInstancetype",
    "VirtualMachineClusterInstancetype",
    "VirtualMachinePreference",
    "VirtualMachineClusterPreference",
)


@dataclass
class Audited:
    """A cluster with a fleet, and the command with the page's rights."""

    cluster: Cluster
    kubeconfig: Path

    def audit(self, *flags: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "webhook.cli", "audit", "--kubevirt", "--kubeconfig", str(self.kubeconfig)]
        return subprocess.run([*command, *flags], capture_output=True, text=True, check=False)

    def told(self, *flags: str) -> Tree:
        done = self.audit("-o", "json", *flags)
        assert done.stdout, done.stderr
        found: Tree = json.loads(done.stdout)
        return found

    def report(self, namespace: str, name: str = "vmconfig-kubevirt") -> Tree | None:
        done = self.cluster.kubectl("-n", namespace, "get", "policyreport", name, "-o", "json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def stored(self, name: str) -> Tree:
        done = self.cluster.kubectl("-n", "tenant", "get", "virtualmachine", name, "-o", "json")
        found: Tree = json.loads(done.stdout)
        return found

    def apply(self, *objects: Any) -> None:
        self.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(objects))


def rights() -> Tree:
    """The ClusterRole of the page."""
    (text,) = re.findall(r"```yaml\n(apiVersion: rbac.*?)```", (ROOT / "docs" / "kubevirt.md").read_text(), re.S)
    role: Tree = yaml.safe_load(text)
    return role


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with running(tmp_path_factory.mktemp("cluster")) as cluster:
        made = [*kubevirts(), *(definition("instancetype.kubevirt.io", kind) for kind in INSTANCE_TYPES)]
        made.append(yaml.safe_load(REPORTS_CRD.read_text()))
        cluster.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(made))
        for each in made:
            cluster.wait_established(each["metadata"]["name"])
        for name in ("tenant", "kubevirt", "empty"):
            cluster.kubectl("create", "namespace", name)
        role = rights()
        cluster.kubectl("-n", "kubevirt", "create", "serviceaccount", ACCOUNT)
        cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(role))
        cluster.kubectl(
            "create", "clusterrolebinding", ACCOUNT, f"--clusterrole={role['metadata']['name']}",
            f"--serviceaccount=kubevirt:{ACCOUNT}",
        )  # fmt: skip
        site = Audited(cluster, cluster.account_kubeconfig("kubevirt", ACCOUNT))
        small = {**LARGE, "metadata": {"name": "small"}, "spec": {"memory": {"guest": "2Gi"}}}
        site.apply(KUBEVIRT, LARGE, small, WINDOWS, *(each.manifest for each in fleet(VMS)))
        yield site


def test_the_fleet_is_told_and_reported_and_nothing_of_it_is_changed(audited: Audited) -> None:
    before = audited.cluster.kubectl("-n", "tenant", "get", "virtualmachines", "-o", "json").stdout
    done = audited.audit("--to", "v1.9.0", "--write-reports")
    assert done.returncode == 1, done.stderr
    assert re.search(rf"^{VMS} VMs: \d+ moves, 0 unknown, 0 frozen, \d+ stays; \d+ devices move$", done.stdout, re.M)
    assert done.stdout.endswith("reports: 1 written, 0 removed\n")
    said = audited.told("--namespace", "tenant")
    report = audited.report("tenant")
    assert report is not None
    devices = said["summary"]["devices"]
    assert report["summary"] == {"error": 0, "fail": devices, "warn": 0, "pass": said["summary"]["stays"], "skip": 0}
    (first, *_) = report["results"]
    assert first["rule"] == "places"
    assert first["resources"][0]["kind"] == "VirtualMachine"
    assert re.fullmatch(r"the guest finds .* at \S+ .* at the next start, until now at .*", first["message"])
    assert first["properties"]["help"].startswith("kubectl -n tenant patch")
    assert audited.report("tenant", "vmconfig") is None
    assert audited.report("empty") is None
    assert audited.cluster.kubectl("-n", "tenant", "get", "virtualmachines", "-o", "json").stdout == before


def test_the_way_out_followed_keeps_every_device_and_the_report_says_so(audited: Audited) -> None:
    row = next(each for each in audited.told()["vms"] if each["moves"])
    words = shlex.split(row["help"])
    assert words[0] == "kubectl"
    audited.cluster.kubectl(*words[1:])
    (now,) = [each for each in audited.told("--write-reports")["vms"] if each["name"] == row["name"]]
    assert (now["result"], now["moves"]) == ("stays", [])
    report = audited.report("tenant")
    assert report is not None
    mine = [each for each in report["results"] if each["resources"][0]["name"] == row["name"]]
    assert [each["result"] for each in mine] == ["pass"]


def test_the_instance_that_runs_says_how_it_started(audited: Audited) -> None:
    # Of one with an instance type the instance would be another than its template.
    row, vm = next(
        (each, vm)
        for each in audited.told()["vms"]
        if each["moves"] and not {"instancetype", "preference"} & (vm := audited.stored(each["name"]))["spec"].keys()
    )
    instance = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": row["name"], "namespace": "tenant", "annotations": {NOTE: "v3"}},
        "spec": vm["spec"]["template"]["spec"],
    }
    audited.apply(instance)
    (now,) = [each for each in audited.told()["vms"] if each["name"] == row["name"]]
    assert now["result"] == "stays"
    audited.cluster.kubectl("-n", "tenant", "delete", "virtualmachineinstance", row["name"])
    assert audited.told()["summary"]["moves"] > 0


def test_a_missing_instance_type_is_unknown_until_it_is_there(audited: Audited) -> None:
    vm = next(fleet(1)).manifest
    vm["metadata"] = {"name": "typed", "namespace": "tenant"}
    vm["spec"] |= {"instancetype": {"name": "own", "kind": "VirtualMachineInstancetype"}}
    vm["spec"].pop("preference", None)
    audited.apply(vm)

    def typed() -> Tree:
        (found,) = [each for each in audited.told()["vms"] if each["name"] == "typed"]
        return dict(found)

    assert typed()["result"] == "unknown"
    assert "instance type `own` is not found" in typed()["reason"]
    audited.apply({**LARGE, "kind": "VirtualMachineInstancetype", "metadata": {"name": "own", "namespace": "tenant"}})
    assert typed()["result"] == "moves"
    audited.cluster.kubectl("-n", "tenant", "delete", "virtualmachine", "typed")


def test_a_namespace_without_vms_loses_its_report_and_no_other_report(audited: Audited) -> None:
    other = {"apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport", "results": [], "summary": {}}
    audited.cluster.kubectl("create", "namespace", "leaving")
    vm = next(fleet(1)).manifest
    audited.apply({**vm, "metadata": {"name": "last", "namespace": "leaving"}})
    audited.apply({**other, "metadata": {"name": "vmconfig", "namespace": "leaving"}})
    audited.audit("--write-reports")
    assert audited.report("leaving") is not None
    audited.cluster.kubectl("-n", "leaving", "delete", "virtualmachine", "last")
    assert "1 removed" in audited.audit("--write-reports", "--namespace", "leaving").stdout
    assert audited.report("leaving") is None
    assert audited.report("leaving", "vmconfig") is not None


def test_without_the_rights_it_is_said_what_could_not_be_read(audited: Audited) -> None:
    audited.cluster.kubectl("-n", "kubevirt", "create", "serviceaccount", "nobody")
    nobody = Audited(audited.cluster, audited.cluster.account_kubeconfig("kubevirt", "nobody"))
    done = nobody.audit()
    assert done.returncode == 2
    assert "namespaces: the API server answers 403 Forbidden" in done.stderr


def test_each_of_the_pages_rights_is_needed(audited: Audited) -> None:
    """Without one of them the audit says which answer it lacks."""
    role = rights()
    try:
        for rule in role["rules"]:
            less = {**role, "rules": [each for each in role["rules"] if each != rule]}
            audited.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(less))
            done = audited.audit("--write-reports")
            if rule["apiGroups"] != ["apps"]:
                assert (done.returncode, "403 Forbidden" in done.stderr) == (2, True), rule
    finally:
        audited.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(role))
    assert audited.audit("--write-reports").returncode == 1
