"""Where a device is: known by its list and its name, among the devices or among the tombstones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webhook.declare import FieldPath
from webhook.declare.field_path import Part
from webhook.policy.engine.namesakes import Namesakes

DEVICES, TOMBSTONES = ("domain", "devices"), ("abi", "tombstones")
# Devices to libvirt that do not stand among the devices.
ELSEWHERE = frozenset({"domain.os.nvram"})
# What the service chooses anew for the devices of a VM that follows the newest rule set.
CHOSEN_ANEW = ("address", "bootOrder")
# The field by which devices of a list are distinguished.
_KEY = "name"


@dataclass(frozen=True, slots=True, eq=False)
class DeviceLocation:
    """A device of a spec and the parts of its path there, `domain.devices.disks[2]`."""

    device: Any
    parts: tuple[Part, ...]
    rests: bool


def device_of(path: FieldPath) -> tuple[str, str] | None:
    """Where the device stands that a path leads into; None where it leads into none."""
    if len(path) < 3 or (len(path) == 3 and not path[2][1]):
        return None
    where = (path[0][0], path[1][0])
    return where if where in (DEVICES, TOMBSTONES) else None


def is_single(declared: str) -> bool:
    """Whether a declared path is that of a device that there can be but one of."""
    *above, (_, entry) = FieldPath.parse(declared)
    among = tuple(name for name, _ in above) in (DEVICES, TOMBSTONES) and not entry
    return among or declared in ELSEWHERE


def device_at(spec: Any, where: tuple[str, str], part: Part) -> DeviceLocation | None:
    """The device at a place of a spec."""
    kind, index = part
    entries = _entries(spec, where, kind)
    parts, rests = ((where[0], ""), (where[1], ""), part), where == TOMBSTONES
    if not index:
        return DeviceLocation(entries, parts, rests) if type(entries) is dict else None
    if type(entries) is not list or int(index) >= len(entries):
        return None
    return DeviceLocation(entries[int(index)], parts, rests)


def namesake(spec: Any, first: tuple[str, str], kind: str, device: Any, known: Namesakes) -> DeviceLocation | None:
    """The same device in another spec: where it is looked for `first`, else in the other place."""
    for where in (first, DEVICES if first == TOMBSTONES else TOMBSTONES):
        entries = _entries(spec, where, kind)
        number = known.number(device, entries, _KEY) if type(entries) is list else None
        if number is not None or type(entries) is dict:
            return device_at(spec, where, (kind, "" if number is None else str(number)))
    return None


def _entries(spec: Any, where: tuple[str, str], kind: str) -> Any:
    for name in (*where, kind):
        spec = spec.get(name) if type(spec) is dict else None
    return spec
