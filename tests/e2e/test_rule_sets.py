"""VMs that move to a newer rule set on a real API server: by name, by what `vmconfig adopt` prints, by following it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import Tenant
from tests.e2e.test_life import by_name, features, inner, machine
from webhook.abi.acceptance import ANNOTATION
from webhook.cli import main
from webhook.kinds import KINDS
from webhook.trees import Tree

Said = pytest.CaptureFixture[str]
MOVED = "abi.ruleSet: is now `2026.2` instead of `2026.1`"
TOLD = "memballoon.freePageReporting: is now `true` (reboot: the guest gives free memory back"
WAYS = {
    "client-side apply": ("apply", "-f", "-"),
    "server-side apply": ("apply", "--server-side", "--force-conflicts", "-f", "-"),
    "replace": ("replace", "-f", "-"),
}


@pytest.fixture(params=["VM", "VirtualMachineConfig"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made_by(kind: str, wanted: Tree, **abi: str) -> Tree:
    obj = machine(kind, "web", wanted)
    inner(obj)["abi"] = abi
    return obj


def windows() -> Tree:
    return {"system": {"type": "windows", "version": 11}, "graphics": "spice", "storage": [{"source": "root"}]}


def placed(obj: Tree) -> dict[str, Tree]:
    """What survivors keep."""
    kept = ("address", "serial", "mac", "bootOrder", "model")
    lists = (by_name(obj, each) for each in ("disks", "interfaces", "channels", "inputs"))
    return {name: {key: each.get(key) for key in kept} for one in lists for name, each in one.items()}


def patch(kind: str, spec: Tree) -> list[str]:
    change = spec if kind == "VM" else {"template": {"spec": spec}}
    return ["patch", KINDS[kind].plural, "web", "--type=merge", "-p", json.dumps({"spec": change})]


def config(tenant: Tenant) -> list[str]:
    return ["-n", tenant.namespace, "--kubeconfig", str(tenant.cluster.kubeconfig())]


def test_a_vm_moves_where_the_rule_set_is_named(tenant: Tenant, kind: str) -> None:
    before = tenant.create(made_by(kind, features(), ruleSet="2026.1"))
    done = tenant.kubectl(*patch(kind, {"abi": {"ruleSet": "2026.2"}}))
    assert MOVED in done.stderr
    assert TOLD in done.stderr
    after = tenant.get("web", kind)
    assert inner(after)["abi"] == {"policy": "frozen", "ruleSet": "2026.2"}
    assert inner(after)["domain"]["devices"]["memballoon"]["freePageReporting"] is True
    assert placed(after) == placed(before)
    assert inner(after)["domain"]["uuid"] == inner(before)["domain"]["uuid"]


@pytest.mark.parametrize("way", WAYS)
def test_what_adopt_prints_passes_by_any_way(tenant: Tenant, capsys: Said, kind: str, way: str) -> None:
    before = tenant.create(made_by(kind, features(), ruleSet="2026.1"))
    word = {"VM": "vm", "VirtualMachineConfig": "vmconfig"}[kind]
    assert main(["adopt", f"{word}/web", *config(tenant)]) == 0
    printed = capsys.readouterr().out
    done = tenant.kubectl(*WAYS[way], manifest=printed)
    assert MOVED in done.stderr
    after = tenant.get("web", kind)
    assert inner(after) == inner(yaml.safe_load(printed))
    assert placed(after) == placed(before)
    again = tenant.kubectl(*WAYS[way], manifest=printed)
    assert "Warning" not in again.stderr.replace("Warning: resource", "")
    assert tenant.get("web", kind)["spec"] == after["spec"]


@pytest.mark.parametrize("way", WAYS)
def test_what_a_guest_may_not_survive_takes_the_digest_that_adopt_knows(
    tenant: Tenant, capsys: Said, refused: Any, way: str
) -> None:
    tenant.create(made_by("VM", windows(), ruleSet="2026.1"))
    assert main(["adopt", "vm/web", "-o", "json", *config(tenant)]) == 0
    said = json.loads(capsys.readouterr().out)
    message = refused(*WAYS[way], manifest=json.dumps(said["manifest"]))
    assert "asks for `bochs`, but `spec.domain.devices.video[0].type` says `qxl`" in message
    assert set(re.findall(f"{re.escape(ANNOTATION)}: ([0-9a-f]+)", message)) == {said["accept"]}
    assert inner(tenant.get("web"))["abi"]["ruleSet"] == "2026.1"
    assert main(["adopt", "vm/web", "--accept", *config(tenant)]) == 0
    done = tenant.kubectl(*WAYS[way], manifest=capsys.readouterr().out)
    assert "(guest-breaking: " in done.stderr
    spec = inner(tenant.get("web"))
    assert spec["domain"]["devices"]["video"][0]["type"] == "bochs"
    assert [each["digest"] for each in spec["abi"]["history"]] == [said["accept"]]


@pytest.mark.parametrize("way", WAYS)
def test_a_manifest_that_is_applied_again_moves_a_vm_that_follows_the_newest(
    tenant: Tenant, kind: str, way: str
) -> None:
    before = tenant.create(made_by(kind, features(), policy="latest", ruleSet="2026.1"))
    assert inner(before)["abi"]["ruleSet"] == "2026.1"
    manifest = made_by(kind, {**features(), "memory": "3Gi"}, policy="latest")
    done = tenant.kubectl(*WAYS[way], manifest=manifest)
    assert MOVED in done.stderr
    assert TOLD in done.stderr
    after = tenant.get("web", kind)
    assert inner(after)["abi"] == {"policy": "latest", "ruleSet": "2026.2"}
    assert inner(after)["domain"]["memory"]["size"] == 3072
    assert placed(after) == placed(before)
    for _ in range(2):
        tenant.kubectl(*WAYS[way], manifest=manifest)
        assert tenant.get("web", kind)["spec"] == after["spec"]


def test_a_vm_that_is_made_and_kept_by_one_applier_follows_the_newest(tenant: Tenant, kind: str) -> None:
    """Server-side apply from the first: the applier owns what it said, and takes back what it no longer says."""
    apply = WAYS["server-side apply"]
    tenant.kubectl(*apply, manifest=made_by(kind, features(), policy="latest", ruleSet="2026.1"))
    before = tenant.get("web", kind)
    done = tenant.kubectl(*apply, manifest=made_by(kind, features(), policy="latest"))
    assert MOVED in done.stderr
    after = tenant.get("web", kind)
    assert inner(after)["abi"] == {"policy": "latest", "ruleSet": "2026.2"}
    assert placed(after) == placed(before)
    tenant.kubectl(*apply, manifest=made_by(kind, features(), policy="latest"))
    assert tenant.get("web", kind)["spec"] == after["spec"]


@pytest.mark.parametrize(
    "change",
    [{"features": {"memory": "4Gi"}}, {"domain": {"title": "another"}}, {"features": {"cpu": {"count": 4}}}],
    ids=["of memory", "of a title", "of vCPUs"],
)
def test_a_patch_of_one_field_moves_a_vm_that_follows_the_newest(tenant: Tenant, kind: str, change: Tree) -> None:
    before = tenant.create(made_by(kind, features(), policy="latest", ruleSet="2026.1"))
    done = tenant.kubectl(*patch(kind, change))
    assert MOVED in done.stderr
    assert TOLD in done.stderr
    after = tenant.get("web", kind)
    assert inner(after)["abi"]["ruleSet"] == "2026.2"
    assert placed(after) == placed(before)


def test_what_is_stored_put_back_moves_nothing(tenant: Tenant, kind: str) -> None:
    before = tenant.create(made_by(kind, features(), policy="latest", ruleSet="2026.1"))
    done = tenant.kubectl("replace", "-f", "-", manifest=before)
    assert "Warning" not in done.stderr
    tenant.kubectl("label", KINDS[kind].plural, "web", "team=shop")
    assert tenant.get("web", kind)["spec"] == before["spec"]


def test_a_vm_that_follows_tells_what_a_guest_may_not_survive_and_is_not_held_up(tenant: Tenant) -> None:
    tenant.create(made_by("VM", windows(), policy="latest", ruleSet="2026.1"))
    done = tenant.kubectl(*patch("VM", {"domain": {"title": "another"}}))
    assert "devices.video[0].type: is now `bochs` instead of `qxl` (guest-breaking: " in done.stderr
    assert inner(tenant.get("web"))["domain"]["devices"]["video"][0]["type"] == "bochs"


def test_a_frozen_vm_stays_with_its_rule_set_whatever_is_applied(tenant: Tenant, kind: str) -> None:
    tenant.create(made_by(kind, features(), ruleSet="2026.1"))
    done = tenant.kubectl("apply", "-f", "-", manifest=machine(kind, "web", {**features(), "memory": "4Gi"}))
    assert MOVED not in done.stderr
    spec = inner(tenant.get("web", kind))
    assert spec["abi"]["ruleSet"] == "2026.1"
    assert "statsPeriod" not in spec["domain"]["devices"]["memballoon"]


def test_a_rule_set_that_there_is_not_is_refused_with_those_that_there_are(tenant: Tenant, refused: Any) -> None:
    tenant.create(made_by("VM", features(), ruleSet="2026.1"))
    message = refused(*patch("VM", {"abi": {"ruleSet": "2031.1"}}))
    assert "`2031.1` is no rule set of this release" in message
    assert "known are `2026.1`, `2026.2`" in message


def test_the_fleet_of_a_cluster_is_told_without_a_change_of_any(tenant: Tenant, capsys: Said, tmp_path: Path) -> None:
    tenant.create(made_by("VM", features(), ruleSet="2026.1"))
    tenant.create(made_by("VirtualMachineConfig", windows(), ruleSet="2026.1"))
    before = [tenant.get("web", each)["metadata"]["resourceVersion"] for each in KINDS]
    of = ["--namespace", tenant.namespace, "--kubeconfig", str(tenant.cluster.kubeconfig())]
    assert main(["audit", "--adopt", "-o", "json", *of]) == 0
    live = json.loads(capsys.readouterr().out)
    assert {row["kind"]: row["worst"] for row in live["vms"]} == {
        "VM": "reboot", "VirtualMachineConfig": "guest-breaking",
    }  # fmt: skip
    dump = tmp_path / "all.yaml"
    dump.write_text(tenant.kubectl("get", ",".join(each.plural for each in KINDS.values()), "-o", "yaml").stdout)
    assert main(["audit", "--adopt", "-o", "json", str(dump)]) == 0
    assert json.loads(capsys.readouterr().out)["summary"] == live["summary"]
    assert [tenant.get("web", each)["metadata"]["resourceVersion"] for each in KINDS] == before
