"""Virtio consoles for which libvirt keeps no address: QEMU plugs them itself, after all that has one.

The bus is that of the controller that was made last, the port of the first console is 0, and others get the lowest that
is free. Sources: QEMU 7.2, hw/char/virtio-serial-bus.c and the search for a bus in softmmu/qdev-monitor.c.
"""

from __future__ import annotations

from itertools import count

from webhook.domain.address import Parts, parts_of
from webhook.domain.address_text import write
from webhook.domain.bus import PCI, VIRTIO_SERIAL
from webhook.trees import Tree

# QEMU makes a virtio-serial controller after all of PCI's.
_AFTER_PCI = 1 << 16


def place_bare_consoles(devices: Tree) -> None:
    """Write out, in place, where QEMU plugs the virtio consoles that have no address."""
    consoles = [each for each in devices.get("consoles", ()) if each.get("target", {}).get("type") == "virtio"]
    bare = [each for each in consoles if not each.get("address")]
    if not bare:
        return
    controller = _last(devices.get("controllers", ()))
    taken = {
        int(address["port"])
        for each in (*devices.get("channels", ()), *consoles)
        if (address := parts_of(each)).get("type") == VIRTIO_SERIAL and address["controller"] == controller
    }
    if 0 not in taken:
        bare.pop(0)["address"] = _address(controller, 0)
    if controller:  # of the first one, the ports follow those that libvirt gives to channels
        free = (port for port in count(1) if port not in taken)
        for each in bare:
            each["address"] = _address(controller, next(free))


def _address(controller: int, port: int) -> str:
    return write({"type": VIRTIO_SERIAL, "controller": controller, "bus": 0, "port": str(port)})


def _last(controllers: list[Tree]) -> int:
    """The virtio-serial controller that QEMU finds first: it looks into what was made last before all else.

    Without a first one libvirt adds it, behind all others.
    """
    found = {each.get("index", 0): turn for turn, each in enumerate(controllers) if each.get("type") == VIRTIO_SERIAL}
    if 0 not in found:
        return 0
    buses = {each.get("index", 0): each for each in controllers if each.get("type") == PCI}

    def made(turn: int) -> tuple[int, ...]:
        """When the controller and all that it stands behind were made, the root first."""
        turns = [_AFTER_PCI + turn]
        at: Parts | None = parts_of(controllers[turn])
        while at and at.get("type") == PCI and len(turns) <= len(buses) + 1:
            turns.append(at["bus"])
            at = parts_of(buses[at["bus"]]) if at["bus"] in buses else None
        return tuple(reversed(turns))

    last: int = max(found, key=lambda index: made(found[index]))
    return last
