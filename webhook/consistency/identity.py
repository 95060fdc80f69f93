"""What tells machines and devices apart is each one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from webhook.consistency.rule import Tree, path_of, rule
from webhook.declare import shown
from webhook.findings import Finding


def _twice(
    domain: Tree, path: str, rule_name: str, what: str, kinds: tuple[str, ...], value_of: Callable[[Tree], Any]
) -> Iterator[Finding]:
    """A value that must be a device's own, and is another's too."""
    seen: dict[Any, str] = {}
    for kind in kinds:
        for index, device in enumerate(domain.get("devices", {}).get(kind, ())):
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
def identity_is_one(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses a domain whose SMBIOS UUID is not its own."""
    stated, own = domain.get("sysinfo", {}).get("uuid"), domain.get("uuid")
    if stated and own and stated.lower() != own.lower():
        problem = f"`{shown(stated)}` is not the domain's own UUID `{shown(own)}`"
        yield Finding(f"{path}.sysinfo.uuid", problem, f"let it agree with `{path}.uuid`, or remove one", "identity")
