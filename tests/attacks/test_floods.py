"""Small manifests that would become great ones: each is answered at once, with little, and nothing grows.

Nobody else is served meanwhile, so that the time of one answer is the time that everybody waits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.attacks.manifests import Tree, manifest
from tests.attacks.wire import Wire
from webhook.domain.devices import KINDS as DEVICES

Of = Callable[[str], Wire]
FEATURES: Tree = {"memory": "2Gi", "system": {"type": "debian", "version": "12"}}
MANY = 4000
# The API server waits three seconds, for all webhooks together ten; a machine takes some milliseconds.
SECONDS = 1.0
LONGEST_MESSAGE = 16 * 1024
# Bytes that are added to a manifest; a machine with all its devices has some 13,000. What is more is read by the API
# server, which takes minutes to tell of each of ten thousand values that its schema does not like.
MOST_ADDED = 256 * 1024
GROWTH = 64 * 2**20


def features(**more: object) -> Tree:
    return {"features": {**FEATURES, **more}}


FLOODS: dict[str, Tree] = {
    **{
        f"many {kind}": {**features(), "domain": {"devices": {kind: [{}] * MANY}}}
        for kind, declared in DEVICES.items()
        if declared.plural
    },
    **{
        f"many named {kind}": {**features(), "domain": {"devices": {kind: [{"name": f"x{n}"} for n in range(MANY)]}}}
        for kind in ("disks", "interfaces", "channels")
    },
    "many drives": features(storage=[{}] * MANY),
    "many drives with claims": features(storage=[{"source": f"x{n}"} for n in range(MANY)]),
    "many NICs": features(network=[{}] * MANY),
    "many cells": features(numa=[{"cpus": [n], "memory": 1024} for n in range(MANY)]),
    "a cell of many unknown fields": features(numa=[{f"memory{n}": 1 for n in range(25 * MANY)}]),
    "many unknown fields": {**features(), "domain": {f"memory{n}": 1 for n in range(25 * MANY)}},
    "many tombstones": {**features(), "abi": {"tombstones": {"disks": [{"name": f"x{n}"} for n in range(MANY)]}}},
    "many vCPUs": features(cpu={"count": 60_000}),
    "many vCPUs in the domain": {**features(), "domain": {"vcpu": {"count": 60_000}}},
    "many sockets of many cores": features(cpu={"topology": {"sockets": 1000, "cores": 1000}}),
    "many sockets of many cores in the domain": {
        **features(),
        "domain": {"cpu": {"topology": {"sockets": 1000, "cores": 1000}}},
    },
}


def resident(wire: Wire) -> int:
    """The memory of the service's process, in bytes."""
    fields = Path(f"/proc/{wire.service.process.pid}/statm").read_text().split()
    return int(fields[1]) * 4096


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_is_refused_at_once_and_leaves_nothing_behind(wire: Of, flood: str) -> None:
    asked, obj = wire("restricted"), manifest("VM", FLOODS[flood])
    before, began = resident(asked), time.monotonic()
    first = asked.ask("mutate", obj)
    took = time.monotonic() - began
    assert took < SECONDS
    assert len(first.message) < LONGEST_MESSAGE
    assert len(orjson.dumps(first.object)) - len(orjson.dumps(obj)) < MOST_ADDED
    assert resident(asked) - before < GROWTH
    began = time.monotonic()
    assert not first.allowed or not asked.ask("validate", first.object).allowed
    assert time.monotonic() - began < SECONDS
