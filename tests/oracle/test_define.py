"""libvirt itself finds nothing to add: it takes what we render, and keeps it as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.consistency.vms import checked, context, vm
from tests.oracle.hypervisor import Hypervisor
from tests.oracle.matrix import LEAST, MACHINES
from tests.oracle.visible import differences
from webhook import guests
from webhook.libvirt.xml.render import render
from webhook.rule_sets import RULE_SETS

Complete = Callable[[dict[str, Any]], dict[str, Any]]
Kept = Callable[[str], list[tuple[dict[str, Any], str, str]]]


@pytest.mark.parametrize("machine", MACHINES)
def test_libvirt_adds_nothing_that_the_guest_sees(machine: str, kept: Kept) -> None:
    rows = kept(machine)
    assert len(rows) >= LEAST
    found = {str(features): changed for features, xml, there in rows if (changed := differences(xml, there))}
    assert found == {}


def test_libvirt_adds_nothing_to_any_guest(hypervisor: Hypervisor, complete: Complete) -> None:
    devices = {"storage": [{"type": "disk", "source": "root"}], "network": [{"source": "lan"}], "graphics": "spice"}
    found = {}
    for guest in guests.guests(RULE_SETS[-1]):
        xml = render(complete({"features": {**devices, "system": {"type": guest.title}}}), "vm")
        if changed := differences(xml, hypervisor.completed(xml)):
            found[guest.title] = changed
    assert found == {}


@pytest.mark.parametrize("machine", ["q35", "virt-aarch64", "pseries", "s390-ccw-virtio"])
@pytest.mark.parametrize("mode", ["host-passthrough", "host-model"])
def test_libvirt_takes_the_cpu_of_the_node_of_every_architecture(
    machine: str, mode: str, hypervisor: Hypervisor
) -> None:
    domain, findings = checked(vm(machine, {"cpu": {"mode": mode}}), context())
    assert (domain is not None, findings) == (True, [])
    assert hypervisor.completed(render(domain, "vm"))


@pytest.mark.parametrize(
    ("kind", "field", "noticed"),
    [
        ("disks", "address", "/domain/devices/disk[sda]/address/@type"),
        ("memballoon", "address", "/domain/devices/memballoon/address/@type"),
        ("controllers", "model", "/domain/devices/controller[usb 0]/@model"),
    ],
)
def test_the_comparison_notices_what_is_left_to_libvirt(
    kind: str, field: str, noticed: str, hypervisor: Hypervisor, complete: Complete
) -> None:
    sata = {"type": "disk", "source": "root", "interface": "sata"}
    domain = complete({"features": {"system": {"type": "linux"}, "storage": [sata]}})
    entries = domain["devices"][kind]
    for device in entries if isinstance(entries, list) else [entries]:
        if device.get("type") in (None, "usb", "file"):
            device.pop(field)
    xml = render(domain, "vm")
    assert any(line.startswith(noticed) for line in differences(xml, hypervisor.completed(xml)))
