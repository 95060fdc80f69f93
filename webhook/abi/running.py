"""What runs of a VM, by its status: the places that its devices have until the node's agent says that they are gone.

And what an agent cannot say: that another machine runs, or shall run, than this VM's. A status comes from another
writer than the spec, and may have been stored while nobody judged it: nothing here trusts the shape of what is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from webhook.abi.adoption import DeviceKey
from webhook.declare import shown
from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.trees import Tree

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


def another_machine(domain: Tree, spec: Any, path: str) -> Iterator[Finding]:
    """A running configuration with another UUID than its VM's domain (`spec`) has."""
    uuid, own = domain.get("uuid"), spec.get("uuid") if type(spec) is dict else None
    if type(own) is str and uuid and uuid.lower() != own.lower():
        problem = f"is `{shown(uuid)}`, and the machine of this VM is `{shown(own)}`"
        yield Finding(f"{path}.uuid", problem, "write what runs of this VM", "status")


def unknown_devices(desired: Tree, known: Sequence[Any], path: str) -> Iterator[Finding]:
    """Devices that a machine shall have, and that none of the `known` configurations has at this place.

    What shall run is what the VM's domain says, and what cannot change before the next boot.
    """
    devices: dict[DeviceKey, list[Tree]] = {}
    for domain in known:
        for entry in running_devices(domain):
            devices.setdefault((entry["list"], entry["name"]), []).append(entry["device"])
    way = "read the VM again, and write what its `spec.domain` says"
    for entry in running_devices(desired):
        kind, name = entry["list"], entry["name"]
        there = devices.get((kind, name))
        if there is None:
            problem = "is neither in `spec.domain` nor in `status.current`"
        elif not any(_agrees(entry["device"], device) for device in there):
            problem = "has another place or identity than in `spec.domain` and in `status.current`"
        else:
            continue
        yield Finding(f"{path}.devices.{kind}[{shown(name)}]", problem, way, "status")


def _agrees(one: Any, other: Any) -> bool:
    """Whether nothing that both say differs; letters are equal in either case."""
    if type(one) is dict and type(other) is dict:
        return all(_agrees(value, other[name]) for name, value in one.items() if name in other)
    return bool(str(one).lower() == str(other).lower())
