"""What runs of a VM, by its status: the places that its devices have until the node's agent says that they are gone.

A status comes from another writer than the spec, and may have been stored while nobody judged it: nothing here trusts
its shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from webhook.abi.adoption import DeviceKey
from webhook.domain.devices import KINDS

Tree = dict[str, Any]
# What tells where a device is, and which one it is for the guest.
_PARTS = ("address", "target", "serial", "mac", "wwn")


def current_of(obj: Any) -> Any:
    """The configuration that the running machine has, of an object as it is stored; None where it says none."""
    status = obj.get("status") if type(obj) is dict else None
    return status.get("current") if type(status) is dict else None


def running_devices(current: Any) -> list[Tree]:
    """The devices of a running machine, in the form of the allocators: {list, name, device, held}."""
    lists = current.get("devices") if type(current) is dict else None
    found: list[Tree] = []
    for kind, entries in lists.items() if type(lists) is dict else ():
        if kind not in KINDS or KINDS[kind].permanent:
            continue
        for entry in entries if type(entries) is list else (entries,):
            name = entry.get("name", kind) if type(entry) is dict else None
            if type(name) is str:
                device = {"name": name, **dict(_known(entry))}
                found.append({"list": kind, "name": name, "device": device, "held": True})
    return found


def keys_of(running: Sequence[Tree]) -> set[DeviceKey]:
    """The devices by list and name."""
    return {(entry["list"], entry["name"]) for entry in running}


def _known(device: Tree) -> Iterator[tuple[str, Any]]:
    for part in _PARTS:
        value = device.get(part)
        if type(value) is dict:
            yield part, {name: inner for name, inner in value.items() if type(inner) in (str, int)}
        elif type(value) is str and part not in ("target", "mac"):
            yield part, value
