"""How a version of KubeVirt reserves root ports (topology.yaml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

NEWEST = "v1.9.0"
Ports = Literal["annotated", "fixed", "unstable"]
_NUMBERS = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)")


@dataclass(frozen=True, slots=True)
class Topology:
    """How root ports are reserved; `notes`: what an older version reserved for a guest that runs on is written down."""

    ports: Ports
    notes: bool


# As many versions as a cluster ever had.
@cache
def topology_of(version: str) -> Topology:
    """What a version does; one that cannot be read is taken for the newest one."""
    numbers = _numbers(version)
    for first, end, found in _rows():
        if numbers >= first and (not end or numbers < end):
            return found
    return Topology("annotated", notes=False)


def ports_of(version: str) -> Ports:
    """How a version reserves root ports."""
    return topology_of(version).ports


def is_version(text: str) -> bool:
    """Whether this names a version, such as `v1.6.1` or `1.8`."""
    return _NUMBERS.match(text) is not None and "." in text


def is_newer(version: str) -> bool:
    """Whether a version is newer than the newest one that is known here."""
    return _numbers(version)[:2] > _numbers(NEWEST)[:2]


@cache
def _rows() -> list[tuple[tuple[int, ...], tuple[int, ...], Topology]]:
    text = (Path(__file__).parent / "topology.yaml").read_text()
    rows = yaml.load(text, Loader=yaml.CSafeLoader)
    return [
        (
            _numbers(row["from"]),
            _numbers(row["until"]) if row["until"] else (),
            Topology(row["ports"], notes=row["notes"]),
        )
        for row in rows
    ]


def _numbers(version: str) -> tuple[int, ...]:
    found = _NUMBERS.match(version)
    return tuple(int(part) for part in found[1].split(".")) if found else _numbers(NEWEST)
