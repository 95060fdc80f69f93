"""Through the hook no device that stays is found elsewhere by the guest, whatever is done to the VM.

The judge is KubeVirt's own code with the real libvirt, the hook before each of its three definitions. The same edits as
KubeVirt makes them, and with places chosen alone, show that it would find what moves.
"""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubevirt.edits import edited, machine, on_arm64
from tests.kubevirt.frozen import GATES, Life
from tests.kubevirt.guest_places import Places, moved, places
from tests.kubevirt.histories import History
from tests.kubevirt.kubevirt import KubeVirt
from tests.kubevirt.launcher import Hook, boot
from tests.oracle.hypervisor import Hypervisor
from webhook.kubevirt.hook import restate
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

HERE = Path(__file__).parent
EDITS = yaml.safe_load((HERE / "edits.yaml").read_text())
HARDER = yaml.safe_load((HERE / "harder.yaml").read_text())["rows"]
# So many edits a history; of every so manieth it is counted what moves without the hook.
STEPS, COUNTED, PARTS = 3, 5, 10


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seeds" in metafunc.fixturenames:
        size = metafunc.config.getoption("--histories") // PARTS
        parts = [range(part * size, (part + 1) * size) for part in range(PARTS)]
        metafunc.parametrize("seeds", parts, ids=[f"{part.start}-{part.stop}" for part in parts])


class Starts:
    """Where the guest of a VM finds its devices at a start."""

    def __init__(self, kubevirt: KubeVirt, hypervisor: Hypervisor) -> None:
        self.kubevirt, self.hypervisor = kubevirt, hypervisor

    def places(self, vm: Tree, hook: Hook | None = None, objects: list[Tree] | None = None) -> Places:
        return places(boot(self.kubevirt, self.hypervisor, vm, hook, gates=GATES, objects=objects or []))

    def moved(self, site: Site, hook: Hook | None, *manifests: Tree) -> list[str]:
        """What has another place in the last of these manifests of one VM than in the first."""
        life = Life(self.kubevirt, site)
        found = []
        for manifest in manifests:
            life.store(manifest)
            assert life.stored is not None
            found.append(self.places(life.stored, hook))
        return moved(found[0], found[-1])


@pytest.fixture(scope="session")
def starts(kubevirt: KubeVirt, hypervisor: Hypervisor) -> Starts:
    return Starts(kubevirt, hypervisor)


HOOKED = Site(hook=True)


@pytest.mark.parametrize("row", EDITS["edits"], ids=lambda row: row["title"])
def test_no_edit_moves_anything(starts: Starts, row: dict[str, Any]) -> None:
    base = EDITS["base"]
    manifest = machine(base["cards"], tuple(base["disks"]), **base["devices"])
    assert starts.moved(HOOKED, restate, manifest, edited(manifest, *row["edits"])) == []


@pytest.mark.parametrize("row", HARDER, ids=lambda row: row["title"])
def test_nothing_harder_moves_anything(starts: Starts, row: dict[str, Any]) -> None:
    manifest = machine(1, tuple(row.get("disks", ["virtio"])), **row.get("devices", {}))
    if row.get("arm64"):
        manifest = on_arm64(manifest)
    later = edited(manifest, *row["edits"])
    assert len(moved(starts.places(manifest), starts.places(later))) == row["plain"]
    assert len(starts.moved(Site(), None, manifest, later)) == row["chosen"]
    assert starts.moved(HOOKED, restate, manifest, later) == []
    assert starts.moved(HOOKED, restate, later, manifest, later, manifest) == []


