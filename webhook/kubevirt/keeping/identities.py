"""Who a VM and its devices are: the identities that KubeVirt would draw anew or leave out, made once and kept."""

from __future__ import annotations

import uuid

from webhook.kubevirt.keeping.machine import Machine
from webhook.kubevirt.starting.devices import target_of
from webhook.kubevirt.starting.site import Entropy
from webhook.trees import Tree

# IEEE 802: bit 1 of the first octet says locally administered, bit 0 would be a group address.
_LOCAL, _FIXED = 0x02, 0x03
# virtio-blk shows 20 characters of a serial number at most.
_SERIAL_BYTES = 10
# What KubeVirt makes the UUID of a VM of that states none (its `CalculateLegacyUUID`).
_NAMES = uuid.UUID("6a1a24a1-4061-4607-8bf4-a3963d0c5895")


def uuid_of_name(name: str) -> str:
    """The UUID that the guest of a stored VM without one has: KubeVirt before 1.6 stored none."""
    return str(uuid.uuid5(_NAMES, name))


def is_clone(domain: Tree, machine: Machine) -> bool:
    """Whether a new VM is another one than the VM whose machine it brings along.

    KubeVirt empties a clone's UUID and draws another one.
    """
    stated = (domain.get("firmware") or {}).get("uuid") or ""
    return bool(machine.uuid) and stated.lower() != machine.uuid.lower()


def identify(domain: Tree, entropy: Entropy) -> None:
    """Draw the UUID and the serial number of a new VM, where KubeVirt has not drawn them already."""
    firmware = domain["firmware"] = dict(domain.get("firmware") or {})
    for key in ("uuid", "serial"):
        firmware[key] = firmware.get(key) or str(uuid.UUID(bytes=entropy(16), version=4))


def draw(devices: Tree, known: dict[str, str], entropy: Entropy, *, serials: set[str]) -> dict[str, str]:
    """State the missing MAC addresses, and the missing serial numbers of these disks: those that are known, else drawn.

    Returns the identities of all devices, by their name.
    """
    cards, disks = devices.get("interfaces") or (), devices.get("disks") or ()
    taken = {str(entry.get("macAddress") or "").lower() for entry in cards} | {each.lower() for each in known.values()}
    found: dict[str, str] = {}
    for entry in cards:
        name = f"interface {entry['name']}"
        entry["macAddress"] = found[name] = entry.get("macAddress") or known.get(name) or _mac(taken, entropy)
    for entry in disks:
        name = f"disk {entry['name']}"
        if not entry.get("serial") and entry["name"] in serials and target_of(entry) == "disk":
            entry["serial"] = known.get(name) or entropy(_SERIAL_BYTES).hex()
        if entry.get("serial"):
            found[name] = entry["serial"]
    return found


def renew(devices: Tree, known: dict[str, str]) -> None:
    """Take from a clone's devices the identities of the VM that it is a clone of."""
    for kind, key in (("interface", "macAddress"), ("disk", "serial")):
        for entry in devices.get(f"{kind}s") or ():
            if entry.get(key) and entry[key] == known.get(f"{kind} {entry['name']}"):
                del entry[key]


def _mac(taken: set[str], entropy: Entropy) -> str:
    while True:
        drawn = bytearray(entropy(6))
        drawn[0] = drawn[0] & ~_FIXED | _LOCAL
        address = drawn.hex(":")
        if address not in taken:
            taken.add(address)
            return address
