"""The judge itself: it admits and refuses as KubeVirt does, and boots what KubeVirt's own documents say."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from tests.cluster import build
from tests.kubevirt.conftest import Boots
from tests.kubevirt.copied import copied
from tests.kubevirt.edits import devices_of, edited, machine
from tests.kubevirt.guest_places import moved, places
from tests.kubevirt.handler import NOTE
from tests.kubevirt.kubevirt import KubeVirt
from tests.kubevirt.launcher import Topology, boot
from tests.oracle.hypervisor import Hypervisor
from webhook.kubevirt.starting.topology import ports_of
from webhook.trees import Tree

TABLE = yaml.safe_load((Path(__file__).parent / "edits.yaml").read_text())


@pytest.fixture(scope="module")
def base(kubevirt: KubeVirt) -> Tree:
    asked = TABLE["base"]
    stored = kubevirt.admit(machine(asked["cards"], tuple(asked["disks"]), **asked["devices"])).vm
    assert stored is not None
    return stored


def test_a_plain_vm_is_admitted_with_what_kubevirt_fills_in(kubevirt: KubeVirt) -> None:
    said = kubevirt.admit(machine())
    assert said.refused == []
    assert said.vm is not None
    template = said.vm["spec"]["template"]
    assert template["metadata"]["annotations"] == {"kubevirt.io/pci-topology-version": "v3"}
    assert set(template["spec"]["domain"]["firmware"]) == {"uuid", "serial"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"disks": [{"name": "disk0", "disk": {"bus": "ide"}}]}, "bus"),
        ({"interfaces": [{"name": "net0", "masquerade": {}, "macAddress": "not one"}]}, "MAC"),
        ({"disks": [{"name": "disk0", "disk": {"bus": "sata", "pciAddress": "0000:01:00.0"}}]}, "PCI"),
    ],
)
def test_a_wrong_vm_is_refused_as_virt_api_refuses_it(kubevirt: KubeVirt, fields: Tree, words: str) -> None:
    vm = machine()
    devices_of(vm).update(fields)
    said = kubevirt.admit(vm)
    assert said.vm is None
    assert words.lower() in " ".join(said.refused).lower()


def test_what_kubevirt_cannot_read_is_an_error_and_not_the_end(kubevirt: KubeVirt) -> None:
    with pytest.raises(ValueError, match="unmarshal"):
        kubevirt.domain({"spec": 1})
    assert kubevirt.admit(machine()).vm


# The examples of KubeVirt's docs/pci-topology.md: one card, held ports, then by the order of libvirt. Its machine has
# seven ports in use; a USB controller that is turned off is one of them.
PAGE = {
    "v1": {"interface net0": 1, "scsi0": 5, "virtio-serial0": 6, "disk disk0": 7, "memballoon": 8},
    "v2": {"interface net0": 1, "scsi0": 11, "virtio-serial0": 12, "disk disk0": 13, "memballoon": 14},
    "v3": {"interface net0": 1, "scsi0": 5, "virtio-serial0": 6, "disk disk0": 7, "memballoon": 8},
}


@pytest.mark.parametrize("topology", PAGE)
def test_a_machine_is_placed_as_kubevirts_page_about_it_says(
    kubevirt: KubeVirt, hypervisor: Hypervisor, topology: Topology
) -> None:
    stored = kubevirt.admit(machine(cards=1, rng={})).vm
    assert stored is not None
    xml = boot(kubevirt, hypervisor, stored, topology=topology)
    expected = {name: f"pci {2 + (bus - 1) // 8:02x}.{(bus - 1) % 8}/00.0" for name, bus in PAGE[topology].items()}
    assert {name: place for name, place in places(xml).items() if name in expected} == expected
    # Nine free ports behind them, or those that libvirt adds by itself.
    ports = len(etree.fromstring(xml).findall(".//controller[@model='pcie-root-port']"))
    assert (ports >= 16) == (topology != "v1")


@pytest.mark.usefixtures("schemas")
@pytest.mark.parametrize("version", build.versions())
def test_a_version_writes_how_it_reserves_ports_where_the_table_says_that_it_knows(version: str) -> None:
    """What differs by version is data: the versions that the suite builds, and others where somebody built them."""
    if version in build.ON_REQUEST and not build.is_built(f"kubevirt-{version}"):
        pytest.skip(f"not built: `python -m tests.cluster.build kubevirt-{version}`")
    with contextlib.closing(KubeVirt(version)) as judge:
        said = judge.admit(machine())
        assert said.vm is not None
        written = said.vm["spec"]["template"].get("metadata", {}).get("annotations", {})
        knows = ports_of(version) == "annotated"
        assert written == ({NOTE: "v3"} if knows else {})
        _, ports = judge.domain(said.vm)
        assert ports.annotations.get(NOTE) == ("v3" if knows else None)
        assert set(said.vm["spec"]["template"]["spec"]["domain"]["firmware"]) == {"uuid", "serial"}


@pytest.mark.parametrize("row", TABLE["edits"], ids=lambda row: row["title"])
def test_an_edit_moves_what_it_moves_in_kubevirt(base: Tree, booted: Boots, row: dict[str, Any]) -> None:
    first = booted(base)
    found = [len(moved(first, booted(edited(vm, *row["edits"])))) for vm in (base, copied(base, first))]
    assert found == [row["plain"], row["copied"]]


def test_preferences_and_instance_types_reach_the_domain(kubevirt: KubeVirt) -> None:
    preference = {
        "apiVersion": "instancetype.kubevirt.io/v1beta1",
        "kind": "VirtualMachineClusterPreference",
        "metadata": {"name": "virtio"},
        "spec": {"devices": {"preferredDiskBus": "virtio"}},
    }
    kind = {
        "apiVersion": "instancetype.kubevirt.io/v1beta1",
        "kind": "VirtualMachineClusterInstancetype",
        "metadata": {"name": "small"},
        "spec": {"cpu": {"guest": 3}, "memory": {"guest": "2Gi"}},
    }
    vm = machine(disks=())
    spec = vm["spec"]["template"]["spec"]
    del spec["domain"]["cpu"], spec["domain"]["memory"]
    devices_of(vm)["disks"] = [{"name": "disk0", "disk": {}}]
    spec["volumes"] = [{"name": "disk0", "persistentVolumeClaim": {"claimName": "disk0"}}]
    vm["spec"] |= {"preference": {"name": "virtio"}, "instancetype": {"name": "small"}}
    stored = kubevirt.admit(vm, objects=[preference, kind]).vm
    assert stored is not None
    xml, ports = kubevirt.domain(stored, objects=[preference, kind])
    assert '<target bus="virtio" dev="vda"' in xml
    assert ports.bytes == 2 << 30
