"""`vmconfig freeze` as people use it: a file goes in, VMs of KubeVirt's with their machines come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubevirt.edits import devices_of, machine
from webhook.cli import main
from webhook.trees import Tree


@pytest.fixture
def freeze(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the verb on documents; returns the exit code, what it printed and what it warned of."""

    def run(*documents: Any, flags: tuple[str, ...] = ()) -> tuple[int, str, str]:
        file = tmp_path / "vm.yaml"
        texts = [each if isinstance(each, str) else yaml.safe_dump(each) for each in documents]
        file.write_text("---\n".join(texts))
        code = main(["freeze", str(file), *flags])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def _address(vm: Tree) -> Any:
    return devices_of(vm)["interfaces"][0].get("pciAddress")


def test_every_vm_of_a_file_is_printed_and_what_else_stands_there_is_not(freeze: Any) -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"}}
    code, out, err = freeze(machine(1), claim, machine(2))
    assert (code, err) == (0, "note: not printed are objects of other kinds: PersistentVolumeClaim 1\n")
    made = list(yaml.safe_load_all(out))
    assert [len(devices_of(each)["interfaces"]) for each in made] == [1, 2]
    assert {_address(each) for each in made} == {"0000:02:00.0"}


def test_what_is_printed_is_printed_again_when_it_is_given_again(freeze: Any) -> None:
    _, first, _ = freeze(machine(2, ("virtio", "sata")))
    _, second, err = freeze(first)
    assert (second, err) == (first, "")


def test_a_seed_gives_the_same_identities_each_time_and_without_one_they_differ(freeze: Any) -> None:
    assert freeze(machine(1), flags=("--seed", "a"))[1] == freeze(machine(1), flags=("--seed", "a"))[1]
    assert freeze(machine(1))[1] != freeze(machine(1))[1]


def test_a_vm_of_a_cluster_keeps_the_places_that_it_has(freeze: Any) -> None:
    there = machine(1)
    there["metadata"]["uid"] = "1"
    there["status"] = {"created": True}
    _, out, _ = freeze({"apiVersion": "v1", "kind": "List", "items": [there]}, flags=("-o", "json"))
    assert _address(json.loads(out)) == "0000:01:00.0"


def test_kubevirts_version_says_what_can_be_held(freeze: Any) -> None:
    code, out, err = freeze(machine(1), flags=("--kubevirt", "v1.6.2"))
    assert code == 0
    assert _address(yaml.safe_load(out)) is None
    assert "KubeVirt v1.6.2 places every device anew" in err


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}, "holds no VirtualMachine of KubeVirt's"),
        ({**machine(1), "spec": {}}, "spec.template: is missing"),
        ({**machine(1), "apiVersion": "kubevirt.io/v1alpha3"}, "apiVersion: is `kubevirt.io/v1alpha3`, expected"),
        ({**machine(1), "apiVersion": "example.com/v1"}, "is no VirtualMachine of kubevirt.io/v1"),
        ("a: [", "mend the YAML"),
        ("", "holds no VirtualMachine of KubeVirt's"),
        ("- 1\n- {kind: VirtualMachine}\n", "holds no VirtualMachine of KubeVirt's"),
    ],
)
def test_what_is_no_vm_of_kubevirts_is_a_finding(freeze: Any, document: Any, words: str) -> None:
    code, out, err = freeze(document)
    assert code == 1
    assert words in out + err


def test_places_that_a_review_refuses_are_refused_and_those_that_it_takes_are_kept(freeze: Any) -> None:
    vm = machine(2)
    first, second = devices_of(vm)["interfaces"]
    first["pciAddress"] = second["pciAddress"] = "0000:0a:00.0"
    code, out, err = freeze(vm)
    assert (code, out) == (1, "")
    assert "interfaces[1].pciAddress: `0000:0a:00.0` is already the place of" in err
    second["pciAddress"] = "0000:0b:00.0"
    code, out, _ = freeze(vm)
    assert (code, _address(yaml.safe_load(out))) == (0, "0000:0a:00.0")


def test_files_of_a_folder_are_read_and_what_is_not_printed_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        vm = {**machine(1), "metadata": {"name": name, "namespace": "shop"}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(vm))
    (tmp_path / "three.yaml").write_text("{apiVersion: v1, kind: Service, metadata: {name: s}}\n")
    assert main(["freeze", str(tmp_path), "-o", "json"]) == 0
    said = capsys.readouterr()
    assert [each["metadata"]["name"] for each in json.loads(said.out)] == ["one", "two"]
    assert "note: not printed are objects of other kinds: Service 1\n" in said.err
    assert main(["freeze", "-f", str(tmp_path / "one.yaml")]) == 0
    assert "not printed" not in capsys.readouterr().err


@pytest.mark.parametrize("word", ["abc", "1", "v1.9.0\n", "", "newest"])
def test_what_is_no_release_of_kubevirts_is_refused(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["freeze", "--kubevirt", word, "vm.yaml"])
    assert ended.value.code == 2
    assert "is no release, expected one like `v1.9.0`" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["1.8", "v1.8.2", "v1.9.0-rc.1", "v1.8.2-16-g0123abc"])
def test_releases_are_taken_as_the_kubevirt_object_has_them(freeze: Any, word: str) -> None:
    assert freeze(machine(), flags=("--kubevirt", word))[0] == 0
