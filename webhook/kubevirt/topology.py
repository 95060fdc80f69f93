"""How a version of KubeVirt reserves root ports (topology.yaml)."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

NEWEST = "v1.9.0"
Ports = Literal["annotated", "fixed", "unstable"]
_NUMBERS = re.compile(r"v?(\d+(?:\.\d+)*)")


# As many versions as a cluster ever had.
@cache
def ports_of(version: str) -> Ports:
    """How root ports are reserved; a version that cannot be read is taken for the newest one."""
    numbers = _numbers(version)
    for first, end, ports in _rows():
        if numbers >= first and (not end or numbers < end):
            return ports
    return "annotated"


@cache
def _rows() -> list[tuple[tuple[int, ...], tuple[int, ...], Ports]]:
    text = (Path(__file__).parent / "topology.yaml").read_text()
    rows = yaml.load(text, Loader=yaml.CSafeLoader)
    return [(_numbers(row["from"]), _numbers(row["until"]) if row["until"] else (), row["ports"]) for row in rows]


def _numbers(version: str) -> tuple[int, ...]:
    found = _NUMBERS.match(version)
    return tuple(int(part) for part in found[1].split(".")) if found else _numbers(NEWEST)
