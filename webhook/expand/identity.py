"""Generated identities: the UUID, and MAC addresses and serial numbers as the declarations say.

Generated once at random, then kept.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Container
from functools import cache
from typing import Literal

from webhook.abi.adoption import DeviceKey
from webhook.declare.tree import at
from webhook.domain.bus import Generated
from webhook.domain.devices import KINDS
from webhook.trees import Tree

Entropy = Callable[[int], bytes]

# IEEE 802: bit 1 of the first octet says locally administered, bit 0 would be a group address. 46 bits are left.
_LOCAL = 0x02
_FIXED = 0x03
# virtio-blk shows 20 characters of a serial number at most.
_SERIAL_BYTES = 10


def identify(
    domain: Tree, entropy: Entropy, known: Tree | None = None, settled: Container[DeviceKey] = frozenset()
) -> None:
    """Generate the missing identities of the VM and its devices, in place. `entropy(n)` returns n random bytes.

    `known` is an earlier domain of the same VM: identities of its devices are kept by name. `settled` are devices that
    have no serial number because the guest never saw one.
    """
    devices = domain.get("devices", {})
    if known:
        _recall(domain, devices, known)
    if not domain.get("uuid"):
        stated = domain.get("sysinfo", {}).get("uuid")
        domain["uuid"] = stated.lower() if stated else str(uuid.UUID(bytes=entropy(16), version=4))
    _draw_macs(_devices_with("mac", devices), entropy)
    for device, made in _devices_with("serial", devices, settled):
        if not at(device, made.path):
            _put(device, made.path, serial_number(entropy))


def _devices_with(
    form: Literal["mac", "serial"], devices: Tree, settled: Container[DeviceKey] = frozenset()
) -> list[tuple[Tree, Generated]]:
    """The devices with a generated identity of this form, with its declaration; without those that are settled."""
    ours = [(listed, made) for listed, made in _declared() if made.form == form and listed in devices]
    return [
        (device, made)
        for listed, made in ours
        for device in _entries(devices, listed)
        if made.fits(device) and (listed, device.get("name") or listed) not in settled
    ]


# Declarations do not change: one value.
@cache
def _declared() -> tuple[tuple[str, Generated], ...]:
    """All generated identities of the declarations, with their lists."""
    return tuple((listed, generated) for listed, kind in KINDS.items() for generated in kind.generated)


def _entries(devices: Tree, listed: str) -> list[Tree]:
    found = devices.get(listed, [])
    return found if isinstance(found, list) else [found]


def _draw_macs(having: list[tuple[Tree, Generated]], entropy: Entropy) -> None:
    taken = {str(address).lower() for device, made in having if (address := at(device, made.path))}
    for device, made in having:
        while not at(device, made.path):
            address = local_mac(entropy)
            if address not in taken:
                taken.add(address)
                _put(device, made.path, address)


def local_mac(entropy: Entropy) -> str:
    """A MAC address that its administrator chose."""
    drawn = bytearray(entropy(6))
    drawn[0] = drawn[0] & ~_FIXED | _LOCAL
    return drawn.hex(":")


def serial_number(entropy: Entropy) -> str:
    """A serial number that every bus shows whole."""
    return entropy(_SERIAL_BYTES).hex()


def _put(device: Tree, path: str, value: str) -> None:
    *above, name = path.split(".")
    for step in above:
        device = device.setdefault(step, {})
    device[name] = value


def _recall(domain: Tree, devices: Tree, known: Tree) -> None:
    if known.get("uuid"):
        domain.setdefault("uuid", known["uuid"])
    for listed, made in _declared():
        field = made.path.partition(".")[0]
        before = {entry.get("name"): entry.get(field) for entry in _entries(known.get("devices", {}), listed)}
        for entry in _entries(devices, listed):
            if before.get(entry.get("name")):
                entry.setdefault(field, before[entry.get("name")])
