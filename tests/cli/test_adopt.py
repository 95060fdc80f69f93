"""`vmconfig adopt` and `vmconfig audit --adopt`: what another rule set would change, and the manifest to apply."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.abi.life import admitted, digest_in
from webhook.cli import main
from webhook.findings import Refused
from webhook.trees import Tree

Said = pytest.CaptureFixture[str]
LINUX: Tree = {"system": {"type": "debian", "version": "12"}, "storage": [{"source": "root"}]}
WINDOWS: Tree = {"system": {"type": "windows", "version": 11}, "graphics": "spice", "storage": [{"source": "root"}]}
ANNOTATION = "vmconfig.kubevirt.io/accept-abi-change"


def stored(name: str, features: Tree, **abi: str) -> Tree:
    spec, _ = admitted({"features": features, "abi": {"ruleSet": "2026.1", **abi}})
    metadata = {
        "name": name, "namespace": "tenant", "uid": f"uid-of-{name}", "resourceVersion": "7", "labels": {"app": "web"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "kept"},
    }  # fmt: skip
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": metadata, "spec": spec, "status": {}}


def written(folder: Path, *objects: Tree) -> str:
    folder.mkdir(exist_ok=True)
    for obj in objects:
        (folder / f"{obj['metadata']['name']}.yaml").write_text(yaml.safe_dump(obj))
    return str(folder)


def test_the_manifest_stands_below_what_it_changes_and_passes(tmp_path: Path, capsys: Said) -> None:
    obj = stored("web", LINUX)
    assert main(["adopt", written(tmp_path / "vms", obj), "--rule-set", "2026.2"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("# rule set 2026.1 -> 2026.2\n# VM tenant/web:\n#   spec.domain.")
    assert "#     none: the host asks the balloon for numbers more or less often\n" in said
    assert "#   1 none, 2 reboot\n" in said
    manifest = yaml.safe_load(said)
    assert manifest["metadata"] == {
        "name": "web", "namespace": "tenant", "labels": {"app": "web"}, "annotations": {"note": "kept"},
    }  # fmt: skip
    assert "status" not in manifest
    made, warnings = admitted(manifest["spec"], obj["spec"])
    assert made == manifest["spec"]
    assert "spec.abi.ruleSet: is now `2026.2` instead of `2026.1`" in warnings


def test_what_a_guest_may_not_survive_is_refused_with_the_printed_digest(tmp_path: Path, capsys: Said) -> None:
    obj = stored("desktop", WINDOWS)
    folder = written(tmp_path / "vms", obj)
    assert main(["adopt", folder, "-o", "json"]) == 0
    (said,) = [json.loads(capsys.readouterr().out)]
    assert (said["worst"], said["ruleSet"]) == ("guest-breaking", {"before": "2026.1", "after": "2026.2"})
    assert {"path": "spec.domain.devices.video[0].type", "before": "qxl", "after": "bochs"}.items() <= next(
        each for each in said["changes"] if each["path"].endswith("video[0].type")
    ).items()
    assert ANNOTATION not in said["manifest"]["metadata"].get("annotations", {})
    with pytest.raises(Refused) as refused:
        admitted(said["manifest"]["spec"], obj["spec"])
    assert digest_in(refused.value)
    assert main(["adopt", folder, "--accept"]) == 0
    text = capsys.readouterr().out
    assert f"# to accept it: {ANNOTATION}: {said['accept']}\n" in text
    assert yaml.safe_load(text)["metadata"]["annotations"][ANNOTATION] == said["accept"]


def test_a_manifest_without_its_uid_has_no_digest(tmp_path: Path, capsys: Said) -> None:
    obj = stored("desktop", WINDOWS)
    del obj["metadata"]["uid"]
    assert main(["adopt", "--accept", written(tmp_path / "vms", obj)]) == 0
    said = capsys.readouterr().out
    assert f"# to accept it: {ANNOTATION}: the digest that the refusal prints\n" in said
    assert ANNOTATION not in yaml.safe_load(said)["metadata"]["annotations"]


def test_a_vm_that_the_rule_sets_make_alike_has_another_name_for_it_alone(tmp_path: Path, capsys: Said) -> None:
    assert main(["adopt", written(tmp_path / "vms", stored("old", {"memory": "1Gi"}))]) == 0
    assert "# VM tenant/old: nothing differs\n" in capsys.readouterr().out


def test_the_older_rule_set_is_a_way_back(tmp_path: Path, capsys: Said) -> None:
    obj = stored("web", LINUX, ruleSet="2026.2")
    assert main(["adopt", "--rule-set", "2026.1", written(tmp_path / "vms", obj)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("# rule set 2026.2 -> 2026.1\n")
    assert "statsPeriod" not in yaml.safe_dump(yaml.safe_load(said))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda obj: obj["spec"].pop("domain"), "spec.domain: is missing: the VM is not as it is stored"),
        (lambda obj: obj["spec"]["abi"].pop("ruleSet"), "spec.abi.ruleSet: is missing: the VM is not as it is stored"),
        (lambda obj: obj["spec"]["abi"].update(origin="imported"), "is `imported`, such a VM follows no rule set"),
        (lambda obj: obj["spec"].update(features=[]), "is a list"),
        (lambda obj: obj.update(kind="Pod"), "is none of `VM`, `VirtualMachineConfig`"),
    ],
    ids=["not stored", "of no rule set", "imported", "malformed", "no VM"],
)
def test_what_cannot_move_is_told(tmp_path: Path, capsys: Said, change: Any, problem: str) -> None:
    obj = stored("web", LINUX)
    change(obj)
    assert main(["adopt", written(tmp_path / "vms", obj)]) in (1, 2)
    captured = capsys.readouterr()
    assert problem in captured.out + captured.err or "holds no VM" in captured.err


def fleet(folder: Path) -> str:
    imported = stored("found", LINUX)
    imported["spec"]["abi"]["origin"] = "imported"
    new = {**stored("new", LINUX), "spec": {"features": LINUX}}
    return written(
        folder,
        stored("web", LINUX), stored("desktop", WINDOWS), stored("old", {"memory": "1Gi"}), imported, new,
    )  # fmt: skip


def test_a_fleet_is_told_by_its_worst_classes_and_counted(tmp_path: Path, capsys: Said) -> None:
    assert main(["audit", "--adopt", fleet(tmp_path / "vms")]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[1]: line.split()[-2:] for line in lines if line.startswith("tenant ")}
    assert rows == {
        "desktop": ["guest-breaking", "7"], "web": ["reboot", "3"], "old": ["unchanged", "0"], "found": ["apart", "0"],
        "new": ["apart", "0"],
    }  # fmt: skip
    assert lines[-1] == "5 VMs: 1 unchanged, 0 none, 0 hotplug, 1 reboot, 1 guest-breaking, 0 refused, 2 apart"


def test_a_fleet_is_json_for_tools(tmp_path: Path, capsys: Said) -> None:
    assert main(["audit", "--adopt", "-o", "json", fleet(tmp_path / "vms"), "--rule-set", "2026.2"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["summary"] == {
        "vms": 5, "unchanged": 1, "none": 0, "hotplug": 0, "reboot": 1, "guest-breaking": 1, "refused": 0, "apart": 2,
    }  # fmt: skip
    classes = {row["name"]: [each["class"] for each in row["changes"]] for row in said["vms"] if "changes" in row}
    assert sorted(classes["web"]) == ["none", "reboot", "reboot"]
    assert classes["old"] == []


def test_a_vm_that_could_not_move_fails_the_audit(tmp_path: Path, capsys: Said) -> None:
    wrong = stored("wrong", LINUX)
    wrong["spec"]["features"]["system"]["version"] = "99"
    folder = written(tmp_path / "vms", wrong)
    assert main(["audit", "--adopt", folder]) == 1
    assert "is no version of debian" in capsys.readouterr().out
    assert main(["audit", "--adopt", "--exit-zero", folder]) == 0


def test_sources_are_of_adopt_alone(capsys: Said) -> None:
    assert main(["audit", "somewhere"]) == 2
    assert "say --adopt" in capsys.readouterr().err
