"""Disks on IDE, SATA, SCSI and floppy controllers: the target that orders them, and the drive address.

A target that the tenant states implies an address by libvirt's own rule (virDiskNameToIndex and
virDomainDiskDefAssignAddress); otherwise the first free place of the bus is taken and the target follows.
"""

from __future__ import annotations

from collections.abc import Iterator

from webhook.declare import shown
from webhook.domain.address import Parts, parts_of
from webhook.domain.address_text import write
from webhook.domain.bus import DRIVE
from webhook.expand.addresses.controllers import MOST, Controllers
from webhook.expand.addresses.reserving import give_up, to_give
from webhook.expand.addresses.waiting import listed_in, lists_on, waiting
from webhook.expand.device_order import in_order
from webhook.trees import Tree

# The parts of an address.
_PARTS = ("controller", "bus", "target", "unit")
Place = tuple[int, int, int, int]

# Disks of a controller in libvirt's default mapping; with another number, libvirt's own addresses would differ.
_UNITS = {"ide": 4, "sata": 6, "scsi": 7, "fdc": 2}
_PREFIX = {"ide": "hd", "fdc": "fd", "virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "sd": "sd"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# The machines of this rule set have one IDE controller and one floppy controller.
_SINGLE = frozenset({"ide", "fdc"})


def _usual_bus(disk: Tree, controllers: Controllers) -> str:
    """Where a drive goes whose bus nobody stated: virtio has no removable media."""
    if disk.get("device") == "floppy":
        return "fdc"
    return str(controllers.machine.defaults["cdrom"]) if disk.get("device") == "cdrom" else "virtio"


def place(devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
    """Give every disk a target, and every disk and other device on these buses its drive address."""
    disks: list[Tree] = devices.get("disks", [])
    resting = [entry["device"] for entry in reserved if entry["list"] == "disks"]
    names = {disk["target"]["dev"] for disk in (*disks, *resting) if disk.get("target", {}).get("dev")}
    drives = _Drives(disks, controllers, reserved, names)
    free = {prefix: _letters(prefix, names) for prefix in {*_PREFIX.values()}}
    # Seeds come last: what they set up is the first disk of its bus, with them and without.
    ordered = in_order("disks", disks, controllers.order)
    for index, disk in sorted(ordered, key=lambda each: bool(each[1].get("seed"))):
        target = disk.setdefault("target", {})
        bus = target.setdefault("bus", _usual_bus(disk, controllers))
        if bus in _UNITS and not disk.get("address"):
            drives.give(disk, bus, f".devices.disks[{index}]")
        if not target.get("dev"):
            target["dev"] = _target_of_address(disk, bus, names) or next(free[_PREFIX[bus]])
            names.add(target["dev"])
    for entry in waiting(DRIVE, devices, controllers):
        if entry.listed != "disks":
            drives.give(entry.device, entry.role, entry.where)
    for bus, address in list(_buses(devices)):
        controllers.ensure(bus, address["controller"])


def _buses(devices: Tree) -> Iterator[tuple[str, Parts]]:
    """The address of every device that is on one of these buses, with the bus that its declaration says."""
    for listed, buses in lists_on(DRIVE):
        declared = next(bus for bus in buses if bus.name == DRIVE)
        for device in listed_in(devices, listed):
            address = parts_of(device)
            if address.get("type") == DRIVE and declared.fits(device):
                yield declared.role_of(device, listed), address


class _Drives:
    """The drive addresses of one domain: which are taken, by bus, and which are free, in order."""

    def __init__(self, disks: list[Tree], controllers: Controllers, reserved: list[Tree], names: set[str]) -> None:
        self.controllers = controllers
        self.taken = _taken(disks, reserved)
        self.reserved = reserved
        # The targets that are not free.
        self.names = names
        # By bus, and whether they are for a CD-ROM: an address that was passed never becomes free again.
        self._free: dict[tuple[str, bool], Iterator[Place]] = {}

    def give(self, device: Tree, bus: str, where: str) -> None:
        """Write the device's address: the one that its stated target implies, or the first free one."""
        stated, taken = device.get("target", {}).get("dev"), self.taken[bus]
        found: Place | None
        if stated:
            found = _of_name(stated, bus)
            if found in taken:
                problem = f"`{shown(stated)}` means a place where `{taken[found]}` is, or was"
                self.controllers.refuse(f"{where}.target.dev", problem, "leave the target out, or name another")
                return
        else:
            found = self._next(bus, device.get("device") == "cdrom")
            if bus in _SINGLE and found is None:
                found = self._given_up(bus)
        if found is None or (bus in _SINGLE and found[0] > 0):
            problem = f"is one more than the {_UNITS[bus]} drives that the machine's {bus} controller has"
            way = "use another interface: virtio or virtio-scsi have room for hundreds"
            self.controllers.refuse(where, problem, way)
            return
        taken[found] = device.get("name", "another disk")
        device["address"] = write(dict(zip(("type", *_PARTS), (DRIVE, *found), strict=True)))

    def _given_up(self, bus: str) -> Place | None:
        """The place of the disk that was removed first, which is its target, too."""
        for entry, address in to_give(DRIVE, self.reserved):
            target = entry["device"].get("target") or {}
            if entry["list"] == "disks" and target.get("bus") == bus and "given" not in entry:
                controller, channel, number, unit = (address[name] for name in _PARTS)
                give_up(entry)
                self.names.discard(target.get("dev", ""))
                return controller, channel, number, unit
        return None

    def _next(self, bus: str, optical: bool) -> Place | None:
        free = self._free.get((bus, optical))
        if free is None:
            free = self._free[bus, optical] = (one for one in _places(bus, optical) if one not in self.taken[bus])
        return next(free, None)


def _places(bus: str, optical: bool) -> Iterator[Place]:
    """All places of a bus in order; a CD-ROM on IDE begins with the second channel (hdc)."""
    units = _UNITS[bus]
    if bus == "ide":
        order = (2, 3, 0, 1) if optical else (0, 1, 2, 3)
        yield from (_of_index(number, bus) for number in order)
        return
    for number in range(units * (1 if bus in _SINGLE else MOST)):
        yield _of_index(number, bus)


def _of_name(name: str, bus: str) -> Place:
    """The place that libvirt gives a target by its letters."""
    return _of_index(number_of(name), bus)


def number_of(name: str) -> int:
    """A target's number among those with its prefix: 0 of `sda`, 26 of `sdaa`."""
    number = 0
    for letter in name[2:] if not name.startswith("xvd") else name[3:]:
        number = number * 26 + ord(letter) - ord("a") + 1
    return number - 1


def _of_index(number: int, bus: str) -> Place:
    controller, unit = divmod(number, _UNITS[bus])
    return (controller, unit // 2, 0, unit % 2) if bus == "ide" else (controller, 0, 0, unit)


def _target_of_address(disk: Tree, bus: str, names: set[str]) -> str | None:
    """The target whose letters stand for the disk's address, where it is free."""
    address = parts_of(disk)
    if bus not in _UNITS or address.get("type") != DRIVE or address["target"]:
        return None
    unit = address["bus"] * 2 + address["unit"] if bus == "ide" else address["unit"]
    name = _PREFIX[bus] + letters(address["controller"] * _UNITS[bus] + unit)
    return None if name in names else name


def _taken(disks: list[Tree], reserved: list[Tree]) -> dict[str, dict[Place, str]]:
    """The name of the disk, present or removed, at each place, by bus."""
    found: dict[str, dict[Place, str]] = {bus: {} for bus in _UNITS}
    for disk in (*disks, *(entry["device"] for entry in reserved if entry["list"] == "disks")):
        address = parts_of(disk)
        of_bus = found.get(disk["target"].get("bus", "")) if "target" in disk else None
        if of_bus is not None and address.get("type") == DRIVE:
            controller, channel, target, unit = (address[name] for name in _PARTS)
            of_bus.setdefault((controller, channel, target, unit), disk.get("name", "another disk"))
    return found


def _letters(prefix: str, names: set[str]) -> Iterator[str]:
    number = 0
    while True:
        name = prefix + letters(number)
        number += 1
        if name not in names:
            yield name


def letters(number: int) -> str:
    """0 is a, 25 is z, 26 is aa: as Linux and libvirt count disks."""
    found = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        found = _LETTERS[rest] + found
    return found
