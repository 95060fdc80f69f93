"""A VM that ran before the hook keeps the places that it has: from the dump of its launcher's domain.

The judge is KubeVirt's own code with the real libvirt. The places are those of each way in which KubeVirt has reserved
root ports, and no other part of this service needs to be there.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.kubevirt.edits import edited, machine, on_arm64
from tests.kubevirt.frozen import GATES, Life
from tests.kubevirt.guest_places import Places, moved, places
from tests.kubevirt.histories import History
from tests.kubevirt.kubevirt import KubeVirt
from tests.kubevirt.launcher import Hook, boot
from tests.oracle.hypervisor import Hypervisor
from webhook.findings import Refused
from webhook.kubevirt.captured import capture
from webhook.kubevirt.hook import restate
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

DOG = {"name": "dog", "i6300esb": {"action": "reset"}}


class Runs:
    """What a VM runs as."""

    def __init__(self, kubevirt: KubeVirt, hypervisor: Hypervisor) -> None:
        self.kubevirt, self.hypervisor = kubevirt, hypervisor

    def xml(self, vm: Tree, hook: Hook | None = None) -> str:
        return boot(self.kubevirt, self.hypervisor, vm, hook, gates=GATES)

    def places(self, vm: Tree) -> Places:
        """With the hook."""
        return places(self.xml(vm, restate))

    def captured(self, vm: Tree) -> Tree:
        """The VM with the hardware that it runs with."""
        return annotated(vm, {ANNOTATION: capture(vm, self.xml(vm)).text()})


def annotated(vm: Tree, annotations: Tree) -> Tree:
    made = copy.deepcopy(vm)
    made["spec"]["template"].setdefault("metadata", {}).setdefault("annotations", {}).update(annotations)
    return made


@pytest.fixture(scope="session")
def runs(kubevirt: KubeVirt, hypervisor: Hypervisor) -> Runs:
    return Runs(kubevirt, hypervisor)


@pytest.mark.parametrize("slots", [0, 4, 12], ids=["no port reserved", "as in 1.5", "as a large machine of 1.6"])
def test_a_vm_of_any_topology_keeps_its_places_through_the_hook_alone(runs: Runs, slots: int) -> None:
    for seed in range(12):
        history = History(seed)
        vm = annotated(history.vm, {"kubevirt.io/pci-interface-slot-count": str(slots)})
        before = places(runs.xml(vm))
        known = runs.captured(vm)
        # A newer KubeVirt reserves other ports.
        known["spec"]["template"]["metadata"]["annotations"].pop("kubevirt.io/pci-interface-slot-count")
        assert moved(before, runs.places(known)) == []
        later = edited(known, *history.edits(3))
        assert moved(before, runs.places(later)) == [], seed


def test_what_is_captured_is_kept_where_vms_are_written_through_the_service_too(runs: Runs) -> None:
    for seed in range(12, 24):
        history, life = History(seed), Life(runs.kubevirt, Site(hook=True))
        before = places(runs.xml(history.vm))
        life.stored = runs.captured(history.vm)
        for _ in history.edits(3):
            assert life.store(history.vm) == (), seed
        assert moved(before, runs.places(life.stored)) == [], seed


MACHINES = {
    "no graphics": machine(1, ("virtio", "sata"), autoattachGraphicsDevice=False, rng={}),
    "a bridge with much behind it": machine(
        2, ("sata",) * 8, watchdog=DOG, sound={"name": "music", "model": "ac97"}, rng={}
    ),
    "a hub": machine(1, ("usb",) * 5, inputs=[{"name": "tablet", "type": "tablet", "bus": "usb"}]),
    "transitional devices": machine(2, ("virtio", "scsi"), useVirtioTransitional=True, rng={}),
    "arm64": on_arm64(machine(2, ("virtio", "scsi"), rng={})),
    "no root ports": annotated(machine(2, ("virtio",), rng={}), {"kubevirt.io/placePCIDevicesOnRootComplex": "true"}),
}


@pytest.mark.parametrize("vm", MACHINES.values(), ids=MACHINES)
def test_a_machine_that_no_place_is_chosen_for_keeps_its_own(runs: Runs, vm: Tree) -> None:
    before = places(runs.xml(vm))
    known = runs.captured(vm)
    assert runs.places(known) == before
    more: list[dict[str, Any]] = [{"disk": "new", "bus": "virtio", "at": 0}, {"card": "blue", "at": 0}]
    later = edited(known, *more, {"set": {"autoattachMemBalloon": False}})
    assert moved(before, runs.places(later)) == []
    assert moved(before, places(runs.xml(edited(vm, *more, {"set": {"autoattachMemBalloon": False}})))) != []


def test_the_dump_of_another_vm_is_refused(runs: Runs) -> None:
    other = machine(1, ("virtio",))
    dump = runs.xml(edited(other, {"drop": "disk0"}, {"drop": "net0"}, {"disk": "own", "bus": "virtio"}))
    with pytest.raises(Refused, match="has none of the VM's disks and network cards"):
        capture(other, dump)


@pytest.mark.parametrize(
    ("was", "becomes", "problem"),
    [
        ("chassis='3'", "chassis='9'", "has target `chassis` `9` and not `3`"),
        ("model='pcie-root-port'", "model='pcie-expander-bus'", "is a PCI controller that no hook makes"),
        ("<model name='pcie-root-port'/>", "<model name='ioh3420'/>", "has model `name` `ioh3420` and not"),
        ("<address type='usb' bus='0' port='1'/>", "", "has no address"),
        ("<domain ", "<network ", "is no"),
    ],
)
def test_what_a_hook_cannot_make_again_is_refused(runs: Runs, was: str, becomes: str, problem: str) -> None:
    vm = machine(1, ("virtio", "usb"))
    dump = runs.xml(vm)
    assert was in dump
    with pytest.raises(Refused, match=problem):
        capture(
            vm, dump.replace(was, becomes).replace("</domain>", "</network>" if "network" in becomes else "</domain>")
        )
