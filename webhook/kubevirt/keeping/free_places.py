"""Free places in a frozen machine: what a device without one gets, so that no other moves.

A place that was taken once stays its device's own, also when that is gone; it is given away only where nothing else
is left, the eldest first. Controllers that come stand behind all others, so that the guest counts those as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from webhook.kubevirt.keeping.hardware import BRIDGES, ROOT_PORT, Controller, Hardware, parts, pci, pci_of

# What a device asks for: a PCI Express slot, one of conventional PCI, one of the root bus; an address of another kind.
PORT, BRIDGE, ROOT = "port", "bridge", "root"
# Root ports for what comes later: cards and virtio disks have others by themselves (`places.py`).
_PORTS = (*range(9, 0x10), *range(8, 0, -1), *range(0x10, 0x1F))
_ROOT_SLOTS = (0x01, *range(0x1E, 0x01, -1))
# q35's and virt's own devices; slots for root ports end before the sound card's.
_LAST_SLOT = 0x1A
_SLOTS = range(1, 0x20)
_SATA_UNITS = 6
_SCSI_UNITS = 256
# Ports of KubeVirt's USB controller, of a hub, and of a controller that is told to have more.
USB_PORTS, _HUB_PORTS, MOST_USB_PORTS = 4, 8, 15
_SERIAL_PORTS = range(1, 31)
_CCW = range(0x10000)


def is_hub(name: str) -> bool:
    """Whether a device is a USB hub, which libvirt adds by itself."""
    return name.rstrip("'") == "hub"


class FreePlaces:
    """Gives places in a machine away; `here` are the names of devices that are there.

    `last`: root ports from the other end, for a device that is met only at a start: what a VM gets when it is written
    finds its place free then.
    """

    def __init__(self, hardware: Hardware, here: Iterable[str], *, last: bool = False) -> None:
        self._order = _PORTS[::-1] if last else _PORTS
        self.controllers = list(hardware.controllers)
        self.addresses = dict(hardware.addresses)
        self._hardware = hardware
        self._here = {*here}
        self._taken = {address: name for name, address in self.addresses.items()}
        self._conventional = hardware.machine.startswith("pc-i440fx") or hardware.machine == "pc"
        self._channel = hardware.arch == "s390x"

    def hardware(self) -> Hardware:
        """The machine with all that was given away."""
        return replace(self._hardware, controllers=tuple(self.controllers), addresses=self.addresses)

    def fits(self, address: str, need: str) -> bool:
        """Whether a device that asks for this can be at an address."""
        found = parts(address)
        if found is None or self._kind(need) != found[0]:
            return False
        at = pci_of(address)
        if at is None:
            hub, dot, _ = address.rpartition(".")
            return need != "usb" or not dot or is_hub(self._taken.get(hub, ""))
        if at[0] == 0:
            return need in (PORT, BRIDGE, ROOT)
        model = next((each.model for each in self.controllers if each.index == at[0]), "")
        return (need != BRIDGE and model == ROOT_PORT and at[1] == 0) or (need == BRIDGE and model in BRIDGES)

    def keep(self, name: str, need: str) -> bool:
        """Whether a device has a place that it can have."""
        address = self.addresses.get(name)
        return address is not None and self.fits(address, need)

    def state(self, name: str, address: str) -> str:
        """Give a device this very place, with the root ports up to it; returns the one that had it, empty for none."""
        other = self._taken.get(address, "")
        self._give(name, address)
        at = pci_of(address)
        while at and self.controllers and at[0] > max(each.index for each in self.controllers):
            if self._added(ROOT_PORT) is None:
                break
        return "" if other == name else other

    def find(self, name: str, need: str, preferred: str = "") -> str:
        """Give a device a free place, the preferred one if it is free; empty where there is none at all."""
        candidates = [preferred] if preferred and self.fits(preferred, need) else []
        address = next(
            (each for each in chain(candidates, self._candidates(need)) if self._is_free(each)), None
        ) or self._left_by_another(need)
        if address:
            self._give(name, address)
        return address or ""

    def spare(self, number: int) -> None:
        """Add root ports until so many are free for what is plugged later."""
        ports = [each for each in self.controllers if each.model == ROOT_PORT]
        used = {each.at[0] for each in self.controllers}
        used |= {at[0] for name in self._here if (at := pci_of(self.addresses.get(name, "")))}
        for _ in range(number - sum(each.index not in used for each in ports) if ports else 0):
            self._added(ROOT_PORT)

    def _give(self, name: str, address: str) -> None:
        other = self._taken.get(address)
        if other is not None:
            self.addresses.pop(other, None)
        before = self.addresses.pop(name, None)
        if before is not None:
            self._taken.pop(before, None)
        self.addresses[name] = address
        self._taken[address] = name

    def _is_free(self, address: str) -> bool:
        at = pci_of(address)
        return address not in self._taken and not (at and any(each.at == at for each in self.controllers))

    def _left_by_another(self, need: str) -> str | None:
        """The place of the device that is gone longest."""
        gone = (name for name in self.addresses if name not in self._here)
        return next((self.addresses[name] for name in gone if self.fits(self.addresses[name], need)), None)

    def _kind(self, need: str) -> str:
        if need not in (PORT, BRIDGE, ROOT):
            return need
        return "ccw" if self._channel else "pci"

    def _candidates(self, need: str) -> Iterator[str]:
        kind = self._kind(need)
        if kind == "pci" and self._conventional:
            return (pci(0, slot) for slot in _SLOTS)
        if kind == "pci":
            return {PORT: self._ports, BRIDGE: self._behind_bridge, ROOT: self._root_slots}[need]()
        if kind == "usb":
            return self._usb()
        return _NUMBERED[kind]()

    def _ports(self) -> Iterator[str]:
        there = {each.index for each in self.controllers if each.model == ROOT_PORT}
        yield from (pci(port, 0) for port in self._order if port in there)
        yield from (pci(port, 0) for port in sorted(there - {*_PORTS}))
        added = self._added(ROOT_PORT)
        if added is not None:
            yield pci(added.index, 0)

    def _added(self, model: str, behind: Controller | None = None) -> Controller | None:
        """A controller behind all others: a root port, or a bridge on one."""
        index = max((each.index for each in self.controllers), default=0) + 1
        if behind is not None:
            at = (behind.index, 0, 0)
        else:
            last = max((each.at for each in self.controllers if each.model == ROOT_PORT), default=(0, 1, 7))
            slot, function = divmod(last[1] * 8 + last[2] + 1, 8)
            at = (0, slot, function)
            if slot > _LAST_SLOT or pci(*at) in self._taken:
                return None
        made = Controller(index, model, at)
        self.controllers.append(made)
        return made

    def _behind_bridge(self) -> Iterator[str]:
        for each in [each for each in self.controllers if each.model in BRIDGES]:
            yield from (pci(each.index, slot) for slot in _SLOTS)
        port = self._added(ROOT_PORT)
        bridge = self._added("pcie-to-pci-bridge", port) if port else None
        if bridge is not None:
            yield from (pci(bridge.index, slot) for slot in _SLOTS)

    def _root_slots(self) -> Iterator[str]:
        full = {each.at[1] for each in self.controllers if each.at[0] == 0}
        full |= {at[1] for address in self._taken if (at := pci_of(address)) and at[0] == 0}
        return (pci(0, slot) for slot in _ROOT_SLOTS if slot not in full)

    def _usb(self) -> Iterator[str]:
        yield from (f"usb 0:{port}" for port in range(1, USB_PORTS + 1))
        hubs = [address for name, address in self.addresses.items() if is_hub(name)]
        yield from (f"{hub}.{port}" for hub in hubs for port in range(1, _HUB_PORTS + 1))
        yield from (f"usb 0:{port}" for port in range(USB_PORTS + 1, MOST_USB_PORTS + 1))


def _ccw() -> Iterator[str]:
    return (f"ccw fe.0.{number:04x}" for number in _CCW)


def _sata() -> Iterator[str]:
    return (f"sata {unit // _SATA_UNITS}:0:0:{unit % _SATA_UNITS}" for unit in range(_SCSI_UNITS))


def _scsi() -> Iterator[str]:
    return (f"scsi 0:0:0:{unit}" for unit in range(_SCSI_UNITS))


def _ide() -> Iterator[str]:
    return (f"ide 0:{number // 2}:0:{number % 2}" for number in range(4))


def _serial() -> Iterator[str]:
    return (f"virtio-serial 0:0:{port}" for port in _SERIAL_PORTS)


_NUMBERED = {"ccw": _ccw, "sata": _sata, "scsi": _scsi, "ide": _ide, "virtio-serial": _serial}
