"""Chooses places so that what KubeVirt places by itself finds the same ports free, whatever cards and disks there are.

Cards stand on low root ports, which KubeVirt reserves for them; virtio disks stand far up. Between them is what no
field of the API can place: it gets the lowest ports that are free, in an order that never changes. How many ports
KubeVirt reserves is an annotation, and is chosen so that the fewest devices move: one less for a bridge that comes.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from webhook.kubevirt.starting.devices import CONVENTIONAL_CARDS, SLOT_COUNT, Card, Devices, Disk
from webhook.kubevirt.starting.layout import Layout, address_of, card_name, held, layout, port_of
from webhook.kubevirt.starting.topology import Ports

# Port 1 is left to the bridge that a watchdog brings: libvirt gives it the lowest port that is free.
_LOW = range(2, 9)
_HIGH = range(0x10, 0x1F)
# Both firmwares enumerate 31 root ports; the disk that boots has the last one, so that all of them are there.
_LAST = 0x1F
_BEYOND = range(0x20, 0x60)
# With fewer cards than KubeVirt reserves by itself, where it reserves a number of its own.
_FIXED = (2, 3, 4, 1)
# With more there are not enough of these ports for disks, whose guest finds them where libvirt has room.
MOST_PLACED = 80
# The ports of what KubeVirt places first, in a VM whose places are chosen.
_CHOSEN = {"usb0": 9, "scsi0": 10, "virtio-serial0": 11}
# So many ports are reserved with cards, usually; so many more or fewer are tried.
_USUAL = 8
_MOST_HELD = 16


@dataclass(frozen=True, slots=True)
class Placed:
    """Devices with the addresses that they get, the number that the annotation says, and where all of them are then."""

    devices: Devices
    slots: int
    layout: Layout


def placeable(devices: Devices) -> Iterator[tuple[str, Card | Disk]]:
    """The devices whose place a field can say, by name.

    A card of conventional PCI has one, too; but libvirt makes a bridge of its port where no higher one is stated, and
    then does not start the VM.
    """
    for card in devices.cards:
        if card.passed or card.model not in CONVENTIONAL_CARDS:
            yield f"interface {card.name}", card
    for disk in devices.disks:
        if disk.bus == "virtio" and disk.target == "disk":
            yield f"disk {disk.name}", disk


def choose(devices: Devices, known: dict[str, int], avoided: Container[int], ports: Ports) -> dict[str, int]:
    """A root port for each device that has none yet: the one that is known of it, else a free one."""
    stated = [*(card.address for card in devices.cards), *(disk.address for disk in devices.disks)]
    taken = {port for address in stated if (port := port_of(address))}
    found: dict[str, int] = {}
    unplaced = [name for name, each in placeable(devices) if not each.address]
    for name in unplaced:
        port = known.get(name)
        if port is not None and port not in taken:
            found[name] = port
            taken.add(port)
    taken |= set(known.values())
    for name in unplaced:
        if name not in found:
            candidates = _for_disks(taken) if name.startswith("disk ") else _for_cards(ports)
            free = (port for port in candidates if port not in taken and port not in avoided)
            port = next(free, None)
            if port is not None:
                found[name] = port
                taken.add(port)
    return found


def _for_cards(ports: Ports) -> Iterable[int]:
    return chain(_FIXED if ports == "fixed" else _LOW, reversed(_HIGH), _BEYOND)


def _for_disks(taken: set[int]) -> Iterable[int]:
    return chain([] if _LAST in taken else [_LAST], _HIGH, _BEYOND)


def with_ports(devices: Devices, found: dict[str, int]) -> Devices:
    """The same devices, with these addresses where they have none."""
    addresses = {
        name: address_of(found[name]) for name, each in placeable(devices) if name in found and not each.address
    }
    cards = (replace(each, address=addresses.get(f"interface {each.name}", each.address)) for each in devices.cards)
    disks = (replace(each, address=addresses.get(f"disk {each.name}", each.address)) for each in devices.disks)
    return replace(devices, cards=tuple(cards), disks=tuple(disks))


def known_ports(devices: Devices, before: Layout) -> dict[str, int]:
    """The ports that the devices had whose place a field can say."""
    found = {}
    for name, each in placeable(devices):
        port = before.ports.get(card_name(each) if isinstance(each, Card) else name)
        if port is not None:
            found[name] = port
    return found


def settled(devices: Devices, before: Layout | None, ports: Ports) -> Placed:
    """With the number of reserved ports at which the fewest devices of `before` move; of a new VM the chosen one."""
    cards = len(devices.cards)
    first = held(devices, ports)
    if ports != "annotated":
        return Placed(devices, first + cards, layout(devices, first))
    best, least = first, None
    for holding in _from(first if before else max(0, _USUAL - cards)):
        made = layout(devices, holding)
        count = _on_other_ports(before, made) if before else _astray(made)
        if least is None or count < least:
            best, least = holding, count
        if not least:
            break
    slots = best + cards
    noted = {**devices.annotations, SLOT_COUNT: str(slots)}
    return Placed(replace(devices, annotations=noted), slots, layout(devices, best))


def _from(first: int) -> Iterator[int]:
    """All numbers of reserved ports, those first that are near to one."""
    yield first
    for step in range(1, _MOST_HELD + 1):
        yield first + step
        if first >= step:
            yield first - step


def _on_other_ports(before: Layout, after: Layout) -> int:
    """How many devices of both have another root port: where the root ports themselves are is not ours to choose."""
    return sum(after.ports.get(name, port) != port for name, port in before.ports.items() if name != "bridge")


def moved(before: Layout, after: Layout) -> list[str]:
    """The devices of both that the guest finds elsewhere."""
    return [name for name, place in before.places.items() if after.places.get(name, place) != place]


def _astray(made: Layout) -> int:
    """How far the first device that KubeVirt places is from where it is in every VM whose places are chosen."""
    for name, port in _CHOSEN.items():
        if name in made.ports:
            return abs(made.ports[name] - port)
    return 0


def automatic(made: Layout, devices: Devices) -> set[int]:
    """The ports of what has no field for its place."""
    stated = {f"disk {disk.name}" for disk in devices.disks} | {card_name(card) for card in devices.cards}
    return {port for name, port in made.ports.items() if name not in stated}
