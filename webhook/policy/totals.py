"""Sums over one VM that rules may limit: how many devices, how many vCPUs, how much memory (totals.yaml).

What they are made of is data, by declared paths; nothing here knows a device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import kib
from webhook.policy.guards import Seat, values_at

Tree = Mapping[str, Any]
MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Total:
    """One sum: its place in findings, `unit` "number" or "memory" (KiB), and the parts of which the largest counts."""

    name: str
    doc: str
    at: str
    unit: str
    parts: tuple[Mapping[str, Any], ...]

    @property
    def declared(self) -> str:
        """The place that rulings know it by: no declared path has a blank."""
        return f"total {self.name}"

    def of(self, spec: Tree) -> int:
        """The total of a VM's spec; what is no amount counts as nothing, the inspection refuses it."""
        return max(_part(part, spec, self.unit) for part in self.parts)


@cache
def totals() -> dict[str, Total]:
    """All totals by name."""
    read = yaml.safe_load((Path(__file__).parent / "totals.yaml").read_text())
    return {
        name: Total(name, said["doc"], said["at"], said["unit"], tuple(said["largest"])) for name, said in read.items()
    }


def _part(part: Mapping[str, Any], spec: Tree, unit: str) -> int:
    if "entries" in part:
        return _entries(part, spec)
    if "product" in part:
        return prod(_sum(path, spec, unit) or 1 for path in part["product"])
    return sum(_sum(path, spec, unit) for path in part["sum"])


def _sum(path: str, spec: Tree, unit: str) -> int:
    found = values_at(path, Seat(spec, ""))
    if unit == MEMORY:
        return sum(kib(value) or 0 for value in found)
    return sum(value for value in found if type(value) is int)


def _entries(part: Mapping[str, Any], spec: Tree) -> int:
    count = 0
    for tree in values_at(part["entries"], Seat(spec, "")):
        for name, value in tree.items() if type(tree) is dict else ():
            if name not in part["except"]:
                count += len(value) if type(value) is list else 1
    return count
