"""What a verb is about: files, folders, lists, what tools print, and what of it belongs to somebody else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_cli import EXAMPLE, ROOT, vmconfig
from webhook.trees import Tree

# What kustomize and Helm print beside a VM, written for other programs: anchors, words, tags.
OTHERS = """\
# Source: chart/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: config, labels: &labels {app: web}}
data: {again: *labels, y: n, when: 2026-01-01, at: 12:30, size: !!str 10}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: root, namespace: prod}
spec: {accessModes: [ReadWriteOnce]}
---
"""


def vm(name: str = "web-1", namespace: str = "", **features: Any) -> Tree:
    """A VM of a few words."""
    words = {"memory": "2Gi", "system": {"type": "debian", "version": 12}, "storage": [{"source": "root"}]}
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "VM",
        "metadata": metadata,
        "spec": {"features": {**words, **features}},
    }


def text(*objects: Tree) -> str:
    """Objects as documents of one file."""
    return yaml.safe_dump_all(objects)


def names(stdout: str) -> list[str]:
    """The names of the objects that were printed."""
    return [made["metadata"]["name"] for made in yaml.safe_load_all(stdout)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, one of them below another folder, and what is no manifest."""
    (tmp_path / "a.yaml").write_text(text(vm("one")))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.json").write_text(json.dumps(vm("two")))
    (tmp_path / "notes.txt").write_text("no: [YAML\n")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("a.yaml", "below/b.json"),
        ("-f", "a.yaml", "-f", "below/b.json"),
        ("a.yaml", "--level", "baseline", "below/b.json"),
        ("-o", "yaml", "a.yaml", "below"),
        (".",),
    ],
)
def test_several_files_and_folders_are_read_in_order(words: tuple[str, ...], folder: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(folder)
    done = vmconfig("expand", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert names(done.stdout) == ["one", "two"]


def test_a_word_that_is_no_flag_of_the_verb_is_not_taken_for_a_file(folder: Path) -> None:
    assert vmconfig("expand", str(folder), "--sed", "x").returncode == 2
    assert vmconfig("crd", "x").returncode == 2
    assert vmconfig("check", str(folder), "missing.yaml").returncode == 2


def test_the_items_of_a_list_are_read_and_named() -> None:
    wrong = {"apiVersion": "v1", "kind": "List", "items": [vm("one"), vm("two", "team-a", memory="lots")]}
    done = vmconfig("check", "-", text=text(wrong))
    assert done.returncode == 1
    assert done.stdout.startswith("standard input, item 2: VM team-a/two: spec.features.memory: `lots` is no amount")
    assert vmconfig("check", "-", text=text({**wrong, "items": [vm("one")]})).stdout == ""


def test_each_finding_names_the_document_and_the_object() -> None:
    done = vmconfig("check", "-", "-o", "json", text=OTHERS + text(vm("one", memory="lots"), vm("two", memory=True)))
    found = [(one["document"], one["kind"], one["name"], one["path"]) for one in json.loads(done.stdout)]
    assert found == [(3, "VM", "one", "spec.features.memory"), (4, "VM", "two", "spec.features.memory")]


def test_what_other_programs_read_is_skipped_and_counted_whatever_stands_in_it() -> None:
    done = vmconfig("expand", "-", text=OTHERS + text(vm()))
    assert done.returncode == 0, done.stdout
    assert names(done.stdout) == ["web-1"]
    assert done.stderr == "note: 2 objects of other kinds skipped (ConfigMap 1, PersistentVolumeClaim 1)\n"


def test_the_same_in_a_vm_is_not_skipped() -> None:
    for line in ("labels: &x {app: web}, annotations: *x", "labels: {y: a}", "labels: {a: !!int 1}"):
        wrong = f"apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {{name: a, {line}}}\nspec: {{}}\n"
        done = vmconfig("check", "-", text=OTHERS + wrong)
        assert (done.returncode, "rule: yaml" in done.stdout) == (1, True), line


def test_where_there_is_no_vm_at_all_that_is_a_finding() -> None:
    done = vmconfig("check", "-", text=OTHERS)
    assert done.returncode == 1
    assert "holds no VM, only 2 objects of other kinds skipped" in done.stdout


def test_a_namespace_among_the_manifests_says_its_level() -> None:
    tuned = vm(namespace="lab")
    tuned["spec"]["domain"] = {"devices": {"disks": [{"name": "root", "driver": {"cache": "none"}}]}}
    lab = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}}
    labelled = {**lab, "metadata": {"name": "lab", "labels": {"vmconfig.kubevirt.io/enforce": "baseline"}}}
    assert vmconfig("check", "-", text=text(tuned, labelled)).returncode == 0
    assert vmconfig("check", "-", text=text(tuned, lab)).returncode == 1


