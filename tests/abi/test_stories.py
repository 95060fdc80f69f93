"""What becomes of devices when their entries change, as stories: a device is who it is by its stored name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.abi.life import GUEST, admitted, devices, seen
from webhook.findings import Refused

STORIES = yaml.safe_load((Path(__file__).parent / "cases" / "stories.yaml").read_text())
Tree = dict[str, Any]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["title"])
def test_a_story_goes_as_it_is_told(story: Tree) -> None:
    stored, _ = admitted({"features": {**GUEST, **story["first"]}, **_domain(story)})
    known = devices(stored)
    for update in story["updates"]:
        lists = {name: update[name] for name in ("storage", "network") if name in update}
        spec = {"features": {**stored["features"], **lists}, **_domain(update)}
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
        if "tells" in update:
            assert [warning.partition(": ")[2] for warning in warnings] == update["tells"]
        again, _ = admitted(stored)
        assert again == stored, "created again from what is stored"


def _domain(part: Tree) -> Tree:
    return {"domain": part["domain"]} if "domain" in part else {}
