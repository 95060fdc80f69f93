"""A guest that runs is changed as its VM was, and is the same machine at its next boot; by QEMU's own account."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.oracle import boot
from tests.oracle.hypervisor import Hypervisor
from tests.oracle.test_boot import DISK_A, NIC_A, PC, words
from webhook.abi.changes import changes
from webhook.libvirt.capturing.capture import capture
from webhook.libvirt.xml.render import render
from webhook.trees import Tree

# libvirt: VIR_DOMAIN_AFFECT_LIVE and _CONFIG; and VIR_DOMAIN_XML_INACTIVE, as `vmconfig run` captures: what runs lacks
# features of the CPU where it is emulated.
BOTH, INACTIVE = 3, 2
NEW_DISK, NEW_NIC = {"type": "disk", "source": "new"}, {"source": "net-new"}


def element(xml: str, name: str) -> str:
    """The element of the device with this name in a document."""
    (found,) = etree.fromstring(xml).xpath(f"devices/*[alias/@name = 'ua-{name}']")
    return etree.tostring(found, encoding="unicode")


def classes(before: Tree, after: Tree) -> set[str]:
    return {str(each.consequence.change_class) for each in changes(before, after)}


def asked(vm: Any, hypervisor: Hypervisor, command: str, **arguments: Any) -> Any:
    """What QEMU answers."""
    said = json.dumps({"execute": command, **({"arguments": arguments} if arguments else {})})
    return json.loads(hypervisor.monitor(vm, said))["return"]


@pytest.mark.parametrize("machine", PC)
def test_what_is_plugged_is_where_the_next_boot_has_it(
    machine: str, hypervisor: Hypervisor, store: Callable[..., Tree], tmp_path: Path
) -> None:
    first = store(words(machine, [DISK_A], [NIC_A]))
    second = store({**first, **words(machine, [DISK_A, NEW_DISK], [NIC_A, NEW_NIC])}, first)
    assert classes(first, second) == {"hotplug"}
    xml = render(boot.on_this_host(second["domain"], tmp_path), "vm")
    with boot.running(first["domain"], hypervisor, tmp_path) as vm:
        boot.settle(vm, hypervisor, tmp_path)
        before = boot.pci(vm, hypervisor), boot.tree(vm, hypervisor)
        tables = boot.fingerprint(vm, hypervisor, tmp_path)
        for name in ("new", "net-new"):
            vm.attachDeviceFlags(element(xml, name), BOTH)
        plugged = boot.tree(vm, hypervisor)
        captured = capture(second["domain"], vm.XMLDesc(INACTIVE))
    assert {name: plugged.get(name) for name in before[1]} == before[1]
    assert set(plugged) - set(before[1]) >= {"ua-new", "ua-net-new"}
    assert (captured.added, captured.findings, captured.domain) == ([], [], second["domain"])
    boots = [_booted(captured.domain, hypervisor, tmp_path) for _ in range(2)]
    assert boots[0] == boots[1]
    places, tree, after = boots[0]
    assert tree == plugged
    assert {name: places.get(name) for name in before[0]} == before[0]
    assert {"ua-new", "ua-net-new"} <= set(places)
    assert after["smbios"] == tables["smbios"]


def _booted(domain: Tree, hypervisor: Hypervisor, folder: Path) -> tuple[Tree, Tree, Tree]:
    with boot.running(domain, hypervisor, folder) as vm:
        boot.settle(vm, hypervisor, folder)
        return boot.pci(vm, hypervisor), boot.tree(vm, hypervisor), boot.fingerprint(vm, hypervisor, folder)


def test_memory_grows_by_a_dimm_that_the_next_boot_has(
    hypervisor: Hypervisor, store: Callable[..., Tree], tmp_path: Path
) -> None:
    first = store(words("q35", [DISK_A], []))
    added: Tree = {
        "domain": {"devices": {"memories": [{"name": "more", "model": "dimm", "target": {"size": 256, "node": 0}}]}}
    }
    second = store(added, first)
    assert classes(first, second) == {"hotplug", "none"}
    with boot.running(first["domain"], hypervisor, tmp_path) as vm:
        assert asked(vm, hypervisor, "query-memory-devices") == []
        vm.attachDeviceFlags(element(render(second["domain"], "vm"), "more"), BOTH)
        plugged = asked(vm, hypervisor, "query-memory-devices")
        runs, captured = (capture(second["domain"], vm.XMLDesc(flags)) for flags in (0, INACTIVE))
    assert (runs.findings, captured.findings, captured.added) == ([], [], [])
    with boot.running(captured.domain, hypervisor, tmp_path) as vm:
        booted = asked(vm, hypervisor, "query-memory-devices")
    (one,), (other,) = ([each["data"] for each in found] for found in (plugged, booted))
    assert one["size"] == 256 << 20
    assert all(one[part] == other[part] for part in ("addr", "slot", "node", "size", "id"))


def test_memory_grows_by_a_virtio_mem_device_that_is_asked_for_more(
    hypervisor: Hypervisor, store: Callable[..., Tree], tmp_path: Path
) -> None:
    device: Tree = {
        "name": "elastic",
        "model": "virtio-mem",
        "target": {"size": 512, "block": "2Mi", "requested": 0, "node": 0},
    }
    first = store({**words("q35", [DISK_A], []), "domain": {"devices": {"memories": [device]}}})
    second = store({"domain": {"devices": {"memories": [{"name": "elastic", "target": {"requested": 256}}]}}}, first)
    assert classes(first, second) == {"hotplug", "none"}
    with boot.running(first["domain"], hypervisor, tmp_path) as vm:
        (before,) = asked(vm, hypervisor, "query-memory-devices")
        vm.updateDeviceFlags(element(render(second["domain"], "vm"), "elastic"), BOTH)
        (after,) = asked(vm, hypervisor, "query-memory-devices")
        captured = capture(second["domain"], vm.XMLDesc(INACTIVE))
    assert (before["data"]["requested-size"], after["data"]["requested-size"]) == (0, 256 << 20)
    assert captured.findings == []
    with boot.running(captured.domain, hypervisor, tmp_path) as vm:
        (booted,) = asked(vm, hypervisor, "query-memory-devices")
    assert booted["data"] == after["data"]


def test_a_medium_is_ejected_and_swapped_while_the_guest_runs(
    hypervisor: Hypervisor, store: Callable[..., Tree], tmp_path: Path
) -> None:
    def drive(**more: str) -> list[Tree]:
        return [DISK_A, {"type": "cdrom", "name": "cd", **more}]

    full = store(words("q35", drive(source="installer"), []))
    empty = store(words("q35", drive(), []), full)
    other = store(words("q35", drive(source="drivers"), []), empty)
    assert classes(full, empty) == classes(empty, other) == {"hotplug"}
    with boot.running(full["domain"], hypervisor, tmp_path) as vm:
        tree, media = boot.tree(vm, hypervisor), [_medium(vm, hypervisor)]
        for spec, claim in ((empty, ""), (other, "drivers")):
            vm.updateDeviceFlags(element(_rendered(spec["domain"], claim, tmp_path), "cd"), BOTH)
            media.append(_medium(vm, hypervisor))
        assert boot.tree(vm, hypervisor) == tree
        captured = capture(other["domain"], vm.XMLDesc(INACTIVE))
    assert media == ["cd.img", "", "drivers.img"]
    assert (captured.added, captured.findings) == ([], [])
    with boot.running(captured.domain, hypervisor, tmp_path) as vm:
        assert boot.tree(vm, hypervisor) == tree


def _rendered(domain: Tree, claim: str, folder: Path) -> str:
    """The domain with the drive's medium in a file that is called like its claim."""
    here = boot.on_this_host(domain, folder)
    for disk in here["devices"]["disks"]:
        if disk["name"] == "cd" and claim:
            image = folder / f"{claim}.img"
            image.write_bytes(bytes(1 << 20))
            disk["source"] = {"file": str(image)}
    return render(here, "vm")


def _medium(vm: Any, hypervisor: Hypervisor) -> str:
    """The file that QEMU has in the CD-ROM drive."""
    (drive,) = [each for each in asked(vm, hypervisor, "query-block") if "cd" in each.get("qdev", "")]
    inserted = drive.get("inserted")
    return Path(inserted["file"]).name if inserted else ""