@pytest.mark.parametrize(
    ("flags", "code"), [((), 0), (("--user", "jane"), 1), (("--group", "devs"), 1), (("-n", "lab"), 1)]
)
def test_check_asks_as_somebody_somewhere(flags: tuple[str, ...], code: int, tmp_path: Path) -> None:
    head = "apiVersion: policy.vmconfig.kubevirt.io/v1\nkind: Policy\n"
    rule = "rules: [{name: no-tpm, forbid: {path: domain.devices.tpm}}]\n"
    matches = ("subjects: {users: [jane], groups: [devs]}", "namespaces: {names: [lab]}")
    policies = "---\n".join(
        f"{head}metadata: {{name: p{n}}}\nmode: enforce\nmatch: {{{match}}}\n{rule}" for n, match in enumerate(matches)
    )
    for level in ("restricted", "baseline", "privileged"):
        policy = (ROOT / "policies" / level / "policy.yaml").read_text()
        (tmp_path / f"{level}.yaml").write_text(policy)
    (tmp_path / "site.yaml").write_text(policies + "...\n")
    done = vmconfig("check", "-", "--policies", str(tmp_path), *flags, text=text(vm(tpm=True)))
    assert done.returncode == code, done.stdout + done.stderr


def test_a_seed_makes_the_same_identities_each_time_whatever_stands_beside_the_vm() -> None:
    one, two = vm("one", network=[{"source": "net"}]), vm("two", network=[{"source": "net"}])
    alone = vmconfig("expand", "-", "--seed", "a", text=text(one)).stdout
    assert vmconfig("expand", "-", "--seed", "a", text=text(one)).stdout == alone
    made = vmconfig("expand", "-", "--seed", "a", text=text(two, one)).stdout
    assert made.endswith(alone)
    assert len(_identities(made)) == 6
    assert vmconfig("expand", "-", "--seed", "b", text=text(one)).stdout != alone
    assert vmconfig("expand", "-", text=text(one)).stdout != vmconfig("expand", "-", text=text(one)).stdout


def _identities(stdout: str) -> set[str]:
    domains = [made["spec"]["domain"] for made in yaml.safe_load_all(stdout)]
    return {
        identity
        for domain in domains
        for identity in (
            domain["uuid"],
            domain["devices"]["disks"][0]["serial"],
            domain["devices"]["interfaces"][0]["mac"]["address"],
        )
    }


def test_several_vms_in_json_are_a_list_as_kubectl_takes_it() -> None:
    done = vmconfig("expand", "-", "-o", "json", text=text(vm("one"), vm("two")))
    assert [json.loads(done.stdout)[name] for name in ("apiVersion", "kind")] == ["v1", "List"]
    assert names(vmconfig("expand", "-", text=done.stdout).stdout) == ["one", "two"]


def test_explain_prints_objects_of_the_place_the_value_and_the_reasons() -> None:
    done = vmconfig("explain", "-", "spec.domain.vcpu.count", "-o", "json", text=text(vm(cpu={"count": 2, "max": 4})))
    (found,) = json.loads(done.stdout)
    assert found["name"] == "web-1"
    assert (found["path"], found["value"]) == ("spec.domain.vcpu.count", 4)
    assert found["reasons"][0] == "asked by spec.features.cpu"


def test_explain_without_a_path_explains_every_value_of_the_domain() -> None:
    lines = vmconfig("explain", str(EXAMPLE)).stdout.splitlines()
    assert "spec.domain.memory.size = 4096" in lines
    assert len([line for line in lines if line.startswith("spec.domain.")]) > 100
    assert all(line.startswith(("spec.domain.", "  ")) for line in lines)


def test_explain_of_several_vms_says_whose_a_value_is() -> None:
    done = vmconfig("explain", "-", "spec.domain.memory.size", text=text(vm("one"), vm("two")))
    heads = [line for line in done.stdout.splitlines() if line.startswith("#")]
    assert heads == ["# standard input, document 1: VM one", "# standard input, document 2: VM two"]


def test_explain_of_policies_says_whose_a_field_is_where_there_are_several() -> None:
    ways = ("policy", "explain", "-", "--level", "privileged")
    done = vmconfig(*ways, text=text(vm("one"), vm("two")))
    heads = [line for line in done.stdout.splitlines() if line.startswith("#")]
    assert heads == ["# standard input, document 1: VM one", "# standard input, document 2: VM two"]
    rows = json.loads(vmconfig(*ways, "-o", "json", text=text(vm("one"), vm("two"))).stdout)
    assert {(row["name"], row["document"]) for row in rows} == {("one", 1), ("two", 2)}
    assert "#" not in vmconfig(*ways, text=text(vm("one"))).stdout


def test_explain_of_policies_says_which_object_is_none() -> None:
    done = vmconfig("policy", "explain", "-", text=text(vm("one"), vm("two", memory="much")))
    assert (done.returncode, "document 2: VM two: spec.features.memory" in done.stdout + done.stderr) == (1, True)


@pytest.mark.parametrize(("written", "shown"), [("22.10", "22.10"), ("1e3", "1e3"), ('"22.10"', None)])
def test_a_number_with_a_fraction_is_shown_as_it_was_written(written: str, shown: str | None) -> None:
    manifest = text(vm()).replace("version: 12", f"version: {written}")
    problem = vmconfig("check", "-", text=manifest).stdout
    assert shown is None or f"`{shown}`" in problem
    assert shown is not None or "fraction" not in problem


def test_verbs_about_files_do_not_import_what_asks_a_cluster() -> None:
    code = (
        "import sys; from webhook.cli import main; "
        f"code = main(['check', {str(EXAMPLE)!r}]); "
        "sys.exit(code or any(name.split('.')[0] == 'kubernetes' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_cluster_that_is_not_there_is_no_finding(tmp_path: Path) -> None:
    done = vmconfig("explain", "vm/web-1", "-n", "team-a", "--kubeconfig", str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stderr.startswith("vmconfig: the cluster: ")
