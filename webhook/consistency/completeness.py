"""Nothing is left that libvirt or QEMU would choose by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import Tree, devices, path_of, rule
from webhook.findings import Finding

# Devices whose place the machine itself knows, by list, and the values that tell them.
_PLACELESS_BUSES = frozenset({"ps2"})
_OWN = frozenset({"itco", "diag288", "ib700", "isa", "sb16", "pcspk", "system-serial", "sclp-serial"})
# Devices that are on no bus at all: a device of the host that is read from, a port of user networking.
_BUSLESS = frozenset({"evdev", "guestfwd"})
_PLACED = frozenset(
    {
        "disks",
        "interfaces",
        "rng",
        "memballoon",
        "channels",
        "serials",
        "watchdogs",
        "sounds",
        "inputs",
        "video",
        "filesystems",
        "hubs",
        "redirdevs",
        "shmems",
        "smartcards",
        "vsock",
        "cryptos",
        "pstore",
    }
)


@rule
def nothing_is_left_open(domain: Tree, path: str) -> Iterator[Finding]:
    """What libvirt or QEMU would choose by themselves must be written out: identity, names, addresses."""
    for place, value in (
        (".uuid", domain.get("uuid")),
        (".memory.size", domain.get("memory", {}).get("size")),
        (".vcpu.count", domain.get("vcpu", {}).get("count")),
    ):
        if not value:
            yield incomplete(f"{path}{place}")
    for kind, index, device in devices(domain):
        if index >= 0 and not device.get("name"):
            yield incomplete(f"{path}{path_of(kind, index)}.name")
        address = device.get("address")
        if address and not address.get("type"):
            yield incomplete(f"{path}{path_of(kind, index)}.address.type")
        if not address and kind in _PLACED and not _placeless(device):
            yield incomplete(f"{path}{path_of(kind, index)}.address")
        if kind == "interfaces" and not device.get("mac", {}).get("address"):
            yield incomplete(f"{path}{path_of(kind, index)}.mac.address")


def _placeless(device: Tree) -> bool:
    target = device.get("target")
    kind = target.get("type") if isinstance(target, dict) else None  # a folder's target is a name
    if "none" in (device.get("type"), device.get("model")) or not _BUSLESS.isdisjoint((device.get("type"), kind)):
        return True
    return device.get("bus") in _PLACELESS_BUSES or device.get("model") in _OWN or kind in _OWN


def incomplete(place: str) -> Finding:
    way = "leave it to the service: it fills in what is unsaid when the mutating webhook is called"
    return Finding(
        place, "is missing from the stored machine, so that the host would choose it at each boot", way, "complete"
    )
