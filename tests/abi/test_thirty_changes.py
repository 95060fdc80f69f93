"""Random histories of thirty changes, in all the ways that clients send them, while the VM runs or not.

The VM has buses with few places. Whatever passes: what stays is where it was unless the change was accepted, what
returns comes home unless its place was given up, a place is given up only where none is free, and the stored object is
small, and makes the same machine again. Nothing is refused for want of a place while one is free.
"""

from __future__ import annotations

import random

import orjson
import pytest
import yaml

from tests.abi.life import Admitted, admit, devices, digest_in, patched, seen
from webhook.abi.tombstones import address_of
from webhook.declare.tree import copied
from webhook.findings import Refused
from webhook.trees import Tree

LIVES, STEPS, LARGEST = 24, 30, 200_000
# What a machine has places for: four drives on IDE, and on PCI some fifty disks and NICs, which some lives nearly fill.
IDE, PCI, BUSES = 4, 48, ("ide", "virtio", "virtio-scsi")
GUEST: Tree = {"memory": "2Gi", "system": {"type": "debian", "version": "12", "machine": "i440fx"}, "graphics": False}
OTHER_WORDS: list[Tree] = [
    {"memory": "3Gi"}, {"memory": "2Gi"}, {"cpu": {"count": 2}}, {"cpu": {"count": 4, "max": 8}}, {"rng": False},
    {"rng": True}, {"sound": True}, {"sound": False}, {"watchdog": True}, {"watchdog": False},
    {"cpu": {"model": "Nehalem"}},
]  # fmt: skip
OTHER_FIELDS: list[Tree] = [{"title": "web"}, {"memory": {"current": "512Mi"}}, {"vcpu": {"current": 1}}]


