"""A VM that is created again as it was stored, from a backup or to be rendered, is the machine that it was."""

from __future__ import annotations

import pytest

from tests.abi.life import admitted
from webhook.trees import Tree

BASE: Tree = {"system": {"type": "rhel", "version": "9"}, "cpu": {"count": 2}, "storage": [{"source": "root"}]}
# The memory of a VM, then what it becomes.
MEMORY = [("512Gi", "4Gi"), ("512Gi", "256Gi"), ("200Gi", "512Gi"), ("4Gi", "16Gi"), ("4Gi", "1Gi"), ("600Gi", "2Gi")]


@pytest.mark.parametrize(("before", "after"), MEMORY)
def test_its_room_for_memory_is_what_it_was(before: str, after: str) -> None:
    stored, _ = admitted({"features": {**BASE, "memory": before}})
    changed, _ = admitted({"features": {**BASE, "memory": after}}, stored)
    assert changed["domain"].get("maxmemory") == stored["domain"].get("maxmemory")
    again, _ = admitted(changed)
    assert again["domain"] == changed["domain"]
