"""Small manifests that would become great ones: each is answered with little work and few words, and nothing grows.

Nobody else is served meanwhile, so that the work of one answer is what everybody waits for. It is compared with the
work of honest reviews in the same run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.attacks.manifests import manifest, spec_of
from tests.attacks.wire import Wire
from webhook.domain.devices import KINDS as DEVICES
from webhook.trees import Tree

Of = Callable[[str], Wire]
FEATURES: Tree = {"memory": "2Gi", "system": {"type": "debian", "version": "12"}}
MANY = 4000
# So many honest VMs cost as much as a flood may; by the size of their bodies they would be some 700.
HONEST = 1000
_TICKS = os.sysconf("SC_CLK_TCK")
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
    "many NICs": features(network=[{"type": "pod"}] * MANY),
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


def cpu(wire: Wire) -> float:
    """The CPU that the service's process has used, in seconds."""
    fields = Path(f"/proc/{wire.service.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@pytest.fixture(scope="module")
def honest(wire: Of) -> float:
    """The CPU of one honest VM through both webhooks, in seconds."""
    asked, obj = wire("restricted"), manifest("VM", spec_of("pc", {}, complete=False))
    assert asked.pair(obj).allowed
    before, count = cpu(asked), 200
    for _ in range(count):
        asked.pair(obj)
    return (cpu(asked) - before) / count


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_costs_little_and_leaves_nothing_behind(wire: Of, honest: float, flood: str) -> None:
    asked, obj = wire("restricted"), manifest("VM", FLOODS[flood])
    before, used = resident(asked), cpu(asked)
    first = asked.ask("mutate", obj)
    assert len(first.message) < LONGEST_MESSAGE
    assert len(orjson.dumps(first.object)) - len(orjson.dumps(obj)) < MOST_ADDED
    assert resident(asked) - before < GROWTH
    assert not first.allowed or not asked.ask("validate", first.object).allowed
    assert cpu(asked) - used < HONEST * honest
