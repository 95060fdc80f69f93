"""Defaults of stated devices, which libvirt or QEMU would choose otherwise: the rows of `completing.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.domain.bus import Fitting
from webhook.guests import Guest
from webhook.machines import Machine
from webhook.trees import Tree


@dataclass(frozen=True, slots=True, eq=False)
class _Row(Fitting):
    """What a device that fits gets where it says nothing."""

    fill: Tree


def complete(domain: Tree, machine: Machine, guest: Guest | None, nic: str) -> None:
    """Fill in the defaults of every device, in place; `guest` is whose best practice counts, `nic` its model of NIC."""
    usual = {
        "$nic": nic,
        "$rotation": (guest.rotation_rate if guest is not None else 0) or None,
        "$watchdog": machine.defaults["watchdog"],
        "$sound": machine.defaults["sound"],
        "$input": machine.defaults["input_bus"],
    }
    rows = _rows(machine.family)
    for kind, entries in domain.get("devices", {}).items():
        for row in rows.get(kind, ()):
            for device in entries if type(entries) is list else (entries,):
                if not row.tests or row.fits(device):
                    _fill(device, row.fill, usual)
    _number(domain.get("devices", {}).get("parallels", ()))


def _fill(tree: Tree, add: Tree, usual: Mapping[str, Any]) -> None:
    for name, value in add.items():
        if type(value) is dict:
            _fill(tree.setdefault(name, {}), value, usual)
        elif name not in tree:
            resolved = usual.get(value, value) if type(value) is str else value
            if resolved is not None:
                tree[name] = resolved


def _number(ports: list[Tree]) -> None:
    """Number parallel ports from 0, as libvirt does."""
    taken = {port.get("target", {}).get("port") for port in ports}
    free: Iterator[int] = (number for number in range(len(ports)) if number not in taken)
    for port in ports:
        if port.get("target", {}).get("port") is None:
            port.setdefault("target", {})["port"] = next(free)


# Package data: one entry a machine family.
@cache
def _rows(family: str) -> dict[str, list[_Row]]:
    """The rows of a machine by list."""
    table: list[Tree] = yaml.safe_load(Path(__file__).with_name("completing.yaml").read_text())
    found: dict[str, list[_Row]] = {}
    for row in table:
        if family in row.get("families", (family,)):
            when = {path: (value,) for path, value in row.get("when", {}).items()}
            unless = {path: tuple(values) for path, values in row.get("unless", {}).items()}
            found.setdefault(row["list"], []).append(_Row(row["fill"], when=when, unless=unless))
    return found
