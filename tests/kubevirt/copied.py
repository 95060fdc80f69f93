"""The addresses of a boot written into the VM as they are: what a webhook could do that knows nothing of KubeVirt."""

from __future__ import annotations

import copy
import re

from tests.kubevirt.edits import devices_of
from tests.kubevirt.guest_places import Places
from webhook.trees import Tree

# A root port by its slot and function, with a graphics device in slot 1: they begin in slot 2, eight in each.
_PORT = re.compile(r"pci ([0-9a-f]{2})\.([0-7])/00\.0")


def copied(vm: Tree, first: Places) -> Tree:
    """The VM with the addresses that its cards and virtio disks have had."""
    made = copy.deepcopy(vm)
    devices = devices_of(made)
    for listed, tag in (("disks", "disk"), ("interfaces", "interface")):
        for device in devices.get(listed) or ():
            port = _PORT.fullmatch(first.get(f"{tag} {device['name']}", ""))
            if port:
                bus = (int(port[1], 16) - 2) * 8 + int(port[2]) + 1
                (device["disk"] if listed == "disks" else device)["pciAddress"] = f"0000:{bus:02x}:00.0"
    return made
