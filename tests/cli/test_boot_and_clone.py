"""`vmconfig boot` and `vmconfig clone`: the VM of a configuration, and one like another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.admission.sourced import FEATURES, machine, vm
from tests.cli.test_cli import vmconfig
from webhook.admission.sources import CLONE, CONFIG
from webhook.declare.identities import identities
from webhook.kinds import KINDS, spec_shape
from webhook.trees import Tree

WHOLE = machine()


def config(spec: Tree, **template: Any) -> Tree:
    made = vm(spec, kind="VirtualMachineConfig", name="desk", namespace="team-a", uid="u", annotations={"mine": "yes"})
    made["spec"]["template"]["metadata"] = template
    return made


def written(path: Path, *objects: Tree) -> str:
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


def values(spec: Tree) -> dict[str, str]:
    return {each.path: each.value for each in identities(spec, spec_shape(), "spec")}


def test_a_vm_of_a_configuration_is_its_machine_with_its_templates_labels_and_names_it(tmp_path: Path) -> None:
    source = config(WHOLE, labels={"tier": "desk"}, annotations={"a": "b"})
    done = vmconfig("boot", written(tmp_path / "desk.yaml", source))
    assert done.returncode == 0, done.stdout
    made = yaml.safe_load(done.stdout)
    assert made == {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "VM",
        "metadata": {
            "name": "desk",
            "namespace": "team-a",
            "labels": {"tier": "desk"},
            "annotations": {"a": "b", CONFIG: "desk"},
        },
        "spec": WHOLE,
    }
    assert vmconfig("boot", str(tmp_path / "desk.yaml")).stdout == done.stdout


def test_one_that_is_not_complete_is_refused_and_complete_it_is_not(tmp_path: Path) -> None:
    short = written(tmp_path / "desk.yaml", config({"features": FEATURES}))
    done = vmconfig("boot", short)
    assert done.returncode == 1
    assert "spec.template.spec: is not complete" in done.stderr
    (tmp_path / "kept.yaml").write_text(vmconfig("expand", short).stdout)
    assert vmconfig("boot", str(tmp_path / "kept.yaml")).returncode == 0


@pytest.mark.parametrize(
    ("obj", "problem"),
    [
        (vm(WHOLE), "kind: is VM, which is none to make a VM of"),
        (config({"nonsense": 1}), "spec.template.spec.nonsense"),
        ({**config(WHOLE), "apiVersion": "kubevirt.io/v1"}, "apiVersion: is not"),
        ({**config(WHOLE), "metadata": 5}, ""),
        ({**config(WHOLE), "spec": {"template": 5}}, "spec.template.spec"),
    ],
)
def test_what_makes_no_vm_is_a_finding_or_passes_and_never_an_error(tmp_path: Path, obj: Tree, problem: str) -> None:
    done = vmconfig("boot", written(tmp_path / "x.yaml", obj))
    assert problem in done.stderr
    assert done.returncode == (1 if problem else 0)
    assert "unexpected" not in done.stderr
    assert "unexpected" not in vmconfig("clone", str(tmp_path / "x.yaml")).stderr


def test_several_in_json_are_a_list_that_kubectl_takes(tmp_path: Path) -> None:
    both = written(tmp_path / "x.yaml", config(WHOLE), config(WHOLE))
    for verb in ("boot", "clone"):
        made = json.loads(vmconfig(verb, both, "-o", "json").stdout)
        assert (made["kind"], len(made["items"])) == ("List", 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_clone_is_the_same_kind_with_other_identities_and_no_trace_of_its_source(tmp_path: Path, kind: str) -> None:
    source = vm(WHOLE, kind=kind, name="web", uid="u", resourceVersion="5", labels={"a": "b"})
    source["metadata"]["annotations"] = {CONFIG: "desk", CLONE: "vm/x", "mine": "yes"}
    source["status"] = {"phase": "Running"}
    file = written(tmp_path / "web.yaml", source)
    done = vmconfig("clone", file, "--name", "web-2")
    assert done.returncode == 0, done.stdout
    made = yaml.safe_load(done.stdout)
    assert made["metadata"] == {"name": "web-2", "labels": {"a": "b"}, "annotations": {"mine": "yes"}}
    assert (made["kind"], "status" in made) == (kind, False)
    ours, theirs = values(KINDS[kind].spec_of(made)), values(WHOLE)
    assert ours.keys() == theirs.keys()
    assert not set(ours.values()) & set(theirs.values())
    assert "the clone writes to its source's claim `root`, `data`" in done.stderr
    assert vmconfig("check", written(tmp_path / "made.yaml", made)).returncode == 0


def test_a_clone_of_a_few_words_has_other_identities_in_them(tmp_path: Path) -> None:
    file = written(tmp_path / "web.yaml", vm({"features": FEATURES}, name="web"))
    made = yaml.safe_load(vmconfig("clone", file).stdout)
    assert made["metadata"] == {"name": "web-clone"}
    assert made["spec"]["features"]["network"][0]["mac"] != FEATURES["network"][0]["mac"]
    assert made["spec"].keys() == {"features"}


def test_a_seed_makes_the_same_clone_and_another_one_does_not(tmp_path: Path) -> None:
    file = written(tmp_path / "web.yaml", vm(WHOLE))
    first, second, other = (vmconfig("clone", file, "--seed", seed).stdout for seed in ("a", "a", "b"))
    assert first == second != other


def test_one_name_for_two_clones_is_refused(tmp_path: Path) -> None:
    done = vmconfig("clone", written(tmp_path / "x.yaml", vm(WHOLE), vm(WHOLE)), "--name", "one")
    assert (done.returncode, "is one name for 2 clones" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("name", "problem", "code"),
    [("web", "is the source's own name", 1), ("Web 2", "is not the name of a Kubernetes object", 2)],
)
def test_a_clone_has_a_name_that_it_can_have(tmp_path: Path, name: str, problem: str, code: int) -> None:
    source = vm(WHOLE)
    source["metadata"]["name"] = "web"
    done = vmconfig("clone", written(tmp_path / "x.yaml", source), "--name", name)
    assert (done.returncode, problem in done.stderr, done.stdout) == (code, True, "")
    assert vmconfig("clone", str(tmp_path / "x.yaml"), "--name", "web-2").returncode == 0


def test_what_beside_the_template_a_configuration_has_the_clone_has_too(tmp_path: Path) -> None:
    source = config(WHOLE, labels={"tier": "desk"})
    made = yaml.safe_load(vmconfig("clone", written(tmp_path / "x.yaml", source)).stdout)
    assert made["spec"]["template"]["metadata"] == {"labels": {"tier": "desk"}}