@pytest.mark.thorough
def test_nothing_moves_over_a_history(starts: Starts, seeds: range) -> None:
    counts: Counter[str] = Counter()
    for seed in seeds:
        history, life = History(seed), Life(starts.kubevirt, HOOKED)
        plain = copy.deepcopy(history.vm)
        # Every other VM was there before the hook: its first places are those that KubeVirt gave it.
        was_before = seed % 2 == 1
        if was_before:
            life.site = Site()
        life.store(history.vm)
        assert life.stored is not None
        first = starts.places(life.stored, None if was_before else restate)
        life.site = HOOKED
        edits = []
        for each in history.edits(STEPS):
            edits.append(each)
            assert life.store(history.vm) == (), (seed, edits)
        assert moved(first, starts.places(life.stored, restate)) == [], (seed, edits)
        counts["devices"] += len(first)
        if seed % COUNTED == 0:
            later = edited(plain, *edits)
            counts["plain"] += len(moved(starts.places(plain), starts.places(later)))
            counts["chosen"] += len(starts.moved(Site(), None, plain, later))
    print(dict(counts))
    assert counts["plain"] > counts["chosen"]


def test_the_first_start_is_the_same_without_a_hook(starts: Starts) -> None:
    for seed in range(20):
        life = Life(starts.kubevirt, HOOKED)
        life.store(History(seed).vm)
        assert life.stored is not None
        assert starts.places(life.stored, restate) == starts.places(life.stored), seed


def test_a_preferences_other_bus_moves_nothing_through_the_hook(starts: Starts) -> None:
    preference: Tree = {
        "apiVersion": "instancetype.kubevirt.io/v1beta1",
        "kind": "VirtualMachineClusterPreference",
        "metadata": {"name": "any"},
        "spec": {"devices": {"preferredDiskBus": "virtio", "preferredRng": {}}},
    }
    manifest = machine(1, ("virtio", "virtio"))
    for entry in manifest["spec"]["template"]["spec"]["domain"]["devices"]["disks"]:
        entry["disk"] = {}
    manifest["spec"]["preference"] = {"name": "any"}
    life = Life(starts.kubevirt, Site(find=lambda *_: preference, hook=True), [preference])
    life.store(manifest)
    assert life.stored is not None
    first = starts.places(life.stored, restate, [preference])
    plain = starts.places(manifest, None, [preference])
    preference["spec"]["devices"] = {"preferredDiskBus": "sata", "preferredAutoattachMemBalloon": False}
    life.store(manifest)
    assert moved(first, starts.places(life.stored, restate, [preference])) == []
    assert moved(plain, starts.places(manifest, None, [preference])) != []


def test_a_gpu_of_an_instance_type_moves_nothing_through_the_hook(starts: Starts) -> None:
    kind: Tree = {
        "apiVersion": "instancetype.kubevirt.io/v1beta1",
        "kind": "VirtualMachineClusterInstancetype",
        "metadata": {"name": "big"},
        "spec": {"cpu": {"guest": 2}, "memory": {"guest": "4Gi"}},
    }
    manifest = machine(1, ("virtio",), rng={})
    template = manifest["spec"]["template"]["spec"]
    del template["domain"]["cpu"], template["domain"]["memory"]
    manifest["spec"]["instancetype"] = {"name": "big"}
    life = Life(starts.kubevirt, Site(find=lambda *_: kind, hook=True), [kind])
    life.store(manifest)
    assert life.stored is not None
    first = starts.places(life.stored, restate, [kind])
    kind["spec"]["gpus"] = [{"name": "gpu", "deviceName": "vendor/gpu"}]
    found = starts.places(life.stored, restate, [kind])
    assert "hostdev gpu-gpu" in found
    assert moved(first, found) == []


@pytest.mark.parametrize("version", ["v1.9.0", "v1.7.1", "v1.5.0"])
def test_places_are_held_whatever_kubevirt_does_with_root_ports(starts: Starts, version: str) -> None:
    """A KubeVirt that places every device anew is told each place, too."""
    manifest = machine(6, ("virtio", "sata", "virtio"), rng={})
    later = edited(manifest, {"disk": "new", "bus": "virtio", "at": 0}, {"card": "more", "at": 0})
    assert starts.moved(Site(version=version, hook=True), restate, manifest, later) == []
