"""`vmconfig audit --kubevirt` as an admin uses it before an upgrade: files go in, what moves comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubevirt.edits import edited, machine
from tests.kubevirt.fleet import LARGE, WINDOWS
from webhook.cli import main
from webhook.kubevirt.keeping.freeze import freeze
from webhook.kubevirt.next_start import NOTE
from webhook.kubevirt.starting.devices import SLOT_COUNT
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

KUBEVIRT: Tree = {
    "apiVersion": "kubevirt.io/v1",
    "kind": "KubeVirt",
    "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
    "status": {"observedKubeVirtVersion": "v1.6.1"},
}
TEXT = """\
NAMESPACE                NAME                         RESULT   DEVICES WHY
tenant                   web                          moves          4 KubeVirt held 9 root ports behind the network \
cards, v1.9.0 holds 2
  the SCSI controller: pci 03.3/00.0 -> pci 02.4/00.0
  the serial controller: pci 03.4/00.0 -> pci 02.5/00.0
  disk `disk0`: pci 03.5/00.0 -> pci 02.6/00.0
  the memory balloon: pci 03.6/00.0 -> pci 02.7/00.0
  help: kubectl -n tenant patch virtualmachine web --type merge -p '{"spec":{"template":{"metadata":{"annotations":\
{"kubevirt.io/pci-topology-version":"v2","kubevirt.io/pci-interface-slot-count":"11"}}}}}'
1 VMs: 1 moves, 0 unknown, 0 frozen, 0 stays; 4 devices move
"""


def named(vm: Tree, name: str, namespace: str = "tenant") -> Tree:
    return {**vm, "metadata": {**vm["metadata"], "name": name, "namespace": namespace}}


@pytest.fixture
def audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """The exit code, standard output and standard error for these objects."""

    def run(*objects: Tree, flags: tuple[str, ...] = ()) -> tuple[int, str, str]:
        file = tmp_path / "fleet.yaml"
        file.write_text(yaml.safe_dump_all(objects))
        code = main(["audit", "--kubevirt", str(file), *flags])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_vm_that_moves_is_told_with_each_place_and_the_way_out(audit: Any) -> None:
    assert audit(named(machine(2), "web"), flags=("--from", "v1.6.1")) == (1, TEXT, "")


def test_where_nothing_moves_the_exit_code_is_0(audit: Any) -> None:
    code, out, _ = audit(named(machine(2), "web"), flags=("--from", "1.5.2"))
    assert code == 0
    assert out.endswith("1 VMs: 0 moves, 0 unknown, 0 frozen, 1 stays; 0 devices move\n")


def test_kubevirts_own_object_says_the_version_and_the_flag_comes_before_it(audit: Any) -> None:
    code, out, _ = audit(KUBEVIRT, named(machine(2), "web"))
    assert (code, out) == (1, TEXT)
    assert audit(KUBEVIRT, named(machine(2), "web"), flags=("--from", "1.5.2"))[0] == 0


def test_what_is_not_known_is_no_success_and_with_exit_zero_it_is_told_alone(audit: Any) -> None:
    code, out, _ = audit(named(machine(2), "web"))
    assert code == 1
    assert "nothing says with which KubeVirt it started last: say it with `--from`" in out
    assert "1 unknown" in out
    assert audit(named(machine(2), "web"), flags=("--exit-zero",))[:2] == (0, out)


def test_the_json_has_each_move_the_annotations_and_the_counts(audit: Any) -> None:
    frozen = freeze(named(machine(1), "kept"), None, Site()).vm
    plugged = edited(named(machine(0), "plugged"), {"disk": "hot", "bus": "scsi"})
    plugged["spec"]["template"]["spec"]["volumes"][-1]["persistentVolumeClaim"]["hotpluggable"] = True
    code, out, _ = audit(named(machine(2), "web"), frozen, plugged, flags=("--from", "v1.6.1", "-o", "json"))
    said = json.loads(out)
    assert code == 1
    assert said["upgrade"] == {"from": "v1.6.1", "to": "v1.9.0"}
    web, kept, hot = said["vms"]
    assert said["summary"] == {
        "vms": 3, "moves": 2, "unknown": 0, "frozen": 1, "stays": 0, "devices": len(web["moves"]) + len(hot["moves"]),
    }  # fmt: skip
    assert web["moves"][0] == {"device": "scsi0", "from": "pci 03.3/00.0", "to": "pci 02.4/00.0"}
    assert web["annotations"] == {NOTE: "v2", SLOT_COUNT: "11"}
    assert web["help"].startswith("kubectl -n tenant patch")
    assert (kept["result"], kept["moves"]) == ("frozen", [])
    assert "help" not in kept
    assert "plugged in while the guest runs" in hot["notes"][0]["problem"]


def test_instance_types_and_preferences_are_looked_up_among_the_files_and_what_is_missing_is_said(audit: Any) -> None:
    vm = named(machine(2), "web")
    del vm["spec"]["template"]["spec"]["domain"]["memory"]
    vm["spec"] |= {"instancetype": {"name": "large"}, "preference": {"name": "windows"}}
    _, out, err = audit(vm, LARGE, WINDOWS, flags=("--from", "v1.6.1"))
    assert "passed-through device `screen`" in out
    assert err == ""
    assert "preference `windows` is not found" in audit(vm, LARGE, flags=("--from", "v1.6.1"))[1]


def test_an_instance_belongs_to_the_vm_of_its_name_in_its_namespace(audit: Any) -> None:
    vm, other = named(machine(2), "web"), named(machine(2), "web", "other")
    instance = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": {"name": "web", "namespace": "tenant", "annotations": {NOTE: "v3"}},
        "spec": vm["spec"]["template"]["spec"],
    }
    _, out, _ = audit(vm, other, instance, flags=("--from", "v1.6.1", "-o", "json"))
    assert [each["result"] for each in json.loads(out)["vms"]] == ["stays", "moves"]


def test_folders_and_lists_are_read_and_what_else_stands_there_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}}
    (tmp_path / "a").mkdir()
    items = [named(machine(2), "one"), named(machine(2), "two"), claim]
    (tmp_path / "a" / "list.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    (tmp_path / "a" / "three.json").write_text(json.dumps(named(machine(2), "three")))
    assert main(["audit", "--kubevirt", "--from", "1.6.1", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "3 VMs: 3 moves" in said.out
    assert said.err == "note: not looked at are objects of other kinds: PersistentVolumeClaim 1\n"


def test_without_a_vm_there_is_nothing_to_audit(audit: Any) -> None:
    code, out, err = audit(KUBEVIRT)
    assert code == 1
    assert "holds no VirtualMachine of KubeVirt's" in out + err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--from", "foo"), "`foo` is no release"),
        (("--to", "9"), "`9` is no release"),
        (("--write-reports",), "name no sources"),
        (("--kubevirt-policies",), "say one of them"),
        (("--adopt",), "say one of them"),
    ],
)
def test_flags_that_mean_nothing_are_said(
    audit: Any, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], words: str
) -> None:
    try:
        code, _, err = audit(named(machine(2), "web"), flags=flags)
    except SystemExit as ended:
        code, err = ended.code, capsys.readouterr().err
    assert code == 2
    assert words in err


def test_the_flags_about_an_upgrade_are_about_kubevirts_vms(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--from", "1.6.1"]) == 2
    assert "say --kubevirt" in capsys.readouterr().err


def test_a_version_that_is_not_known_here_is_taken_for_the_newest_and_that_is_said(audit: Any) -> None:
    code, _, err = audit(named(machine(2), "web"), flags=("--from", "1.5", "--to", "1.10.0"))
    assert (code, err) == (0, "note: v1.10.0 is newer than v1.9.0, and is taken for it\n")
    assert audit(named(machine(2), "web"), flags=("--from", "1.5", "--to", "1.9.3"))[2] == ""


def test_a_name_that_is_no_name_stays_on_its_line(audit: Any) -> None:
    vm = named(edited(machine(1), {"disk": "a`\nhelp: rm", "bus": "virtio"}), "web\nx")
    _, out, _ = audit(vm, flags=("--from", "v1.6.1"))
    assert "\nhelp: rm" not in out
    assert "\nx" not in out