class History:
    """A VM, its owner's words, and what is known of every device that it ever had."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.number = self.passed = self.given = self.refused = 0
        crowd = self.random.choice([0, 0, 47])
        nics = [self.nic() for _ in range(2 + crowd)]
        self.words: Tree = {**GUEST, "storage": [self.disk() for _ in range(3)], "network": nics}
        # NICs that another manager has in the domain.
        self.extras: set[str] = set()
        self.stored = admit({"features": copied(self.words)}).spec
        # What each device was when it was last there, and what runs.
        self.known = {name: copied(device) for name, device in devices(self.stored).items()}
        self.current: Tree | None = None

    def disk(self) -> Tree:
        self.number += 1
        name = f"disk-{self.number}"
        return {"name": name, "source": name, "interface": self.random.choice(BUSES)}

    def nic(self) -> Tree:
        self.number += 1
        name = f"nic-{self.number}"
        return {"name": name, "source": name}

    def step(self) -> None:
        """The guest or its agent does something, or the owner changes something and sends it in one of the ways."""
        if self.random.random() < 0.2:
            self.run()
        words, fields = self.change()
        spec = self.random.choice([self.by_replace, self.by_update, self.by_patch, self.by_apply])(words, fields)
        made = self.send(spec)
        if made is None:
            self.refused += 1
            return
        self.compare(words, made)
        self.words, self.stored = made.spec["features"], made.spec
        self.passed += 1

    def run(self) -> None:
        """The VM starts, or stops, or its agent says that what was removed is gone."""
        if self.current is None:
            self.current = copied(self.stored["domain"])
        elif self.random.random() < 0.3:
            self.current = None
        else:
            there = devices(self.stored)
            for kind in ("disks", "interfaces"):
                running = self.current["devices"].get(kind, [])
                self.current["devices"][kind] = [one for one in running if one["name"] in there]

    def change(self) -> tuple[Tree, Tree]:
        """Other words, or other fields of the domain: devices come, go, come back, and are connected elsewhere."""
        words = copied(self.words)
        for _ in range(self.random.choice([1, 1, 2, 3])):
            kind, make = self.random.choice([("storage", self.disk), ("storage", self.disk), ("network", self.nic)])
            entries = words.setdefault(kind, [])
            there = {entry["name"] for entry in entries}
            gone = [
                one
                for one in self.known
                if one not in there | self.extras and one.startswith("disk") == (kind == "storage")
            ]
            act = self.random.choice(["add", "add", "remove", "remove", "return", "connect", "words"])
            if act == "add":
                entries.insert(self.random.randint(0, len(entries)), make())
            elif act == "remove" and entries:
                entries.remove(self.random.choice(entries))
            elif act == "return" and gone:
                name = self.random.choice(gone)
                entries.append({"name": name, "source": name, **self.on_bus(self.known[name])})
            elif act == "connect" and entries:
                self.random.choice(entries)["source"] = f"other-{self.random.randint(1, 9)}"
            elif act == "words":
                words |= copied(self.random.choice(OTHER_WORDS))
        return words, self.random.choice(OTHER_FIELDS) if self.random.random() < 0.15 else {}

    @staticmethod
    def on_bus(device: Tree) -> Tree:
        """The word for the bus that a disk was on."""
        bus = device.get("target", {}).get("bus")
        return {} if bus is None else {"interface": "virtio-scsi" if bus == "scsi" else bus}

    def by_replace(self, words: Tree, fields: Tree) -> Tree:
        """`kubectl replace` of the owner's own file, which has no domain but for what he says there."""
        return {"features": words, **({"domain": copied(fields)} if fields else {})}

    def by_update(self, words: Tree, fields: Tree) -> Tree:
        """A controller that read the object, changed it and sends all of it."""
        return patched({**copied(self.stored), "features": words}, {"domain": copied(fields)})

    def by_patch(self, words: Tree, fields: Tree) -> Tree:
        """A merge patch: what it does not name stays as it is stored."""
        names = words.keys() | self.words.keys()
        changed = {name: words.get(name) for name in names if words.get(name) != self.words.get(name)}
        return patched(copied(self.stored), {"features": changed, "domain": copied(fields)})

    def by_apply(self, words: Tree, fields: Tree) -> Tree:
        """Server-side apply of the owner's words, and of another manager's NICs in the domain, merged by name.

        What either no longer says of its own goes.
        """
        spec = copied(self.stored)
        spec["features"] = words
        for name, value in fields.items():
            spec["domain"][name] = {**spec["domain"].get(name, {}), **value} if type(value) is dict else value
        nics: list[Tree] = spec["domain"]["devices"].setdefault("interfaces", [])
        act = self.random.choice(["", "add", "remove", "link"])
        if act == "add":
            self.number += 1
            nics.append({"name": f"nic-{self.number}", "network": "others"})
        elif act == "remove" and self.extras:
            gone = self.random.choice(sorted(self.extras))
            spec["domain"]["devices"]["interfaces"] = [nic for nic in nics if nic["name"] != gone]
        elif act == "link" and self.extras:
            for nic in nics:
                nic |= {"link": "down"} if nic["name"] in self.extras else {}
        return spec

    def send(self, spec: Tree) -> Admitted | None:
        """What becomes of it, accepted where that needs a digest; None where it is refused."""
        time = f"2026-01-{1 + self.passed:02}T00:00:00Z"
        try:
            return admit(spec, self.stored, current=self.current, time=time)
        except Refused as refused:
            digest = digest_in(refused)
            if not digest:
                self.full(spec, refused)
                return None
        try:
            return admit(spec, self.stored, digest, self.current, time)
        except Refused as refused:
            self.full(spec, refused)
            return None

    def full(self, spec: Tree, refused: Refused) -> None:
        """A refusal has a way out, and is for want of a place only where what is there or runs has all of them."""
        assert [str(finding) for finding in refused.findings if not finding.help] == []
        assert {finding.rule for finding in refused.findings} <= {"address", "conflict", "storage"}, refused
        problems = " ".join(finding.problem for finding in refused.findings)
        on = self.wanted(spec)
        if "more than the 4 drives" in problems:
            assert list(on.values()).count("ide") > IDE, refused
        if "no free PCI place" in problems:
            assert list(on.values()).count("virtio") > PCI, refused

    def wanted(self, spec: Tree) -> dict[str, str]:
        """The bus of each device that this spec has, or that runs."""
        on = {entry["name"]: entry.get("interface", "virtio") for entry in spec["features"].get("storage", ())}
        on |= {entry["name"]: "virtio" for entry in spec["features"].get("network", ())} | dict.fromkeys(
            self.extras, "virtio"
        )
        for name, device in devices({"domain": self.current or {"devices": {}}}).items():
            on.setdefault(name, device.get("target", {}).get("bus", "virtio"))
        return on

    def compare(self, words: Tree, made: Admitted) -> None:
        before, now = devices(self.stored), devices(made.spec)
        asked = {entry["name"] for kind in ("storage", "network") for entry in words.get(kind, ())}
        assert now.keys() >= asked
        assert {name: one.get("network") for name, one in now.items() if name not in asked} == dict.fromkeys(
            now.keys() - asked, "others"
        )
        gave = {told.partition("[")[2].partition("]")[0] for told in made.told if "gives its place" in told}
        self.given += len(gave)
        resting, were = (
            devices({"domain": {"devices": one["abi"].get("tombstones", {})}}) for one in (made.spec, self.stored)
        )
        for name, device in now.items():
            if name in before:
                assert self.place(device) == self.place(before[name]), f"{name} moved"
            elif name in were and "address" in were[name]:
                assert self.place(device) == self.place(self.known[name]), f"{name} did not come home"
            elif name in self.known:
                assert all(device.get(one) == self.known[name].get(one) for one in ("serial", "mac"))
        self.kept(now, resting, gave)
        running = {} if self.current is None else devices({"domain": self.current})
        for name, device in running.items():
            others = {address_of(one) for other, one in now.items() if other != name and other not in before}
            assert address_of(device) not in others, f"{name} still runs"
        # A list that the domain alone had and that is empty now is not stored.
        assert made.again == [] or "interfaces" not in made.spec["domain"]["devices"]
        assert len(orjson.dumps(made.spec)) < LARGEST
        again = yaml.safe_load(yaml.safe_dump(made.spec))
        assert admit(again).spec == made.spec, "created again from its YAML"
        assert admit(copied(made.spec), made.spec, current=self.current).spec == made.spec, "sent again"
        self.extras = {name for name, one in now.items() if one.get("network") == "others"}
        self.known |= {name: copied(device) for name, device in now.items()}

    def kept(self, now: Tree, resting: Tree, gave: set[str]) -> None:
        """No two devices have a place, there or at rest; one that rests lacks it only where all others are taken."""
        places = [address_of(one) for one in (*now.values(), *resting.values()) if address_of(one)]
        assert len(places) == len(set(places))
        if gave & {name for name in resting if resting[name].get("target", {}).get("bus") == "ide"}:
            there = [one for one in now.values() if one.get("target", {}).get("bus") == "ide"]
            still = [one for one in resting.values() if one.get("target", {}).get("bus") == "ide" and "address" in one]
            assert len(there) + len(still) == IDE, "a place was free"

    @staticmethod
    def place(device: Tree) -> Tree:
        return {name: value for name, value in seen(device).items() if name != "bootOrder"}


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(LIVES))
def test_a_history_of_thirty_changes(seed: int) -> None:
    history = History(seed)
    for _ in range(STEPS):
        history.step()
    assert history.passed > STEPS / 3, history.refused


@pytest.mark.thorough
def test_histories_give_places_up_and_run() -> None:
    """The property would be empty otherwise."""
    histories = [History(seed) for seed in range(4)]
    for history in histories:
        for _ in range(STEPS):
            history.step()
    assert sum(history.given for history in histories) > 0
    assert sum(history.refused for history in histories) > 0
    assert any(history.current is not None for history in histories)
