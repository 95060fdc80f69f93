"""From libvirt's XML and back: nothing of the frontend is lost, and capture adds what libvirt added, and only that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.oracle.hypervisor import Hypervisor
from tests.oracle.matrix import MACHINES
from tests.oracle.test_devices import ROWS
from tests.oracle.visible import differences, facts
from webhook.libvirt.capturing.capture import capture
from webhook.libvirt.importing.imported import Map, import_domain
from webhook.libvirt.xml.render import render
from webhook.trees import Tree

Complete = Callable[[Tree], Tree]
HERE = Path(__file__).parent


@pytest.mark.parametrize("machine", MACHINES)
def test_what_libvirt_keeps_comes_back_whole(machine: str, kept: Callable[[str], list[tuple[Tree, str, str]]]) -> None:
    found = {}
    for features, _, there in kept(machine):
        changed = differences(render({**import_domain(there, Map()).domain, "type": "qemu"}, "vm"), there)
        if changed:
            found[str(features)] = changed
    assert found == {}


@pytest.mark.parametrize(("case", "machine"), ROWS, ids=[f"{case['title']} on {machine}" for case, machine in ROWS])
def test_every_device_comes_back(case: Tree, machine: str, hypervisor: Hypervisor, complete: Complete) -> None:
    system = {"type": "linux", **MACHINES[machine]}
    kept = hypervisor.completed(render(complete({"features": {"system": system}, "domain": case["domain"]}), "vm"))
    imported = import_domain(kept, Map(claims={"export": "export"}, networks={"eth0": "net", "br0": "net"}))
    again = import_domain(render({**imported.domain, "type": "qemu"}, "vm"), Map())
    assert again.domain == imported.domain
    lost = {place for place in facts(kept) if place not in facts(render(imported.domain, "vm"))}
    listed = {finding.path.split(".")[0].split("[")[0] for finding in imported.left}
    if not imported.left:
        assert differences(render({**imported.domain, "type": "qemu"}, "vm"), kept) == []
    else:
        assert lost
        assert listed


# What libvirt adds of how the host runs the domain; the guest sees none of it.
GOALS = (
    "/domain/cpu/@check", "/domain/devices/audio/@", "/domain/on_crash", "/domain/on_poweroff", "/domain/on_reboot",
)  # fmt: skip
MINIMAL = {
    "type": "qemu",
    "uuid": "5d3c2b1a-0000-4000-8000-000000000001",
    "memory": {"size": 512, "current": 512},
    "vcpu": {"count": 1},
    "devices": {
        "disks": [{"name": "root", "device": "disk", "claim": "root", "target": {"dev": "vda", "bus": "virtio"}}]
    },
}


@pytest.mark.parametrize(
    ("arch", "machine"),
    [("x86_64", "pc-q35-7.2"), ("x86_64", "pc-i440fx-7.2"), ("aarch64", "virt-7.2"), ("ppc64le", "pseries-7.2"),
     ("s390x", "s390-ccw-virtio-7.2"), ("riscv64", "virt")],
)  # fmt: skip
def test_capture_adds_what_libvirt_added_and_only_that(
    arch: str, machine: str, hypervisor: Hypervisor, golden: Callable[[Path, str], None]
) -> None:
    domain = {**MINIMAL, "os": {"type": {"os": "hvm", "arch": arch, "machine": machine}}}
    if arch == "x86_64":
        domain["os"]["firmware"] = "bios"
    kept = hypervisor.completed(render(domain, "vm"))
    captured = capture(domain, kept)
    assert captured.findings == []
    golden(HERE / "captured" / f"{arch}-{machine}.txt", "".join(f"{place}\n" for place in captured.added))
    left = [line for line in differences(render(captured.domain, "vm"), kept) if not line.startswith(GOALS)]
    assert left == []
    assert capture(captured.domain, kept).added == []


def test_capture_moves_nothing_that_is_stored(hypervisor: Hypervisor, complete: Complete) -> None:
    domain = complete({"features": {"system": {"type": "linux"}, "network": [{"source": "net"}]}})
    other = yaml.safe_load(yaml.safe_dump(domain))
    other["devices"]["interfaces"][0]["model"] = "e1000e"
    captured = capture(domain, hypervisor.completed(render(other, "vm")))
    assert captured.domain == domain
    assert [finding.path for finding in captured.findings] == ["spec.domain.devices.interfaces[0].model"]
