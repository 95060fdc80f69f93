"""What a verb says where a file has no VM that it is about: what there is, and the way from that to one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.cli import main
from webhook.trees import Tree

MACHINE: Tree = {
    "domain": {
        "memory": {"guest": "1Gi"},
        "devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}}]},
    },
    "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": "root"}}],
}
OURS = {"system": {"type": "debian"}, "memory": "1Gi", "storage": [{"source": "root"}]}
OF_KUBEVIRTS = [["convert"], ["freeze"], ["audit", "--kubevirt"], ["capture", "--kubevirt", "--xml", "none.xml"]]


def _object(kind: str, spec: Tree, version: str = "kubevirt.io/v1") -> Tree:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": "b"}, "spec": spec}


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a verb on documents in one file; returns the exit code and all that it says, without the folder."""

    def run(words: list[str], *documents: Tree) -> tuple[int, str]:
        (tmp_path / "a.yaml").write_text(yaml.safe_dump_all(documents))
        code = main([*words, str(tmp_path / "a.yaml")])
        captured = capsys.readouterr()
        return code, (captured.out + captured.err).replace(f"{tmp_path}/", "")

    return run


@pytest.mark.parametrize("verb", OF_KUBEVIRTS, ids=" ".join)
@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("VirtualMachineInstance", "write its `spec` as `spec.template.spec`"),
        ("VirtualMachinePool", "write its `virtualMachineTemplate` as"),
        ("Template", "`oc process --local -o yaml -f FILE`"),
        ("Pod", "name a manifest of a VirtualMachine"),
    ],
)
def test_what_there_is_instead_of_kubevirts_is_named_with_the_way_from_it(
    said: Any, verb: list[str], kind: str, way: str
) -> None:
    code, text = said(verb, _object(kind, MACHINE))
    assert code == 1
    only = f"only 1 object of other kinds skipped ({kind} 1)"
    assert f"a.yaml: holds no VirtualMachine of KubeVirt's, {only}\n  help: " in text
    assert way in text


def test_an_instance_written_as_a_machine_by_that_help_is_one(said: Any) -> None:
    code, text = said(["convert"], _object("VirtualMachine", {"template": {"spec": MACHINE}}))
    assert (code, "kind: VM\n" in text) == (0, True)


def test_a_machine_of_the_other_api_leads_to_the_conversion(said: Any) -> None:
    theirs = _object("VirtualMachine", {"template": {"spec": MACHINE}})
    code, text = said(["render"], theirs)
    assert (code, "help: make a VM of it: `vmconfig convert`" in text) == (1, True)
    code, text = said(["freeze"], _object("VM", {"features": OURS}, "kubevirt.io/v1alpha1"))
    assert (code, "help: make a VirtualMachine of it: `vmconfig convert`" in text) == (1, True)


def test_beside_a_machine_of_their_own_none_of_them_is_missed(said: Any) -> None:
    theirs = _object("VirtualMachine", {"template": {"spec": MACHINE}})
    code, text = said(["freeze"], theirs, _object("VirtualMachineInstance", MACHINE))
    assert (code, "holds no" in text) == (0, False)
    assert "note: not printed are objects of other kinds: VirtualMachineInstance 1\n" in text


@pytest.mark.parametrize("verb", ["convert", "freeze"])
def test_where_nothing_is_named_that_is_usage(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb]) == 2
    assert "no object is named: give a file" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["convert", "freeze"])
def test_where_a_cluster_is_meant_kubectl_is_named(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "vm/web"]) == 2
    assert "vm/web: no cluster is asked here: give what `kubectl get vm/web -o yaml` prints" in capsys.readouterr().err
    assert main([verb, "folder/web.yaml"]) == 2
    assert "folder/web.yaml: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["check", "freeze"])
def test_each_file_that_is_no_yaml_is_named(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("a", "a: ["), ("b", "kind: VM\n"), ("c", "a: b: c")):
        (tmp_path / f"{name}.yaml").write_text(text)
    assert main([verb, str(tmp_path)]) == 1
    captured = capsys.readouterr()
    named = [line for line in (captured.out + captured.err).splitlines() if not line.startswith(" ")]
    # A check goes on to what the other file has.
    assert [Path(line).name[:6] for line in named if "b.yaml: VM: " not in line] == ["a.yaml", "c.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "name: {{ name }}",
        "{{- if .Values.x }}\na: b",
        "a:\n  {{- include 'x' . }}",
        "{% for x in y %}\na: b\n{% endfor %}",
    ],
)
def test_a_template_that_is_not_rendered_leads_to_its_renderer(said: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "b.yaml").write_text(f"apiVersion: v1\n{text}\n")
    code, told = said(["check", str(tmp_path / "b.yaml")], _object("Pod", {}))
    assert (code, "render it first, as `helm template` does" in told) == (1, True)


def test_other_mistakes_do_not_and_neither_does_a_template_in_a_text(said: Any, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("a: |\n  {{ name }}\nb: c\nd: [\n")
    code, told = said(["check", str(tmp_path / "b.yaml")], _object("Pod", {}))
    assert (code, "help: mend the YAML, then try again" in told) == (1, True)


@pytest.mark.parametrize("words", [["import"], ["capture", "--xml"]], ids=" ".join)
def test_a_file_that_is_no_xml_is_named(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vm.yaml").write_text(yaml.safe_dump(_object("VM", {"features": OURS}, "kubevirt.io/v1alpha1")))
    (tmp_path / "dump.xml").write_text("<network/>")
    sources = [str(tmp_path / "vm.yaml")] if words[0] == "capture" else []
    assert main([words[0], *sources, *words[1:], str(tmp_path / "dump.xml")]) == 1
    assert f"{tmp_path}/dump.xml: is a `network`, expected a `domain`\n" in capsys.readouterr().err
