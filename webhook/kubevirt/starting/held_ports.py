"""How many root ports a VM had behind its network cards at a start, where no annotation says it.

KubeVirt 1.6 and 1.7 counted them by memory and by what takes a port. Later versions look at a guest that runs on from
then, and note what they find (`pkg/virt-handler/pci_topology.go`); what they do not look at they take for a free port.
"""

from __future__ import annotations

import re
from typing import Any

from webhook.kubevirt.starting.devices import Devices
from webhook.kubevirt.starting.layout import Layout, card_name
from webhook.trees import Tree

# KubeVirt: root ports in all, and free ones at least, of a small and of a large machine.
_SMALL, _LARGE = (8, 3), (16, 6)
_LARGE_BYTES = 2 << 30
# apimachinery's resource.Quantity.
_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{0,18})?)(?:[eE]([+-]?[0-9]{1,2})|([KMGTPE]i|[numkMGTPE]))?")
_SCALES = {
    **{f"{letter}i": 1024.0 ** (power + 1) for power, letter in enumerate("KMGTPE")},
    **{letter: 1000.0 ** (power + 1) for power, letter in enumerate("kMGTPE")},
    **{letter: 1000.0 ** -(power + 1) for power, letter in enumerate("mun")},
}


def by_memory(devices: Devices, *, large: bool) -> int:
    """What 1.6.0 to 1.6.3, 1.7.0 and 1.7.1 hold; `large` is of the machine."""
    total, least = _LARGE if large else _SMALL
    return max(total - in_use(devices), least)


def in_use(devices: Devices) -> int:
    """What takes a port by KubeVirt's count: it counts a USB controller and a balloon that are turned off, too."""
    always = 2
    disks = sum(disk.bus == "virtio" for disk in devices.disks)
    inputs = sum(bus == "virtio" for _, bus in devices.inputs)
    flags = devices.scsi + devices.console + devices.rng + (devices.watchdog is not None)
    return always + len(devices.cards) + len(devices.passed) + disks + inputs + flags


def is_large(template: Tree, instance_type: Tree | None) -> bool | None:
    """Whether a machine has more memory than KubeVirt calls small; None where its amount cannot be read."""
    domain = template["domain"]
    stated = (_at(instance_type, "memory", "guest"), _at(domain, "memory", "guest"))
    resources = (_at(domain, "resources", kind, "memory") for kind in ("requests", "limits"))
    amount = next((each for each in (*stated, *resources) if each is not None), 0)
    size = _bytes(amount)
    return None if size is None else size > _LARGE_BYTES


def noted(devices: Devices, started: Layout) -> int:
    """What a newer KubeVirt takes for the held ports of a guest that runs: those free ones that have another behind."""
    seen = {card_name(card) for card in devices.cards}
    seen |= {"usb0", "scsi0", "virtio-serial0", "memballoon", "rng"}
    kinds = ("disk ", "hostdev ", "input ")
    occupied = {port for name, port in started.ports.items() if name in seen or name.startswith(kinds)}
    return sum(port not in occupied for port in range(1, max(occupied, default=0)))


def _at(tree: Any, *keys: str) -> Any:
    for key in keys:
        tree = tree.get(key) if type(tree) is dict else None
    return tree


def _bytes(amount: Any) -> float | None:
    if type(amount) is int:
        return float(amount)
    found = _QUANTITY.fullmatch(amount) if type(amount) is str else None
    if found is None:
        return None
    number, exponent, suffix = found.groups()
    return float(number) * 10.0 ** int(exponent or 0) * _SCALES.get(suffix or "", 1.0)
