"""The lists of a document in the order in which libvirt keeps them, and what it numbers by that order.

A dump is in this order; a document that libvirt has not seen may be in any, and devices get their places by it.
Sources: libvirt 9.0, src/conf/domain_conf.c (virDomainDiskInsert, virDomainControllerInsert,
virDomainDefAddImplicitControllers) and src/conf/domain_postparse.c (virDomainChrDefPostParse).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from webhook.declare.tree import copied
from webhook.domain.address import Parts, on_pci, parts_of
from webhook.domain.bus import PCI
from webhook.domain.devices.controller import is_companion
from webhook.domain.root_ports import ROOT_PORT, folded, unfolded
from webhook.expand.addresses import allocate
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.addresses.drive import number_of
from webhook.expand.device_order import DeviceOrder
from webhook.expand.unseen import each_device
from webhook.machines import Machine
from webhook.trees import Tree

# The types of controllers that disks need, in the order in which libvirt adds them. Their buses have the same names.
_IMPLICIT = ("scsi", "fdc", "ide", "sata")
_AS_LISTED: DeviceOrder = {}


def number_ports(devices: Tree) -> None:
    """Number serial and parallel ports, in place: `isa-serial` among themselves, others behind the highest."""
    serials = devices.get("serials", ())
    for number, port in enumerate(each for each in serials if each.get("target", {}).get("type") == "isa-serial"):
        port["target"].setdefault("port", number)
    for ports in (serials, devices.get("parallels", ())):
        highest = max((each.get("target", {}).get("port", -1) for each in ports), default=-1)
        for port in ports:
            target = port.setdefault("target", {})
            if "port" not in target:
                highest += 1
                target["port"] = highest


def order_disks(devices: Tree) -> None:
    """The disks of each bus together, in the order of their targets; in place."""
    disks = devices.get("disks", ())
    if all(each.get("target", {}).get("dev") and each["target"].get("bus") for each in disks):
        devices["disks"] = _grouped(
            disks, lambda disk: disk["target"]["bus"], lambda disk: number_of(disk["target"]["dev"])
        )


def order_controllers(devices: Tree) -> None:
    """The controllers of each type together, in the order of their indexes where all have one; in place."""
    controllers = devices.get("controllers")
    if controllers and all("index" in each for each in controllers):
        devices["controllers"] = _grouped(
            controllers, lambda each: str(each.get("type")), lambda each: (each["index"], is_companion(each))
        )


def add_disk_controllers(domain: Tree, machine: Machine) -> None:
    """Add the controllers that libvirt adds for disks behind the others, in its order and in place."""
    trial = copied(domain)
    allocate(trial, machine, [], "")
    last: dict[str, int] = {}
    for disk in trial["devices"].get("disks", ()):
        address, bus = parts_of(disk), disk.get("target", {}).get("bus", "")
        if address.get("type") == "drive":
            last[bus] = max(last.get(bus, 0), address["controller"])
    devices = domain["devices"]
    controllers = Controllers(devices, machine, "", _AS_LISTED)
    for kind in _IMPLICIT:
        for index in range(last.get(kind, -1) + 1):
            controllers.ensure(kind, index)


def free_lone_ports(devices: Tree, before: set[int]) -> None:
    """A root port that was added and has its slot to itself is no part of a multifunction device; in place.

    `before` are the indexes of the PCI controllers that there were.
    """
    controllers = [dict(each) for each in unfolded(devices["controllers"])]
    others = [device for place, device in each_device(devices) if not place.startswith("controllers[")]
    slots = Counter(_slot(place) for each in (*controllers, *others) if (place := parts_of(each)).get("type") == PCI)
    lone = [
        each
        for each in controllers
        if each.get("model") == ROOT_PORT and each["index"] not in before and slots[_slot(parts_of(each))] == 1
    ]
    for port in lone:
        place = parts_of(port)
        port["address"] = on_pci(place["bus"], place["slot"], place["function"])
    if lone:
        devices["controllers"] = folded(controllers)


def _slot(address: Parts) -> tuple[int, int, int]:
    return address["domain"], address["bus"], address["slot"]


def _grouped(entries: Iterable[Tree], group: Callable[[Tree], str], rank: Callable[[Tree], object]) -> list[Tree]:
    """The groups in the order of their first entries, each sorted."""
    groups: dict[str, list[Tree]] = {}
    for each in entries:
        groups.setdefault(group(each), []).append(each)
    return [each for grouped in groups.values() for each in sorted(grouped, key=rank)]  # type: ignore[arg-type]
