"""What tells machines and devices apart is each one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from webhook.abi.tombstones import place_of
from webhook.consistency.rule import Tree, devices, path_of, rule
from webhook.declare import shown
from webhook.findings import Finding


def _twice(
    domain: Tree, path: str, rule_name: str, what: str, kinds: tuple[str, ...], value_of: Callable[[Tree], Any]
) -> Iterator[Finding]:
    """A value that must be a device's own, and is another's too; without `kinds` among devices of all lists."""
    seen: dict[Any, str] = {}
    lists = domain.get("devices", {})
    for kind in kinds or lists:
        entries = lists.get(kind, ())
        for index, device in enumerate(entries) if type(entries) is not dict else ((-1, entries),):
            value = value_of(device)
            if value is None:
                continue
            if value in seen:
                problem = f"{what} `{shown(value)}` is taken by `{path}{seen[value]}`"
                yield Finding(
                    f"{path}{path_of(kind, index)}", problem, f"give each device {what} of its own", rule_name
                )
            seen[value] = path_of(kind, index)


@rule
def boot_orders_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses a boot order that two devices claim."""
    return _twice(
        domain, path, "boot-order", "a boot order", ("disks", "interfaces"), lambda device: device.get("bootOrder")
    )


@rule
def macs_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """Two NICs of one guest with one MAC address cannot both be reached."""

    def mac(device: Tree) -> str | None:
        address = device.get("mac", {}).get("address")
        return address.lower() if address else None

    return _twice(domain, path, "mac", "a MAC address", ("interfaces",), mac)


@rule
def targets_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two disks with one target."""
    return _twice(
        domain,
        path,
        "disk-target",
        "a target",
        ("disks",),
        lambda device: device.get("target", {}).get("dev") if "bus" in device.get("target", {}) else None,
    )


@rule
def serials_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """Paths by serial number in the guest would be ambiguous."""
    return _twice(domain, path, "serial", "a serial number", ("disks",), lambda device: device.get("serial"))


@rule
def world_wide_names_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two disks with one WWN."""
    return _twice(domain, path, "wwn", "a WWN", ("disks",), lambda device: _caseless(device.get("wwn")))


@rule
def memory_uuids_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """A piece of memory is told from another by its UUID."""
    return _twice(domain, path, "uuid", "a UUID", ("memories",), lambda device: _caseless(device.get("uuid")))


@rule
def mount_tags_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two folders with one target: the guest mounts either by it."""
    return _twice(domain, path, "filesystem", "a mount tag", ("filesystems",), lambda device: device.get("target"))


@rule
def acpi_indices_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU refuses two devices of any kind with one ACPI index (hw/acpi/pcihp.c)."""
    return _twice(domain, path, "acpi-index", "an ACPI index", (), lambda device: device.get("acpiIndex"))


def _caseless(value: str | None) -> str | None:
    """Hex digits as libvirt reads them."""
    return value.lower() if value else None


@rule
def places_differ(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses two devices at one place of a bus; where it did not, the later one would take the other's."""
    seen: dict[Any, tuple[str, int]] = {}
    lists = domain.get("devices", {})
    for kind, index, device in devices({"devices": {each: lists[each] for each in lists if each != "controllers"}}):
        place = place_of(device)
        if place is None:
            continue
        first = seen.setdefault(place, (kind, index))
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
