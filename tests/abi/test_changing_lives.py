"""Random lives of VMs whose words change: by features, by the domain, accepted where they break the guest.

Whatever passes: what stays is where it was, the machine can be made again of its manifest, and to send it again is to
change nothing. Whatever is refused has a way out.
"""

from __future__ import annotations

import random
import re
from typing import Any

import orjson
import pytest

from tests.abi.life import GUEST, admitted, devices, digest_in, patched
from tests.abi.test_every_change import CLASSED, RECORDED
from webhook.abi.compare import differences
from webhook.declare.tree import copied
from webhook.findings import Refused
from webhook.trees import Tree

LIVES, STEPS, LARGEST = 40, 25, 200_000
ENTRIES = {
    "storage": [
        {"name": "root", "source": "root"},
        {"name": "root", "source": "root-2"},
        {"name": "data", "source": "data"},
        {"name": "data", "source": "data", "bootOrder": 1},
        {"name": "data", "source": "data", "interface": "virtio-scsi"},
        {"name": "cd", "type": "cdrom"},
        {"name": "cd", "type": "cdrom", "source": "iso"},
        {"name": "cd", "type": "cdrom", "source": "iso", "bootOrder": 1},
    ],
    "network": [
        {"name": "front", "source": "front"},
        {"name": "front", "source": "back"},
        {"name": "back", "source": "back", "model": "e1000e"},
        {"name": "boot", "source": "boot", "bootOrder": 1},
    ],
}
WORDS: dict[str, list[Any]] = {
    "memory": ["1Gi", "2Gi", "3Gi", 4096, "32Gi", None],
    "cpu": [{"count": 1}, {"count": 4}, {"count": 2, "max": 6}, {"topology": {"cores": 2}}, {"model": "Nehalem"}, None],
    "graphics": [True, False, "vnc", "spice", None],
    "balloon": [True, False, None],
    "rng": [True, False, None],
    "tpm": [True, False, None],
    "watchdog": [True, False, None],
    "sound": [True, False, None],
    "input": ["tablet", "mouse", "none", None],
    "numa": ["match-host", None],
}
DOMAIN: list[Tree] = [
    {"memory": {"current": "512Mi"}},
    {"memory": {"size": "3Gi"}},
    {"vcpu": {"current": 1}},
    {"goals": {"exclusiveCpus": True}},
    {"clockOffset": {"offset": "localtime"}},
    {"devices": {"memballoon": {"model": "none"}}},
    {"devices": {"memballoon": {"model": "virtio"}}},
    {"title": "web"},
]


class Life:
    """A VM, and the random changes of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.features: Tree = {**GUEST, "storage": [ENTRIES["storage"][0]], "network": [ENTRIES["network"][0]]}
        self.stored, _ = admitted({"features": copied(self.features)})
        self.passed = self.accepted = 0

    def step(self) -> None:
        """One change; what is refused with a digest is accepted half of the time."""
        features, domain = self.change()
        spec: Tree = {"features": features}
        if domain or self.random.random() < 0.5:
            spec = patched({**copied(self.stored), "features": features}, {"domain": domain})
        outcome = self.update(spec, "")
        digest = digest_in(outcome) if isinstance(outcome, Refused) else ""
        if digest and self.random.random() < 0.5:
            outcome = self.update(spec, digest)
        if isinstance(outcome, Refused):
            assert [str(finding) for finding in outcome.findings if not finding.help] == []
            # With a digest some problems come first that are looked for only where nothing else is wrong.
            assert digest_in(outcome) in ("", digest), outcome
            return
        (stored, warnings), accepted = outcome, bool(digest)
        self.compare(stored, warnings, accepted=accepted)
        self.features, self.stored = stored["features"], stored
        self.passed += 1
        self.accepted += accepted

    def update(self, spec: Tree, digest: str) -> tuple[Tree, list[str]] | Refused:
        """What becomes of the VM, or the refusal."""
        try:
            return admitted(copied(spec), self.stored, digest)
        except Refused as refused:
            return refused

    def change(self) -> tuple[Tree, Tree]:
        """Other words of one or two features, or of the domain, or of both."""
        features = copied(self.features)
        for _ in range(self.random.choice([0, 1, 1, 2])):
            feature = self.random.choice([*WORDS, *ENTRIES, *ENTRIES])
            if feature in ENTRIES:
                entry = self.random.choice(ENTRIES[feature])
                others = [each for each in features.get(feature, []) if each["name"] != entry["name"]]
                features[feature] = others if self.random.random() < 0.3 else [*others, dict(entry)]
                self.random.shuffle(features[feature])
            else:
                words = self.random.choice(WORDS[feature])
                features = patched(features, {feature: None})
                if words is not None:
                    features[feature] = words
        domain = self.random.choice(DOMAIN) if self.random.random() < 0.3 else {}
        return features, domain

    def compare(self, stored: Tree, warnings: list[str], *, accepted: bool) -> None:
        before, now = devices(self.stored), devices(stored)
        for name in before.keys() & now.keys():
            if not accepted:
                fields = ("address", "serial", "mac", "target", "model", "device")
                assert [before[name].get(one) for one in fields] == [now[name].get(one) for one in fields], name
        turns = [device["bootOrder"] for device in now.values() if device.get("bootOrder")]
        assert len(turns) == len(set(turns))
        told = [warning for warning in warnings if CLASSED.search(warning) or "guest-breaking: " in warning]
        if any(differences(self.stored["domain"], stored["domain"])):
            assert told
        elif stored["features"] != self.stored["features"]:
            assert any(RECORDED in warning for warning in warnings)
        assert ("guest-breaking: " in str(warnings)) == accepted
        assert len(orjson.dumps(stored)) < LARGEST
        again, _ = admitted(stored)
        assert again == stored, "created again from what is stored"
        again, _ = admitted(stored, stored)
        assert again == stored, "updated with what is stored"
        again, _ = admitted({"features": stored["features"]}, stored)
        assert again == stored, "updated with the features alone"


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(LIVES))
def test_whatever_passes_is_the_machine_that_it_says(seed: int) -> None:
    life = Life(seed)
    for _ in range(STEPS):
        life.step()
    assert life.passed > STEPS / 4


def test_lives_accept_changes_that_the_guest_may_not_survive() -> None:
    """The property would be empty otherwise."""
    life = Life(1)
    for _ in range(STEPS):
        life.step()
    assert life.accepted
    assert re.fullmatch("[0-9a-f]{32}", life.stored["abi"]["history"][0]["digest"])
