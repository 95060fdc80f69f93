"""The freeze of a stored VM: an update keeps what it leaves out, and a removed device leaves a tombstone.

Pure functions of trees: the stored domain and tombstones, the incoming domain, and the devices that features ask for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from webhook.abi.adoption import AskedDevices, DeviceKey, adopt_names
from webhook.declare import Backend, Field, Shape
from webhook.declare.tree import copied
from webhook.domain import domain_shape
from webhook.domain.bus import is_none
from webhook.domain.devices import KINDS
from webhook.trees import Tree

# The path of an element within an entry of a list.
_ENTRY = "[]"


@dataclass(slots=True, eq=False)
class Kept:
    """The domain with everything that is kept, and the tombstones of the removed devices."""

    domain: Tree
    tombstones: Tree = field(default_factory=dict)


def device_keys(trees: Iterable[Tree]) -> set[DeviceKey]:
    """The devices of partial domain trees, by list and name."""
    found: set[DeviceKey] = set()
    for tree in trees:
        for kind, entries in tree.get("devices", {}).items():
            found.update((kind, entry.get("name") or kind) for entry in _listed(entries))
    return found


def freeze(stored: Tree, tombstones: Tree, incoming: Tree, asked: AskedDevices, path: str = "spec.domain") -> Kept:
    """Copy into `incoming` what it lacks of `stored`, except the devices that the tenant removed.

    A device is removed where the features no longer ask for it, or where no feature asked for it and its list comes
    without it; it becomes a tombstone. A device that returns by its name gets its old hardware. Returns trees that
    share nothing with the arguments. Raises Refused where too many devices have no name; `path` is the domain's place
    in the object.
    """
    domain = copied(incoming)
    devices = domain.setdefault("devices", {})
    adopt_names(devices, stored.get("devices", {}), tombstones, asked, path)
    present = device_keys([domain])
    stored_devices = devices_of(stored.get("devices", {}))
    removed = _removed(stored_devices, devices, present, asked)
    kept = Kept(domain, copied(tombstones))
    drop(devices, removed)
    declined = _decline(devices, stored_devices)
    there = {key for key, device in devices_of(devices).items() if not is_none(device)}
    nowhere = {key for key, device in stored_devices.items() if is_none(device)}
    _restore_returning(kept, there | (asked.after - asked.declined - (nowhere - asked.anew)))
    _restore(domain, stored, domain_shape(), "", removed | declined)
    for kind, name in sorted(removed | declined):
        _add_tombstone(kept.tombstones, kind, stored_devices.get((kind, name)))
    return kept


def _decline(devices: Tree, stored: dict[DeviceKey, Tree]) -> set[DeviceKey]:
    """The stored devices of which an update says that there is none: nothing else is said of them then, in place."""
    found = set()
    for key, device in devices_of(devices).items():
        if is_none(device) and key in stored and not is_none(stored[key]):
            found.add(key)
            for name in device.keys() - {"name", "type", "model"}:
                del device[name]
    return found


def _removed(
    stored: dict[DeviceKey, Tree], devices: Tree, present: set[DeviceKey], asked: AskedDevices
) -> set[DeviceKey]:
    """The stored devices that the tenant removed, declined, or has again where there was none."""
    return {
        key
        for key, device in stored.items()
        if not KINDS[key[0]].permanent
        and (
            (
                key not in asked.after
                and (key in asked.before or (isinstance(devices.get(key[0]), list) and key not in present))
            )
            or key in (asked.anew if is_none(device) else asked.declined)
        )
    }


def _restore(into: Tree, stored: Tree, shape: Shape, path: str, removed: set[DeviceKey]) -> None:
    """Copy what `stored` has and `into` lacks, element by element.

    A backend is not copied: an update may leave it out on purpose, and policy decides whether that is permitted.
    """
    for name, value in stored.items():
        entry = shape.fields.get(name)
        if entry is None or isinstance(entry.class_of_value(value), Backend):
            continue
        if entry.many and entry.shape is not None and entry.shape.key:
            _restore_list(into, name, value, entry, removed)
        elif path == ".devices" and (name, value.get("name") or name) in removed:
            continue
        elif into.get(name) is None:
            in_entry = path.startswith(_ENTRY) and entry.shape is not None and not entry.many
            left = _frontend(value, entry.shape) if in_entry and entry.shape else copied(value)
            if left or left == value:
                into[name] = left
        elif entry.shape is not None and not entry.many and type(into[name]) is dict:
            _restore(into[name], value, entry.shape, f"{path}.{name}", removed)
        elif entry.shape is not None and type(into[name]) is list and len(into[name]) == len(value):
            # Entries without a key (NUMA cells) are matched by their index.
            for there, before in zip(into[name], value, strict=True):
                _restore(there, before, entry.shape, _ENTRY, removed)


def _restore_list(into: Tree, name: str, stored: list[Tree], entry: Field, removed: set[DeviceKey]) -> None:
    shape = entry.shape
    assert shape is not None  # noqa: S101 - lists are of elements
    there = into.get(name)
    if there is None:
        there = into[name] = []
    by_key = {item.get(shape.key): item for item in there}
    for item in stored:
        key = item.get(shape.key)
        if (name, key) in removed:
            continue
        if key in by_key:
            _restore(by_key[key], item, shape, _ENTRY, removed)
        else:
            there.append(copied(item))
    if not there and stored:
        del into[name]


def _restore_returning(kept: Kept, wanted: set[DeviceKey]) -> None:
    """Give returning devices the hardware that their tombstones kept."""
    shape = domain_shape().fields["devices"].shape
    assert shape is not None  # noqa: S101 - devices are an element
    returning = {key: device for key, device in devices_of(kept.tombstones).items() if key in wanted}
    for kind in kept.tombstones:
        devices = [device for (of, _), device in returning.items() if of == kind]
        if devices:
            _restore(kept.domain["devices"], {kind: devices if KINDS[kind].plural else devices[0]}, shape, "", set())
    drop(kept.tombstones, set(returning))


def _add_tombstone(tombstones: Tree, kind: str, device: Tree | None) -> None:
    """Keep a removed device's frontend, without what the host provided for it."""
    if device is None or is_none(device):
        return
    left = tombstone_of(kind, device)
    if KINDS[kind].plural:
        tombstones.setdefault(kind, []).append(left)
    else:
        tombstones[kind] = left


