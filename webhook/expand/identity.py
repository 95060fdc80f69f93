"""Who the guest is: UUID, MAC addresses, serial numbers. Made once at random, then kept for good."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

Tree = dict[str, Any]
Entropy = Callable[[int], bytes]

# IEEE 802: bit 1 of the first octet says locally administered, bit 0 would be a group address. 46 bits are left.
_LOCAL = 0x02
_FIXED = 0x03
# QEMU numbers unnamed drives in the order of their making (QM00001 …), so that one more drive would rename the
# others; buses whose drives show a serial get one of their own. virtio-blk shows 20 characters at most.
_SERIAL_BYTES = 10
_BUSES_WITH_SERIAL = frozenset({"ide", "sata", "scsi", "usb", "virtio"})


def identify(domain: Tree, entropy: Entropy, known: Tree | None = None) -> None:
    """Give the VM and its devices the identities that they lack, in place. `entropy(n)` returns n random bytes.

    `known` is an earlier domain of the same VM: what its devices of the same names had is kept.
    """
    devices = domain.get("devices", {})
    if known:
        _recall(domain, devices, known)
    if not domain.get("uuid"):
        stated = domain.get("sysinfo", {}).get("uuid")
        domain["uuid"] = stated.lower() if stated else str(uuid.UUID(bytes=entropy(16), version=4))
    _macs(devices.get("interfaces", ()), entropy)
    for disk in devices.get("disks", ()):
        if not disk.get("serial") and disk.get("target", {}).get("bus") in _BUSES_WITH_SERIAL and not _raw_lun(disk):
            disk["serial"] = entropy(_SERIAL_BYTES).hex()


def _raw_lun(disk: Tree) -> bool:
    """A passed-through LUN shows the serial of the host's own device."""
    return bool(disk.get("device") == "lun")


def _macs(interfaces: list[Tree], entropy: Entropy) -> None:
    taken = {nic["mac"]["address"].lower() for nic in interfaces if nic.get("mac", {}).get("address")}
    for nic in interfaces:
        mac = nic.setdefault("mac", {})
        while not mac.get("address"):
            drawn = bytearray(entropy(6))
            drawn[0] = drawn[0] & ~_FIXED | _LOCAL
            address = drawn.hex(":")
            if address not in taken:
                taken.add(address)
                mac["address"] = address


def _recall(domain: Tree, devices: Tree, known: Tree) -> None:
    if known.get("uuid"):
        domain.setdefault("uuid", known["uuid"])
    for kind, field in (("interfaces", "mac"), ("disks", "serial")):
        before = {entry["name"]: entry.get(field) for entry in known.get("devices", {}).get(kind, ())}
        for entry in devices.get(kind, ()):
            if before.get(entry["name"]):
                entry.setdefault(field, before[entry["name"]])
