"""Imported machines really start: from their own XML and from ours QEMU and the firmware tell the guest the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.oracle import boot
from tests.oracle.hypervisor import Hypervisor
from tests.oracle.test_imported_machines import EVERYTHING, KINDS
from webhook.expand.imported import complete_imported
from webhook.libvirt.importing.imported import Map, examine
from webhook.trees import Tree

XML = """<domain type='qemu'><name>vm</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
<memory unit='KiB'>524288</memory><vcpu>1</vcpu>
<os><type arch='{arch}' machine='{machine}'>hvm</type></os><features>{features}</features>
<devices><disk type='file' device='disk'><source file='{folder}/first'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><source file='{folder}/second'/><target dev='sda' bus='scsi'/></disk>
<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>
<controller type='scsi' model='virtio-scsi'/><rng model='virtio'><backend model='random'/></rng></devices></domain>"""
NAMES = Map(EVERYTHING.claims, {"52:54:00:00:00:01": "lan"}, conventional=False)


def seen(running: Any, hypervisor: Hypervisor, folder: Path, *, tables: bool) -> tuple[list[str], list[str], Tree]:
    """Who is where on PCI and in QEMU's tree, whatever it is called, and on a PC the firmware's tables."""
    tree = sorted(boot.tree(running, hypervisor).values())
    if tables:
        boot.settle(running, hypervisor, folder)
    places = sorted(map(str, boot.pci(running, hypervisor).values()))
    return places, tree, boot.fingerprint(running, hypervisor, folder) if tables else {}


@pytest.mark.parametrize("machine", KINDS)
def test_a_dump_starts_as_the_same_machine_from_its_own_xml_and_from_ours(
    machine: str, hypervisor: Hypervisor, tmp_path: Path
) -> None:
    arch, version = KINDS[machine]
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    tables = arch == "x86_64"
    features = "<acpi/>" if tables else ""
    dump = hypervisor.completed(XML.format(arch=arch, machine=version, features=features, folder=tmp_path))
    found = examine(dump, NAMES)
    assert found.wrong == found.missing == []
    assert complete_imported(found.domain, found.type, bytes) == []
    with boot.started(dump, hypervisor) as running:
        before = seen(running, hypervisor, tmp_path, tables=tables)
    with boot.running({**found.domain, "type": "qemu"}, hypervisor, tmp_path) as running:
        after = seen(running, hypervisor, tmp_path, tables=tables)
    assert len(before[1]) > 4
    assert after == before