def tombstone_of(kind: str, device: Tree | None) -> Tree | None:
    """What a tombstone keeps of a device."""
    shape = domain_shape().fields["devices"].shape
    assert shape is not None  # noqa: S101 - devices are an element
    inner = shape.fields[kind].shape
    assert inner is not None  # noqa: S101 - devices are elements
    return None if device is None else _frontend(device, inner)


def frontend_of(domain: Tree) -> Tree:
    """A domain without what the host provides for it."""
    return _frontend(domain, domain_shape())


def _frontend(tree: Tree, shape: Shape) -> Tree:
    kept: Tree = {}
    for name, value in tree.items():
        entry = shape.fields[name]
        if isinstance(entry.class_of_value(value), Backend):
            continue
        if entry.shape is None:
            kept[name] = copied(value)
        elif not entry.many:
            kept[name] = _frontend(value, entry.shape)
        else:
            left = _frontends(value, entry.shape)
            if left or not value:
                kept[name] = left
    return kept


def _frontends(entries: list[Tree], shape: Shape) -> list[Tree]:
    """The entries of a list without those of which nothing is left."""
    pairs = ((entry, _frontend(entry, shape)) for entry in entries)
    return [left for entry, left in pairs if left or not entry]


def _listed(entries: Any) -> list[Tree]:
    return entries if isinstance(entries, list) else [entries]


def devices_of(lists: Tree) -> dict[DeviceKey, Tree]:
    """The devices of lists, by list and name; of those with one name the first."""
    found: dict[DeviceKey, Tree] = {}
    for kind, entries in lists.items():
        for entry in _listed(entries):
            found.setdefault((kind, entry.get("name") or kind), entry)
    return found


def drop(devices: Tree, removed: set[DeviceKey]) -> None:
    """Delete these devices, and lists that are then empty."""
    for kind in {kind for kind, _ in removed} & devices.keys():
        entries = devices[kind]
        left = [entry for entry in _listed(entries) if (kind, entry.get("name") or kind) not in removed]
        if not left:
            del devices[kind]
        elif isinstance(entries, list):
            devices[kind] = left
