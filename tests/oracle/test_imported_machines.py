"""An imported machine is the machine itself: created and rendered, libvirt and its command line see no other one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
import yaml

from tests.oracle.hypervisor import Hypervisor
from tests.oracle.matrix import MACHINES
from tests.oracle.same_machine import changes
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.expand.imported import complete_imported
from webhook.libvirt.importing.imported import Imported, Map, examine
from webhook.libvirt.xml.render import render
from webhook.trees import Tree

CASES: list[Tree] = yaml.safe_load(Path(__file__).with_name("dumps.yaml").read_text())
KINDS = {
    "q35": ("x86_64", "pc-q35-7.2"),
    "i440fx": ("x86_64", "pc-i440fx-7.2"),
    "virt-aarch64": ("aarch64", "virt-7.2"),
    "s390x": ("s390x", "s390-ccw-virtio-7.2"),
    "pseries": ("ppc64le", "pseries-7.2"),
    "virt-riscv64": ("riscv64", "virt"),
}
PARTS = {
    "{disk}": "<disk type='file' device='disk'><source file='/images/a'/><target dev='vda' bus='virtio'/></disk>",
    "{cdrom}": "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>",
    "{cdrom_ide}": "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>",
    "{nic}": "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><model type='virtio'/>"
    "</interface>",
    "{rng}": "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "{none}": "<controller type='usb' index='0' model='none'/><memballoon model='none'/>",
    "{usb2}": "<controller type='usb' index='0' model='ich9-ehci1'><address type='pci' domain='0' bus='0' slot='0x1d' "
    "function='7'/></controller>"
    + "".join(
        f"<controller type='usb' index='0' model='ich9-uhci{n + 1}'><master startport='{n * 2}'/><address type='pci' "
        f"domain='0' bus='0' slot='0x1d' function='{n}' multifunction='{'off' if n else 'on'}'/></controller>"
        for n in range(3)
    ),
}
ROW = """<domain type='qemu'{namespace}>
  <name>vm</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
  <memory unit='KiB'>1048576</memory>{current}{vcpu}{top}
  <os {attributes}><type arch='{arch}' machine='{machine}'>hvm</type>{os}</os>
  <features>{features}</features>{cpu}
  <devices>{devices}</devices>
</domain>"""


def document(case: Tree) -> str:
    """The XML of a case."""
    arch, machine = KINDS[case["machine"]]
    said = {name: case.get(name, "") for name in ("top", "attributes", "os", "features", "cpu", "devices")}
    for part, text in PARTS.items():
        said["devices"] = said["devices"].replace(part, text)
    current = f"<currentMemory unit='KiB'>{case['current']}</currentMemory>" if "current" in case else ""
    uri = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'" if case.get("namespace") else ""
    vcpu = case.get("vcpu", "<vcpu>1</vcpu>")
    return ROW.format(arch=arch, machine=machine, current=current, namespace=uri, vcpu=vcpu, **said)


class _Any(dict[str, str]):
    """A map that has a name for everything: two disks have no claim in common."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.startswith(("/", "br", "vd", "sd", "hd", "vms", "ua-", "eth"))

    def __missing__(self, key: str) -> str:
        return f"{self.name}-{crc32(key.encode()):x}"


EVERYTHING = Map(_Any("claim"), _Any("lan"), {}, conventional=False)


def created(found: Imported, context: AdmissionContext) -> str:
    """The VM of an import as it is stored, rendered again."""
    assert complete_imported(found.domain, found.type, lambda n: bytes(range(n))) == []
    spec = {"abi": {"policy": "frozen", "origin": "imported"}, "domain": {**found.domain, "type": "qemu"}}
    metadata = {"name": "vm", "namespace": "tenant"}
    vm = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": metadata, "spec": spec}
    made, findings, _ = expand_object(vm, context)
    assert [str(finding) for finding in findings] == []
    assert made is not None
    assert made["spec"]["domain"] == spec["domain"]
    return render(made["spec"]["domain"], "vm")


def test_there_are_dumps_of_every_tool_and_machine() -> None:
    assert len(CASES) >= 60
    assert {case["machine"] for case in CASES} == set(KINDS)
    tools = {"virt-manager", "virt-install", "Nova", "Proxmox", "oVirt", "Unraid", "KubeVirt", "hand"}
    assert {case["of"] for case in CASES} == tools


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_what_libvirt_keeps_is_imported_as_the_same_machine_or_refused(
    case: Tree, hypervisor: Hypervisor, context: AdmissionContext
) -> None:
    kept = hypervisor.completed(document(case))
    found = examine(kept, EVERYTHING)
    assert found.wrong == []
    if "refused" in case:
        assert {finding.path for finding in found.missing} == set(case["refused"])
        return
    assert found.missing == []
    assert changes(kept, created(found, context), hypervisor) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_a_document_that_libvirt_has_not_seen_is_what_libvirt_makes_of_it(
    case: Tree, hypervisor: Hypervisor, context: AdmissionContext
) -> None:
    found = examine(document(case), EVERYTHING)
    if "refused" in case:
        assert {finding.path for finding in found.missing} == set(case["refused"])
        return
    assert found.missing == []
    if "unplaced" in case:
        findings = complete_imported(found.domain, found.type, bytes)
        assert [finding.problem.rpartition(": ")[2] for finding in findings] == ["libvirt has not seen this document"]
        return
    assert changes(document(case), created(found, context), hypervisor) == []


@pytest.mark.parametrize("machine", MACHINES)
def test_what_we_make_ourselves_is_imported_as_the_same_machine(
    machine: str,
    kept: Callable[[str], list[tuple[Tree, str, str]]],
    hypervisor: Hypervisor,
    context: AdmissionContext,
) -> None:
    found = {}
    for features, _, there in kept(machine)[::3]:
        changed = changes(there, created(examine(there, Map()), context), hypervisor)
        if changed:
            found[str(features)] = changed
    assert found == {}
