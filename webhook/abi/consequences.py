"""What a change is for the guest: its class, and what the guest notices. The tables are YAML beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.abi.compare import Change, left_to_the_host
from webhook.abi.plugging import plugged
from webhook.declare import FieldPath, kib
from webhook.declare.tree import at
from webhook.domain.address import parts
from webhook.domain.bus import DIMM, is_none
from webhook.domain.devices.memory import plugged_at_boot
from webhook.trees import Tree


class ChangeClass(StrEnum):
    """What a change is for the guest, from the mildest."""

    NONE = "none"
    HOTPLUG = "hotplug"
    REBOOT = "reboot"
    GUEST_BREAKING = "guest-breaking"


@dataclass(frozen=True, slots=True, eq=False)
class Consequence:
    """The class of a change, what the guest notices, and the way out of a refusal beside its acceptance."""

    change_class: ChangeClass
    text: str
    help: str = ""
    accepted: bool = True

    def __str__(self) -> str:
        return f"{self.change_class}: {self.text}"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row of the table of fields; its head says what each part means."""

    place: str
    consequence: Consequence
    architectures: tuple[str, ...] = ()
    device: str = ""
    within: str = ""
    of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_UNSEEN = Consequence(ChangeClass.NONE, "the guest does not see it")
_FIRST = Consequence(ChangeClass.REBOOT, "the guest finds the NUMA cells, which were left open until it first boots")
_SUM = Consequence(ChangeClass.NONE, "it is all of the memory, as before, with that of memory devices")
_REBASED = Consequence(ChangeClass.REBOOT, "the guest finds this memory at another address at its next cold boot")
_LATER = ", at its next cold boot"


def consequence_of(change: Change, old: Tree, new: Tree) -> Consequence:
    """What a change from one domain to another is for its guest."""
    if change.device:
        removed = change.new is None
        way, text = plugged(change.device, change.old if removed else change.new, old, removed=removed)
        return Consequence(ChangeClass(way), text)
    if left_to_the_host(old, change):
        return _FIRST
    if change.declared == "domain.memory.current" and _has_all(old) and _has_all(new) and _same_size(old, new):
        return _SUM
    if change.declared == "domain.devices.memories[*].address" and _slot(change.old) == _slot(change.new):
        return _REBASED
    row = next((row for row in rows_of(change.declared, change.seen) if _is_about(row, change, new)), None)
    if row is None:
        return _UNSEEN
    if row.consequence.change_class is ChangeClass.HOTPLUG and not _while_it_runs(row, old, new):
        return Consequence(ChangeClass.REBOOT, row.consequence.text + _LATER)
    return row.consequence


def _has_all(domain: Tree) -> bool:
    """Whether the guest has all of its memory at boot; libvirt counts that of memory devices."""
    memory = domain.get("memory") or {}
    size = kib(memory.get("size"))
    return size is not None and (kib(memory.get("current")) or 0) >= size + plugged_at_boot(domain)


def _same_size(old: Tree, new: Tree) -> bool:
    return kib(at(old, "memory.size")) == kib(at(new, "memory.size"))


def _slot(address: Any) -> Any:
    """The place of a DIMM without its base, which QEMU chooses at each start where none is stated."""
    place = {**parts(address or "")}
    place.pop("base", None)
    return place if place.get("type") == DIMM else address


# Declarations do not change: one entry a declared path.
@cache
def rows_of(declared: str, seen: bool) -> tuple[Row, ...]:
    """The rows that a declared path has, the deciding one first; what the guest does not see is named exactly."""
    return tuple(row for row in reversed(rows()) if (row.place in declared if seen else row.place == declared))


def _is_about(row: Row, change: Change, new: Tree) -> bool:
    """Whether the device, or the entry of another list, that the change is in is one of those that the row names."""
    if not row.of:
        return True
    parts = FieldPath.parse(change.path)
    entry = FieldPath(parts[: 2 if parts[0][0] == "devices" else 1]).value(new)
    entry = change.old if entry is None else entry
    return all(at(entry, name) in values for name, values in row.of.items())


def _while_it_runs(row: Row, old: Tree, new: Tree) -> bool:
    if row.architectures and at(old, "os.type.arch") not in row.architectures:
        return False
    if row.device and is_none((old.get("devices") or {}).get(row.device) or {"model": "none"}):
        return False
    return not row.within or at(old, row.within) == at(new, row.within)


# Package data, read once.
@cache
def rows() -> tuple[Row, ...]:
    """The table of fields, from the general to the special."""
    table = yaml.safe_load(Path(__file__).with_name("consequences.yaml").read_text())
    return tuple(_row(entry) for entry in table)


def _row(entry: Tree) -> Row:
    consequence = Consequence(
        ChangeClass(entry["class"]), entry["consequence"], entry.get("help", ""), entry.get("accepted", True)
    )
    return Row(
        entry["place"],
        consequence,
        tuple(entry.get("architectures", ())),
        entry.get("device", ""),
        entry.get("within", ""),
        {name: tuple(values) for name, values in entry.get("of", {}).items()},
    )
