"""A fleet of VMs as they stand in a cluster for years: reproducible, by a number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.kubevirt.edits import devices_of
from tests.kubevirt.histories import History
from tests.kubevirt.kubevirt import KubeVirt
from webhook.trees import Tree

GATES = ["GPU"]
MEMORY = ("1Gi", "2Gi", "2049Mi", "4Gi", "8000M")
_VERSION = "instancetype.kubevirt.io/v1beta1"
SMALL: Tree = {
    "apiVersion": _VERSION,
    "kind": "VirtualMachineClusterInstancetype",
    "metadata": {"name": "small"},
    "spec": {"cpu": {"guest": 1}, "memory": {"guest": "2Gi"}},
}
LARGE: Tree = {
    "apiVersion": _VERSION,
    "kind": "VirtualMachineClusterInstancetype",
    "metadata": {"name": "large"},
    "spec": {
        "cpu": {"guest": 4},
        "memory": {"guest": "16Gi"},
        "gpus": [{"name": "screen", "deviceName": "vendor/screen"}],
    },
}
WINDOWS: Tree = {
    "apiVersion": _VERSION,
    "kind": "VirtualMachineClusterPreference",
    "metadata": {"name": "windows"},
    "spec": {
        "devices": {
            "preferredDiskBus": "virtio",
            "preferredInterfaceModel": "e1000",
            "preferredAutoattachInputDevice": True,
            "preferredInputBus": "virtio",
        }
    },
}
OBJECTS = [SMALL, LARGE, WINDOWS]


@dataclass
class Member:
    """One VM as its owner wrote it; `runs`: its guest runs while the cluster is upgraded."""

    seed: int
    manifest: Tree
    runs: bool
    stored: Tree = field(default_factory=dict)

    def store(self, kubevirt: KubeVirt) -> None:
        """As that KubeVirt stores it."""
        said = kubevirt.admit(self.manifest, gates=GATES, objects=OBJECTS)
        assert said.refused == []
        assert said.vm is not None
        self.stored = {**said.vm, "status": {"created": self.runs}}


def fleet(number: int) -> Iterator[Member]:
    """So many VMs, each with three changes behind it."""
    for seed in range(number):
        history = History(seed)
        for _ in history.edits(3):
            pass
        chance = random.Random(f"fleet {seed}")
        _vary(history.vm, chance)
        history.vm["metadata"]["name"] = f"vm-{seed}"
        yield Member(seed, history.vm, runs=chance.random() < 0.6)


def _vary(vm: Tree, chance: random.Random) -> None:
    """What a history has none of: memory by all ways to say it, conventional cards, console and hot-plug turned off."""
    domain, devices = vm["spec"]["template"]["spec"]["domain"], devices_of(vm)
    amount = chance.choice(MEMORY)
    ways: list[Any] = [{"memory": {"guest": amount}}, {"resources": {"requests": {"memory": amount}}}]
    ways += [{"resources": {"limits": {"memory": amount}, "requests": {"memory": "1Gi"}}, "memory": {"guest": "1Gi"}}]
    del domain["memory"]
    if chance.random() < 0.2:
        vm["spec"]["instancetype"] = {"name": chance.choice(("small", "large"))}
        del domain["cpu"]
        devices.pop("gpus", None)
    else:
        domain |= chance.choice(ways)
    if chance.random() < 0.2:
        vm["spec"]["preference"] = {"name": "windows"}
        for disk in devices["disks"]:
            if chance.random() < 0.5:
                disk["disk"] = {}
    for card in devices["interfaces"]:
        if chance.random() < 0.05:
            card["model"] = chance.choice(("e1000", "rtl8139"))
    if chance.random() < 0.1:
        devices["autoattachSerialConsole"] = False
    if chance.random() < 0.1:
        devices["disableHotplug"] = True
    if chance.random() < 0.05:
        domain["firmware"] = {"bootloader": {"efi": {"secureBoot": False}}}
