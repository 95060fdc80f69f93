"""Random lives of VMs: whatever is renamed, moved, added, removed and brought back, no device that stays is moved.

A life is made of a seed. What is refused is refused for a missing name, and passes once the names are written.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from tests.abi.life import GUEST, admitted, devices, seen
from webhook.declare.tree import copied
from webhook.findings import Refused
from webhook.trees import Tree

LIVES, STEPS = 30, 12
NETWORKS = ("front", "front-2", "back", "back-2")


@dataclass
class Entry:
    """An entry of a feature's list, and the name of the device that it is, once that is known."""

    feature: str
    said: Tree
    device: str = ""
    added: int = field(default=0)

    def named(self) -> Tree:
        """The entry with the name that a finding's help would say."""
        return {"name": self.device or f"new-{self.added}", **self.said}


class Life:
    """A VM and what is known of its devices."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0
        self.entries = [self.disk(), self.disk(), self.nic(), self.nic()]
        self.removed: list[Entry] = []
        self.stored, _ = admitted(self.spec(self.entries))
        self.known = {name: seen(device) for name, device in devices(self.stored).items()}
        for index, entry in enumerate(self.entries):
            kind = "disks" if entry.feature == "storage" else "interfaces"
            entry.device = self.stored["domain"]["devices"][kind][index % 2]["name"]

    def disk(self) -> Entry:
        """A disk or a drive, which may be empty."""
        self.count += 1
        said: Tree = {"type": self.random.choice(["disk", "disk", "cdrom"])}
        if said["type"] == "disk" or self.random.random() < 0.7:
            said["source"] = f"claim-{self.count}"
        if self.random.random() < 0.3:
            said["interface"] = "sata"
        return self._maybe_named("storage", said)

    def nic(self) -> Entry:
        """A NIC on one of a few networks."""
        self.count += 1
        return self._maybe_named("network", {"source": self.random.choice(NETWORKS)})

    def _maybe_named(self, feature: str, said: Tree) -> Entry:
        if self.random.random() < 0.3:
            said["name"] = f"own-{self.count}"
        return Entry(feature, said, added=self.count)

    def spec(self, entries: list[Entry], *, named: bool = False) -> Tree:
        """The features with these entries; the domain comes back with an update or not."""
        lists: dict[str, list[Tree]] = {"storage": [], "network": []}
        for entry in entries:
            lists[entry.feature].append({**entry.named(), **entry.said} if named else entry.said)
        return {"features": {**GUEST, **copied(lists)}}

    def step(self) -> None:
        """One change, which is admitted at once or with the names of all devices."""
        change = self.random.choice(
            [self.connect, self.connect, self.reorder, self.insert, self.remove, self.bring_back]
        )
        entries = [Entry(one.feature, dict(one.said), one.device, one.added) for one in self.entries]
        change(entries)
        if self.random.random() < 0.3:
            self.random.shuffle(entries)
        self.update(entries)

    def connect(self, entries: list[Entry]) -> None:
        """Another claim or network under a device, or an empty drive."""
        if not entries:
            return
        entry = self.random.choice(entries)
        self._tell_apart(entry, entries)
        self.count += 1
        if entry.feature == "network":
            entry.said["source"] = self.random.choice(NETWORKS)
        elif entry.said["type"] == "cdrom" and self.random.random() < 0.5:
            entry.said.pop("source", None)
        else:
            entry.said["source"] = f"claim-{self.count}"

    def reorder(self, entries: list[Entry]) -> None:
        """Another order."""
        self.random.shuffle(entries)

    def insert(self, entries: list[Entry]) -> None:
        """A new device, anywhere."""
        entries.insert(self.random.randint(0, len(entries)), self.random.choice([self.disk, self.nic])())

    def remove(self, entries: list[Entry]) -> None:
        """One device less."""
        if not entries:
            return
        entry = self.random.choice(entries)
        entries.remove(entry)
        for one in entries:
            self._tell_apart(one, [*entries, entry])

    def bring_back(self, entries: list[Entry]) -> None:
        """A device that was removed."""
        if self.removed:
            entries.insert(self.random.randint(0, len(entries)), self.random.choice(self.removed))

    def _tell_apart(self, entry: Entry, entries: list[Entry]) -> None:
        """Of entries that say the same nobody knows which is which: this one gets its name."""
        if any(one is not entry and one.feature == entry.feature and one.said == entry.said for one in entries):
            entry.said.setdefault("name", entry.device)

    def update(self, entries: list[Entry]) -> None:
        """Send the entries, and compare what is stored with what is known."""
        spec = self.spec(entries)
        if self.random.random() < 0.5:
            spec = {**copied(self.stored), **spec}
        try:
            stored, _ = admitted(spec, self.stored)
        except Refused as refused:
            problems = [finding.problem for finding in refused.findings]
            assert all(problem.startswith("has no name and may be ") for problem in problems), problems
            spec["features"] = self.spec(entries, named=True)["features"]
            stored, warnings = admitted(spec, self.stored)
            assert warnings or spec["features"] == self.stored["features"]
        self._compare(entries, stored)
        self.entries, self.stored = entries, stored
        self._written(entries)
        again, _ = admitted(stored)
        assert again == stored, "created again from what is stored"

    def _compare(self, entries: list[Entry], stored: Tree) -> None:
        now = devices(stored)
        staying = {entry.device for entry in entries if entry.device in now}
        assert staying == {entry.device for entry in entries if entry.device}, "a device that stays has its name"
        new = sorted(now.keys() - staying)
        fresh = [entry for entry in entries if not entry.device]
        assert len(new) == len(fresh)
        for entry, name in zip(fresh, new, strict=True):
            entry.device = name
            assert entry.said.get("name", name) == name
        for name, device in now.items():
            assert seen(device) == self.known.setdefault(name, seen(device)), name
        expected = sorted((entry.device, entry.said.get("source")) for entry in entries if entry.said.get("source"))
        assert self._connected(now) == expected
        gone = [entry for entry in self.entries if entry.device not in now]
        self.removed = [entry for entry in [*self.removed, *gone] if entry.device not in now]
        places = [
            str((one["address"], one["target"]["bus"] if one["address"].startswith("drive:") else ""))
            for one in now.values()
        ]
        assert len(set(places)) == len(places)

    def _written(self, entries: list[Entry]) -> None:
        """Half of the clients send what they read, with the names that the service wrote into the entries."""
        if self.random.random() < 0.5:
            return
        for feature in ("storage", "network"):
            ours = [entry for entry in entries if entry.feature == feature]
            before = [entry.said for entry in ours]
            for entry, said in zip(ours, self.stored["features"].get(feature, []), strict=True):
                if before.count(entry.said) > 1:
                    # Nothing tells these devices apart: either of the entries is either of them.
                    entry.device = said.get("name", entry.device)
                assert said == {"name": entry.device, **entry.said} or said == entry.said
                entry.said = copied(said)

    @staticmethod
    def _connected(now: dict[str, Tree]) -> list[tuple[str, str]]:
        pairs = ((name, one.get("claim") or one.get("network")) for name, one in now.items())
        return sorted((name, source) for name, source in pairs if source)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(LIVES))
def test_no_device_that_stays_is_moved(seed: int) -> None:
    life = Life(seed)
    for _ in range(STEPS):
        life.step()
