"""Places on the host of devices that names stand for: the same by convention, where libvirt wants different ones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from webhook.domain.convention import NO_PLACE
from webhook.trees import Tree

# The lists with such devices, and the field of their `source`.
_FIELDS = {"hostdevs": "address", "interfaces": "device"}
# The functions of one segment: eight bits of the bus, five of the slot, three of the function.
_LAST = 0xFFFF


def provide_places(domain: Tree) -> Tree:
    """The domain with the places of its last segment, from the last one on, a device each."""
    numbers = count()
    return _changed(domain, lambda place: {**place, **_place(_LAST - next(numbers))} if _is_none(place) else place)


def withdraw_places(domain: Tree) -> Tree:
    """The inverse: every place of that segment is the one that the convention gives."""
    return _changed(domain, lambda place: {**place, **NO_PLACE} if place.get("domain") == NO_PLACE["domain"] else place)


def _is_none(place: Tree) -> bool:
    return all(place.get(name) == value for name, value in NO_PLACE.items())


def _place(number: int) -> Tree:
    return {"bus": number >> 8, "slot": number >> 3 & 0x1F, "function": number & 7}


def _changed(domain: Tree, change: Callable[[Tree], Tree]) -> Tree:
    devices = dict(domain.get("devices") or {})
    for listed, field in _FIELDS.items():
        entries = devices.get(listed)
        if entries and any((device.get("source") or {}).get(field) for device in entries):
            devices[listed] = [_with(device, field, change) for device in entries]
    return {**domain, "devices": devices} if devices else domain


def _with(device: Tree, field: str, change: Callable[[Tree], Tree]) -> Tree:
    source = device.get("source") or {}
    place = source.get(field)
    return {**device, "source": {**source, field: change(place)}} if place else device
