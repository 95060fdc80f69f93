"""The devices that need an address on a bus, in the order that their declarations give (`Bus.order`), and within a
list in the order in which features ask for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from webhook.domain.address import Parts, parts_of
from webhook.domain.bus import Bus, bus_of
from webhook.domain.devices import KINDS
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.device_order import in_order
from webhook.trees import Tree


class Waiting(NamedTuple):
    """A device without an address: its list, its place below the domain, itself, its bus, and its role there."""

    listed: str
    where: str
    device: Tree
    bus: Bus
    role: str


def waiting(name: str, devices: Tree, controllers: Controllers) -> Iterator[Waiting]:
    """The devices of one bus that have no address, in the order in which they get one."""
    machine, lists = controllers.machine, lists_on(name)
    if machine.order:
        ranks = {listed: rank for rank, listed in enumerate(machine.order)}
        lists = tuple(sorted(lists, key=lambda entry: ranks.get(entry[0], len(ranks))))
    for listed, buses in lists:
        found = devices.get(listed)
        if found:
            single = type(found) is dict
            for index, device in in_order(listed, (found,) if single else found, controllers.order):
                if not device.get("address"):
                    bus = bus_of(device, buses, machine.lacking)
                    if bus is not None and bus.name == name:
                        where = f".devices.{listed}" if single else f".devices.{listed}[{index}]"
                        yield Waiting(listed, where, device, bus, bus.role_of(device, listed))


def listed_in(devices: Tree, listed: str) -> Sequence[Tree]:
    """The devices of a list; a single device as a list of one."""
    found = devices.get(listed, ())
    return (found,) if type(found) is dict else found


def addresses(name: str, devices: Tree, reserved: list[Tree] | None = None) -> Iterator[Parts]:
    """The addresses on one bus that devices have, and those that removed ones keep."""
    there = (device for listed, _ in lists_on(name) if listed in devices for device in listed_in(devices, listed))
    for device in (*there, *(entry["device"] for entry in reserved or ())):
        address = parts_of(device)
        if address.get("type") == name:
            yield address


# Declarations do not change: one entry a bus.
@cache
def lists_on(name: str) -> tuple[tuple[str, tuple[Bus, ...]], ...]:
    """The lists with devices on a bus, in order of allocation, each with its buses up to this one."""
    found: list[tuple[int, str, tuple[Bus, ...]]] = []
    for listed, kind in KINDS.items():
        ours = [place for place, bus in enumerate(kind.buses) if bus.name == name]
        if ours:
            order = min(kind.buses[place].order for place in ours)
            found.append((order, listed, kind.buses[: ours[-1] + 1]))
    return tuple((listed, buses) for _, listed, buses in sorted(found, key=lambda entry: entry[:2]))
