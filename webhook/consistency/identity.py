"""Identities are unique: no two devices of a machine share a MAC address, a serial number, an address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, NamedTuple

from webhook.abi.tombstones import address_of
from webhook.consistency.rule import devices, path_of, rule
from webhook.declare import shown
from webhook.findings import Finding
from webhook.trees import Tree


class _Unique(NamedTuple):
    """A value that no two devices share: its rule, its name in messages, the lists (empty: all), its field.

    `value_of` reads it of a device that has the field; `shared` says of two devices whether they may share it. `below`
    is where it is in the field.
    """

    rule: str
    what: str
    lists: tuple[str, ...]
    field: str
    value_of: Callable[[Tree], Any]
    shared: Callable[[Tree, Tree], bool] | None = None
    below: str = ""


def _duplicates(domain: Tree, path: str, unique: _Unique) -> Iterator[Finding]:
    """A finding for each device whose value another device has too."""
    seen: dict[Any, tuple[str, Tree]] = {}
    lists = domain.get("devices", {})
    for kind in unique.lists or lists:
        entries = lists.get(kind, ())
        for index, device in enumerate(entries) if type(entries) is not dict else ((-1, entries),):
            value = unique.value_of(device) if unique.field in device else None
            if value is None:
                continue
            if value in seen and not (unique.shared and unique.shared(seen[value][1], device)):
                problem = f"{unique.what} `{shown(value)}` is taken by `{path}{seen[value][0]}`"
                way = f"give each device {unique.what} of its own"
                place = f"{path}{path_of(kind, index)}.{unique.field}{unique.below}"
                yield Finding(place, problem, way, unique.rule)
            seen[value] = path_of(kind, index), device


def _mac(device: Tree) -> str | None:
    return _caseless(device.get("mac", {}).get("address"))


def _is_pair(one: Tree, other: Tree) -> bool:
    """Whether one NIC is the standby of the other: the guest joins them by their MAC address (net_failover)."""
    for nic, standby in ((one, other), (other, one)):
        name = nic.get("teaming", {}).get("persistent")
        if name is not None and name.removeprefix("ua-") == standby.get("name"):
            return True
    return False


# So many characters of a serial number virtio-blk shows the guest (virtio 1.2, 5.2.6: VIRTIO_BLK_T_GET_ID).
_SHOWN_OF_SERIAL = 20


def _serial(device: Tree) -> str:
    """What the guest sees of a serial number."""
    serial: str = device["serial"]
    return serial[:_SHOWN_OF_SERIAL] if device.get("target", {}).get("bus") == "virtio" else serial


def _target(device: Tree) -> str | None:
    target: Tree = device.get("target", {})
    return target.get("dev") if "bus" in target else None


_BOOT_ORDER = _Unique("boot-order", "a boot order", (), "bootOrder", itemgetter("bootOrder"))
_MAC = _Unique("mac", "a MAC address", ("interfaces",), "mac", _mac, _is_pair, ".address")
_TARGET = _Unique("disk-target", "a target", ("disks",), "target", _target, below=".dev")
_SERIAL = _Unique("serial", "a serial number", ("disks",), "serial", _serial)
_WWN = _Unique("wwn", "a WWN", ("disks",), "wwn", lambda device: _caseless(device["wwn"]))
_MEMORY_UUID = _Unique("uuid", "a UUID", ("memories",), "uuid", lambda device: _caseless(device["uuid"]))
_MOUNT_TAG = _Unique("filesystem", "a mount tag", ("filesystems",), "target", itemgetter("target"))
_PANIC = _Unique("panic", "a panic notifier's model", ("panics",), "model", itemgetter("model"))
_GRAPHICS = _Unique("graphics", "a display's type", ("graphics",), "type", itemgetter("type"))
_ACPI_INDEX = _Unique("acpi-index", "an ACPI index", (), "acpiIndex", itemgetter("acpiIndex"))


@rule
def boot_orders_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses a boot order that two devices claim."""
    return _duplicates(domain, path, _BOOT_ORDER)


@rule
def macs_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """Two NICs of one guest with one MAC address cannot both be reached."""
    return _duplicates(domain, path, _MAC)


@rule
def targets_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two disks with one target."""
    return _duplicates(domain, path, _TARGET)


@rule
def serials_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """Paths by serial number in the guest would be ambiguous."""
    return _duplicates(domain, path, _SERIAL)


@rule
def world_wide_names_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two disks with one WWN."""
    return _duplicates(domain, path, _WWN)


@rule
def memory_uuids_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """The UUID identifies a memory device."""
    return _duplicates(domain, path, _MEMORY_UUID)


@rule
def mount_tags_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two filesystems with one target: the guest mounts either by it."""
    return _duplicates(domain, path, _MOUNT_TAG)


@rule
def displays_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt starts no VM with two displays of one type (src/qemu/qemu_process.c)."""
    return _duplicates(domain, path, _GRAPHICS)


@rule
def panic_notifiers_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two panic notifiers of one model."""
    return _duplicates(domain, path, _PANIC)


@rule
def acpi_indices_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU refuses two devices of any kind with one ACPI index (hw/acpi/pcihp.c)."""
    return _duplicates(domain, path, _ACPI_INDEX)


def _caseless(value: str | None) -> str | None:
    """Hex digits as libvirt reads them."""
    return value.lower() if value else None


@rule
def places_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two devices with one address; where it did not, the later one would take the other's."""
    seen: dict[Any, tuple[str, int]] = {}
    lists = domain.get("devices", {})
    for kind, index, device in devices({"devices": {each: lists[each] for each in lists if each != "controllers"}}):
        address = address_of(device)
        if address is None:
            continue
        first = seen.setdefault(address, (kind, index))
        if first != (kind, index):
            problem = f"is the place of `{path}{path_of(*first)}` too"
            where = f"{path}{path_of(kind, index)}.address"
            yield Finding(where, problem, "leave it out: it is filled in", "address")


@rule
def identity_is_one(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses a domain whose SMBIOS UUID is not its own."""
    stated, own = domain.get("sysinfo", {}).get("uuid"), domain.get("uuid")
    if stated and own and stated.lower() != own.lower():
        problem = f"`{shown(stated)}` is not the domain's own UUID `{shown(own)}`"
        yield Finding(f"{path}.sysinfo.uuid", problem, f"let it agree with `{path}.uuid`, or remove one", "identity")


def distinct(domain: Tree, path: str) -> Iterator[Finding]:
    """The rules that hold of any part of a machine, complete or not: no two devices have one place or one identity."""
    for each in (
        macs_differ,
        targets_differ,
        serials_differ,
        world_wide_names_differ,
        acpi_indices_differ,
        places_differ,
    ):
        yield from each(domain, path)
