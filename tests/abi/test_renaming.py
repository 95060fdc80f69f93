"""Claims, images and networks renamed in every order, with names of the tenant's and without: no device moves."""

from __future__ import annotations

import pytest

from tests.abi.life import GUEST, admitted, devices, seen
from tests.abi.renaming import CONNECTED, ORDERS, connected, steps
from webhook.findings import Finding, Refused
from webhook.trees import Tree


def known(spec: Tree) -> dict[str, Tree]:
    return {name: seen(device) for name, device in devices(spec).items()}


def sources(spec: Tree) -> set[str]:
    return {device.get("claim") or device.get("network") for device in devices(spec).values()}


def test_there_is_every_order() -> None:
    assert len(set(ORDERS)) == len(ORDERS) == 120


# Every order where nothing but the entries' words tells them; of the others some.
WAYS = [(False, "fresh", 1), (False, "left", 4), (True, "fresh", 4), (True, "left", 4)]


@pytest.mark.thorough
@pytest.mark.parametrize(("named", "names", "stride"), WAYS, ids=["unnamed", "unnamed, left", "named", "named, left"])
def test_no_order_moves_a_device(named: bool, names: str, stride: int) -> None:
    first, _ = admitted({"features": {**GUEST, **connected(named=named)}})
    before = known(first)
    passed = 0
    asked: list[Finding] = []
    for story, order in list(enumerate(ORDERS))[::stride]:
        stored = first
        for wanted in steps(order, names, story, named=named):
            try:
                stored, warnings = admitted({**stored, "features": {**GUEST, **wanted}}, stored)
            except Refused as refused:
                asked += refused.findings
                break
            passed += 1
            assert known(stored) == before, (story, order)
            assert "tombstones" not in stored["abi"]
            assert sources(stored) == {entry["source"] for feature in CONNECTED for entry in wanted[feature]}
            assert warnings
    assert passed > 40
    # A name that another entry has just left may be either's: it is asked which, and nothing is changed.
    assert asked == [] or (named, names) == (False, "left")
    assert all("`name: " in finding.help for finding in asked)
