"""The frozen machine, started for real: what survives a change is where it was, for the guest that looks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from tests.oracle import boot
from tests.oracle.hypervisor import Hypervisor
from tests.oracle.matrix import MACHINES
from webhook.libvirt.xml.render import render
from webhook.rule_sets import NEWEST, RULE_SETS
from webhook.trees import Tree

PC = ("q35", "i440fx")

DISK_A, DISK_B = {"type": "disk", "source": "a"}, {"type": "disk", "source": "b", "interface": "virtio-scsi"}
NIC_A, NIC_B = {"source": "net-a"}, {"source": "net-b"}


def words(machine: str, storage: list[Tree], network: list[Tree]) -> Tree:
    return {
        "features": {
            "system": {"type": "linux", **MACHINES[machine]},
            "memory": 512,
            "storage": storage,
            "network": network,
        }
    }


def seen(domain: Tree, hypervisor: Hypervisor, folder: Path, *, tables: bool) -> tuple[Tree, Tree, Tree]:
    """PCI, QEMU's tree and the firmware's tables of a start of the domain."""
    with boot.running(domain, hypervisor, folder) as running:
        places, tree = boot.pci(running, hypervisor), boot.tree(running, hypervisor)
        if not tables:
            return places, tree, {}
        boot.settle(running, hypervisor, folder)
        return boot.pci(running, hypervisor), tree, boot.fingerprint(running, hypervisor, folder)


@pytest.mark.parametrize("machine", MACHINES)
def test_what_survives_a_change_is_where_it_was(
    machine: str, hypervisor: Hypervisor, store: Callable[..., Tree], tmp_path: Path
) -> None:
    first = store(words(machine, [DISK_A, DISK_B], [NIC_A, NIC_B]))
    before = seen(first["domain"], hypervisor, tmp_path, tables=machine in PC)
    assert {"ua-a", "ua-net-a", "ua-net-b"} <= set(before[1])

    assert seen(first["domain"], hypervisor, tmp_path, tables=machine in PC) == before

    new = {"type": "disk", "source": "new"}
    changed = words(machine, [DISK_A, new, DISK_B], [NIC_A, {"source": "net-new"}, NIC_B])
    grown = store({**first, **changed}, first)
    after = seen(grown["domain"], hypervisor, tmp_path, tables=machine in PC)
    assert {name: after[1].get(name) for name in before[1]} == before[1]
    assert {name: after[0].get(name) for name in before[0]} == before[0]
    assert {"ua-new", "ua-net-new"} <= set(after[1])

    shrunk = store({**grown, **words(machine, [new, DISK_B], [{"source": "net-new"}, NIC_B])}, grown)
    left = seen(shrunk["domain"], hypervisor, tmp_path, tables=False)[1]
    assert set(after[1]) - set(left) >= {"ua-a", "ua-net-a"}
    assert left == {name: place for name, place in after[1].items() if name in left}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_machine_boots_by_each_rule_set_and_a_move_leaves_devices_where_they_were(
    machine: str, hypervisor: Hypervisor, store: Callable[..., Tree], tmp_path: Path
) -> None:
    said = words(machine, [DISK_A, DISK_B], [NIC_A, NIC_B])
    old = store({**said, "abi": {"policy": "frozen", "ruleSet": RULE_SETS[0]}})
    assert store(said)["abi"]["ruleSet"] == NEWEST != RULE_SETS[0] == old["abi"]["ruleSet"]
    moved = store({**old, "abi": {**old["abi"], "ruleSet": NEWEST}}, old)
    assert moved["domain"] != old["domain"]
    before, after = (seen(one["domain"], hypervisor, tmp_path, tables=False) for one in (old, moved))
    assert after[:2] == before[:2]


@pytest.mark.parametrize("machine", PC)
def test_the_firmware_tells_the_guest_the_same_at_every_boot(
    machine: str, hypervisor: Hypervisor, store: Callable[..., Tree], tmp_path: Path
) -> None:
    domain = store(words(machine, [DISK_A], [NIC_A]))["domain"]
    first, second = (seen(domain, hypervisor, tmp_path, tables=True)[2] for _ in range(2))
    assert {"acpi FACP", "acpi DSDT", "acpi APIC", "smbios"} <= set(first)
    assert first == second
    other = {**domain, "sysinfo": {"manufacturer": "Another"}, "os": {**domain["os"], "smbios": {"mode": "sysinfo"}}}
    assert seen(other, hypervisor, tmp_path, tables=True)[2]["smbios"] != first["smbios"]


@pytest.mark.parametrize("machine", MACHINES)
def test_without_our_addresses_devices_move(machine: str, hypervisor: Hypervisor, store: Callable[..., Tree]) -> None:
    """The same experiment, with places left to libvirt: it shows that the test above can fail."""
    few = store(words(machine, [DISK_A, DISK_B], [NIC_A]))["domain"]
    more = store(words(machine, [DISK_A, DISK_B], [NIC_A, NIC_B]))["domain"]
    before, after = (_places(hypervisor.completed(_unplaced(domain))) for domain in (few, more))
    assert [name for name in before if name in after and before[name] != after[name]] != []


def _unplaced(domain: Tree) -> str:
    """The rendered domain without addresses, and without all controllers but USB's."""
    root = etree.fromstring(render(domain, "vm"))
    places = [node for node in root.findall("devices/controller") if node.get("type") != "usb"]
    for node in [*places, *root.findall("devices/*/address")]:
        parent = node.getparent()
        if parent is not None:
            parent.remove(node)
    return etree.tostring(root, encoding="unicode")


def _places(xml: str) -> dict[str, str]:
    """The address of each named device, as it stands."""
    found = re.findall(r"<alias name='([^']+)'/>\s*(?:<acpi[^>]*>\s*)?(<address type='(?:pci|ccw)'[^>]*>)", xml)
    return dict(found)
