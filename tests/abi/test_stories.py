"""What becomes of devices when their entries change, as stories: a device is who it is by its stored name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.abi.life import GUEST, admitted, devices, seen
from webhook.expand.matching import Stored, matched
from webhook.expand.wanted import wanted_by
from webhook.features.contribution import Contribution, one
from webhook.findings import Refused
from webhook.trees import Tree

STORIES = yaml.safe_load((Path(__file__).parent / "cases" / "stories.yaml").read_text())


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["title"])
def test_a_story_goes_as_it_is_told(story: Tree) -> None:
    stored, _ = admitted({"features": {**GUEST, **story["first"]}, **_parts(story)})
    known = devices(stored)
    for update in story["updates"]:
        said = {name: update[name] for name in ("storage", "network", "cpu") if name in update}
        spec = {"features": {**stored["features"], **said}, **_parts({**story, "domain": None, **update})}
        if "refused" in update:
            with pytest.raises(Refused) as refused:
                admitted(spec, stored)
            assert [part for part in update["refused"] if part not in str(refused.value)] == []
            continue
        stored, warnings = admitted(spec, stored)
        now = devices(stored)
        assert {name: one.get("claim") or one.get("network") for name, one in now.items()} == update["is"]
        for name, device in now.items():
            assert seen(device) == seen(known.setdefault(name, device)), name
        assert {name: stored["features"][name] for name in update.get("features", {})} == update.get("features", {})
        if "tells" in update:
            assert [_without_class(warning.partition(": ")[2]) for warning in warnings] == update["tells"]
        again, _ = admitted(stored)
        assert again == stored, "created again from what is stored"


def _without_class(told: str) -> str:
    """A warning without what the change is for the guest, which tests/abi/test_changes.py looks at."""
    return re.sub(r" \((none|hotplug|reboot|guest-breaking): .*\)$", "", told)


def _parts(told: Tree) -> Tree:
    return {name: told[name] for name in ("domain", "abi") if told.get(name)}


def test_lists_with_too_much_to_compare_want_names() -> None:
    before = wanted_by(_disk(index, f"old-{index}") for index in range(200))
    after = wanted_by(_disk(index, f"new-{index}") for index in range(200))
    stored = Stored({"disks": [{"name": each.name, **each.asked} for each in before["disks"]]}, {}, before)
    with pytest.raises(Refused, match=r"spec\.features\.storage: has too many entries without a name"):
        matched(after, stored)


def _disk(index: int, claim: str) -> Contribution:
    device = {"name": claim, "claim": claim, "device": "disk"}
    return Contribution(f"spec.features.storage[{index}]", one("disks", device), {}, "", claim)


def test_a_card_that_was_granted_something_goes_to_no_other_network() -> None:
    stored, _ = admitted({"features": {**GUEST, "network": [{"source": "front"}, {"source": "back"}]}})
    stored["domain"]["devices"]["interfaces"][0]["vlan"] = {"tags": [{"id": 7}]}
    for entry in ({"source": "other"}, {"name": "front", "source": "other"}, {"type": "pod"}):
        moved = {**stored, "features": {**GUEST, "network": [entry, {"source": "back"}]}}
        with pytest.raises(Refused, match="was granted to a device whose `network` was another"):
            admitted(moved, stored)
    for network in ([{"source": "back"}], [{"source": "front"}, {"source": "back-2"}]):
        admitted({**stored, "features": {**GUEST, "network": network}}, stored)
