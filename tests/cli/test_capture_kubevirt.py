"""`vmconfig capture --kubevirt`: from a launcher's dump to the annotation that the hook reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_cli import vmconfig
from tests.kubevirt.edits import machine
from tests.kubevirt.test_hook_restate import domain
from webhook.kubevirt.keeping.machine import ANNOTATION, read

PORT = (
    "<controller type='pci' index='1' model='pcie-root-port'><model name='pcie-root-port'/>"
    "<target chassis='1' port='0x10'/>"
    "<address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/></controller>"
)
CARD = (
    "<interface type='ethernet'><mac address='02:00:00:00:00:01'/><model type='virtio'/><alias name='ua-net0'/>"
    "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></interface>"
)


@pytest.fixture
def manifest(tmp_path: Path) -> Any:
    def written(*names: str, **more: Any) -> str:
        vms = [{**machine(1, ()), "metadata": {"name": name, "namespace": "tenant"}, **more} for name in names]
        path = tmp_path / "vms.yaml"
        path.write_text("---\n".join(map(yaml.safe_dump, vms)))
        return str(path)

    return written


def dumped(folder: Path, name: str, *devices: str) -> str:
    path = folder / f"{name}.xml"
    path.write_text(domain(*devices).replace("tenant_vm", name))
    return str(path)


def test_the_manifest_is_printed_with_what_the_guest_has_now(tmp_path: Path, manifest: Any) -> None:
    source = manifest("web")
    done = vmconfig("capture", "--kubevirt", source, "--xml", dumped(tmp_path, "tenant_web", PORT, CARD))
    assert (done.returncode, done.stderr) == (0, f"added: spec.template.metadata.annotations[{ANNOTATION}]\n")
    made = yaml.safe_load(done.stdout)
    found = read(made["spec"]["template"]["metadata"].pop("annotations")[ANNOTATION])
    assert found is not None
    assert (found.name, found.written, found.ports) == ("tenant/web", False, {"interface net0": 1})
    assert found.hardware is not None
    assert found.hardware.addresses == {"interface net0": "pci 01:00.0"}
    assert [each.index for each in found.hardware.controllers] == [1]
    assert made["spec"] == yaml.safe_load(Path(source).read_text())["spec"] | {"template": made["spec"]["template"]}


@pytest.mark.parametrize(("model", "noted"), [("bochs", {"video": "bochs"}), ("cirrus", {})])
def test_a_model_that_kubevirt_chooses_is_captured_and_one_that_only_the_vm_can_say_is_not(
    tmp_path: Path, manifest: Any, model: str, noted: dict[str, str]
) -> None:
    place = "<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>"
    dump = dumped(tmp_path, "tenant_web", PORT, CARD, f"<video><model type='{model}'/>{place}</video>")
    done = vmconfig("capture", "--kubevirt", manifest("web"), "--xml", dump)
    found = read(yaml.safe_load(done.stdout)["spec"]["template"]["metadata"]["annotations"][ANNOTATION])
    assert found is not None
    assert found.hardware is not None
    assert found.hardware.models == noted


def test_what_is_captured_once_more_is_the_same(tmp_path: Path, manifest: Any) -> None:
    dump = dumped(tmp_path, "tenant_web", PORT, CARD)
    once = vmconfig("capture", "--kubevirt", manifest("web"), "--xml", dump).stdout
    again = tmp_path / "again.yaml"
    again.write_text(once)
    assert vmconfig("capture", "--kubevirt", str(again), "--xml", dump).stdout == once


def test_each_vm_gets_the_dump_of_its_own_launcher(tmp_path: Path, manifest: Any) -> None:
    dumps = [dumped(tmp_path, name, PORT, CARD) for name in ("tenant_db", "tenant_web")]
    done = vmconfig("capture", "--kubevirt", manifest("web", "db"), *(f"--xml={dump}" for dump in dumps))
    assert done.returncode == 0
    assert [each["metadata"]["name"] for each in yaml.safe_load_all(done.stdout)] == ["web", "db"]
    done = vmconfig("capture", "--kubevirt", manifest("web", "db"), "--xml", dumps[0])
    assert (done.returncode, done.stdout) == (1, "")
    assert "web: has none of the dumps" in done.stderr


@pytest.mark.parametrize(
    ("devices", "problem"),
    [
        ((PORT, CARD.replace("ua-net0", "ua-other")), "has none of the VM's disks and network cards"),
        ((PORT, CARD.replace("<address", "<nowhere")), "has no address"),
        ((PORT.replace("root-port' ", "expander-bus' ").replace("pcie-root-port'>", "pxb'>"), CARD), "no hook makes"),
        (
            (PORT, CARD, CARD.replace("ua-net0", "ua-net1")),
            "interface net1: is at `pci 01:00.0`, the place of interface net0",
        ),
    ],
    ids=["another VM's", "one that never ran", "with a controller of another kind", "with two devices at one place"],
)
def test_a_dump_that_is_no_machine_of_the_vm_is_refused(
    tmp_path: Path, manifest: Any, devices: tuple[str, ...], problem: str
) -> None:
    done = vmconfig("capture", "--kubevirt", manifest("web"), "--xml", dumped(tmp_path, "tenant_web", *devices))
    assert (done.returncode, done.stdout) == (1, "")
    assert problem in done.stderr
    assert "help:" in done.stderr


def test_objects_of_other_kinds_are_none_that_a_hook_reads_for(tmp_path: Path, manifest: Any) -> None:
    dump = dumped(tmp_path, "tenant_web", PORT, CARD)
    done = vmconfig("capture", "--kubevirt", manifest("web", kind="VirtualMachineInstance"), "--xml", dump)
    assert (done.returncode, "holds no VirtualMachine" in done.stderr) == (1, True)
    done = vmconfig("capture", "--kubevirt", manifest("web", spec={"template": 1}), "--xml", dump)
    assert (done.returncode, "spec.template: is a number, expected an object" in done.stderr) == (1, True)
