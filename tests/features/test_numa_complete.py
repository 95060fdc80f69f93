"""What NUMA needs of the whole domain, once all features are merged."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.features import numa

CASES: list[tuple[str, dict[str, Any], Any]] = [
    (
        "memory that can grow gets one cell with all vCPUs and all memory",
        {"maxmemory": {"size": 8192}, "memory": {"size": 2048}, "vcpu": {"count": 3}},
        [{"cell": 0, "cpus": "0-2", "memory": 2048}],
    ),
    ("memory that cannot grow gets no cell", {"memory": {"size": 2048}, "vcpu": {"count": 3}}, None),
    (
        "cells that are there are numbered and not changed",
        {"maxmemory": {"size": 8192}, "cpu": {"numa": [{"cell": None, "cpus": [0]}, {"cell": 1, "cpus": [1]}]}},
        [{"cell": 0, "cpus": [0]}, {"cell": 1, "cpus": [1]}],
    ),
]


@pytest.mark.parametrize(("domain", "cells"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_complete(domain: dict[str, Any], cells: Any) -> None:
    numa.complete(domain)
    assert domain["cpu"].get("numa") == cells
    again = {**domain, "cpu": {**domain["cpu"]}}
    numa.complete(again)
    assert again == domain
