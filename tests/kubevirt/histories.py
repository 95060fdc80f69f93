"""Random machines of KubeVirt's, and what their owners do to them: reproducible, by a number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.kubevirt.edits import Edit, devices_of, edit, machine
from webhook.trees import Tree

BUSES = ("virtio", "virtio", "virtio", "sata", "scsi", "usb")
MOST_DISKS, MOST_CARDS = 20, 8
WATCHDOG = {"name": "dog", "i6300esb": {"action": "reset"}}


@dataclass
class History:
    """A manifest as its owner has it; `edits` are made to it in turn, and to nothing else."""

    seed: int
    vm: Tree = field(init=False)
    _random: random.Random = field(init=False)
    _number: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        chance = self._random.random
        fields: Tree = {"rng": {}} if chance() < 0.5 else {}
        if chance() < 0.2:
            fields["watchdog"] = WATCHDOG
        if chance() < 0.5:
            fields["inputs"] = [{"name": "tablet", "type": "tablet", "bus": self._random.choice(("usb", "virtio"))}]
        disks = tuple(self._random.choice(BUSES) for _ in range(self._random.randint(1, 12)))
        self.vm = machine(self._random.randint(0, MOST_CARDS), disks, **fields)

    def edits(self, number: int) -> Iterator[Edit]:
        """So many edits, each made to the manifest before it is told."""
        for _ in range(number):
            asked = self._edit()
            edit(self.vm, asked)
            yield asked

    def _edit(self) -> Edit:
        devices = devices_of(self.vm)
        disks = [each["name"] for each in devices["disks"]]
        cards = [each["name"] for each in devices["interfaces"]]
        pick = self._random.choice
        possible: list[Edit] = [
            {"reverse": "disks"},
            {"reverse": "interfaces"},
            {"memory": pick(("1Gi", "2Gi", "8Gi"))},
            {"cores": self._random.randint(1, 8)},
            {"set": {"tpm": None if "tpm" in devices else {}}},
            {"set": {"rng": None if "rng" in devices else {}}},
            {"set": {"watchdog": None if "watchdog" in devices else WATCHDOG}},
            {"set": {"autoattachMemBalloon": pick((None, False))}},
            {"set": {"autoattachGraphicsDevice": pick((None, False))}},
            {"set": {"sound": pick((None, {"name": "music"}, {"name": "music", "model": "ac97"}))}},
            {"set": {"gpus": pick((None, [{"name": "gpu", "deviceName": "vendor/gpu"}]))}},
        ]
        if disks:
            possible += [{"drop": pick(disks)}] * 4 + [{"boot": pick(disks)}]
        if cards:
            possible += [{"drop": pick(cards)}] * 3
        if len(disks) < MOST_DISKS:
            possible += [{"disk": self._new("disk"), "bus": pick(BUSES), "at": self._at(disks)}] * 6
        if len(cards) < MOST_CARDS:
            possible += [{"card": self._new("net"), "at": self._at(cards)}] * 4
        return pick(possible)

    def _new(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}"

    def _at(self, entries: list[str]) -> int:
        return self._random.randint(0, len(entries))
