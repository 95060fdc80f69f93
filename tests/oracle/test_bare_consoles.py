"""Virtio consoles without an address: a VM that was imported has them where QEMU plugs them itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import boot
from tests.oracle.hypervisor import Hypervisor
from tests.oracle.test_imported_machines import EVERYTHING, KINDS
from webhook.expand.imported import complete_imported
from webhook.libvirt.importing.imported import examine

XML = """<domain type='qemu'><name>vm</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
<memory unit='KiB'>262144</memory><vcpu>1</vcpu><os><type arch='{arch}' machine='{machine}'>hvm</type></os>
<devices>{devices}<memballoon model='none'/></devices></domain>"""
CONSOLE = "<console type='pty'><target type='virtio'/></console>"
AGENT = "<channel type='unix'><source mode='bind'/><target type='virtio' name='org.qemu.guest_agent.0'/>{}</channel>"
AT = "<address type='virtio-serial' controller='{}' bus='0' port='{}'/>"
SECOND = "<controller type='virtio-serial' index='{}'/>"
BEHIND = "<controller type='virtio-serial' index='{}'><address type='pci' bus='{}' slot='{}'/></controller>"
BRIDGES = "<controller type='pci' index='0' model='pci-root'/>" + "".join(
    f"<controller type='pci' index='{index}' model='pci-bridge'/>" for index in (1, 2)
)
# The consoles of each, among what else is there.
LAYOUTS = {
    "one": CONSOLE,
    "two": CONSOLE * 2,
    "behind a channel": AGENT.format("") + CONSOLE * 3,
    "around a channel that states its port": AGENT.format(AT.format(0, 2)) + CONSOLE * 3,
    "on the last of two controllers": SECOND.format(0) + SECOND.format(1) + AGENT.format("") + CONSOLE * 2,
    "beside a channel on the last controller": SECOND.format(0)
    + SECOND.format(1)
    + AGENT.format(AT.format(1, 1))
    + CONSOLE * 2,
    "beside the first one's port": "<console type='pty'><target type='virtio'/>"
    + AT.format(0, 0)
    + "</console>"
    + CONSOLE,
}


def plugged(running: Any, hypervisor: Hypervisor) -> list[tuple[str, str]]:
    """The controller and the port of each console and channel, in QEMU's tree."""
    found, controller, kind = [], "", ""
    for line in hypervisor.monitor(running, "info qtree", human=True).splitlines():
        if device := re.fullmatch(r'\s*dev: (\S+), id "([^"]*)"', line):
            kind = device[1]
            controller = device[2] if kind.startswith("virtio-serial") else controller
        elif (port := re.fullmatch(r"\s*nr = (\d+).*", line)) and kind in ("virtconsole", "virtserialport"):
            found.append((kind, f"{controller} {port[1]}"))
    return sorted(found)


def both(document: str, hypervisor: Hypervisor, folder: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Where things are plugged as the document starts, and as its import does."""
    kept = hypervisor.completed(document)
    found = examine(kept, EVERYTHING)
    assert found.wrong == found.missing == complete_imported(found.domain, found.type, bytes) == []
    with boot.started(kept, hypervisor) as running:
        before = plugged(running, hypervisor)
    with boot.running({**found.domain, "type": "qemu"}, hypervisor, folder) as running:
        return before, plugged(running, hypervisor)


ROWS = [("q35", layout) for layout in LAYOUTS] + [(machine, "behind a channel") for machine in ("i440fx", "s390x")]


@pytest.mark.parametrize(("machine", "layout"), ROWS)
def test_a_console_is_where_qemu_plugs_it(machine: str, layout: str, hypervisor: Hypervisor, tmp_path: Path) -> None:
    arch, version = KINDS[machine]
    document = XML.format(arch=arch, machine=version, devices=LAYOUTS[layout])
    before, after = both(document, hypervisor, tmp_path)
    assert sum(kind == "virtconsole" for kind, _ in before) == document.count("<console")
    assert after == before


@pytest.mark.parametrize("buses", [(1, 2), (2, 1), (0, 1), (1, 0), (1, 1)], ids=str)
def test_of_controllers_behind_bridges_it_is_the_one_that_qemu_finds(
    buses: tuple[int, int], hypervisor: Hypervisor, tmp_path: Path
) -> None:
    behind = "".join(BEHIND.format(index, bus, 4 + index) for index, bus in enumerate(buses))
    arch, version = KINDS["i440fx"]
    document = XML.format(arch=arch, machine=version, devices=BRIDGES + behind + CONSOLE * 2)
    before, after = both(document, hypervisor, tmp_path)
    assert len(before) == 2
    assert after == before
