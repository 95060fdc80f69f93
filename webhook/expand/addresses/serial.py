"""Ports on virtio-serial controllers, and serial ports of the machine's own type."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from webhook.domain.address import Parts
from webhook.domain.address_text import write
from webhook.domain.bus import ISA, VIRTIO_SERIAL
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.addresses.reserving import give_up, to_give
from webhook.expand.addresses.waiting import addresses, waiting
from webhook.trees import Tree

# I/O base and interrupt of the four serial ports of a PC (QEMU hw/char/serial-isa.c).
_ISA = ((0x3F8, 4), (0x2F8, 3), (0x3E8, 4), (0x2E8, 3))


def place(devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
    """Give channels and virtio consoles a port, and serial ports their number, I/O base and interrupt."""
    _virtio(devices, controllers, reserved)
    _own(devices, controllers, reserved)
    _consoles(devices)


def _virtio(devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
    unplaced = list(waiting(VIRTIO_SERIAL, devices, controllers))
    if unplaced:
        free = _free(controllers, {_port(address) for address in addresses(VIRTIO_SERIAL, devices, reserved)})
        for entry in unplaced:
            controller, port = next(free)
            place = {"type": VIRTIO_SERIAL, "controller": controller, "bus": 0, "port": str(port)}
            entry.device["address"] = write(place)
    for address in list(addresses(VIRTIO_SERIAL, devices)):
        controllers.ensure(VIRTIO_SERIAL, address["controller"])


def _port(address: Parts) -> tuple[int, int]:
    return address["controller"], int(address["port"])


def _free(controllers: Controllers, taken: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Free ports from 1 on, controller by controller; port 0 is kept for the first console (libvirt)."""
    index = 0
    while True:
        ports = controllers.ensure("virtio-serial", index)["ports"]
        yield from ((index, port) for port in range(1, ports) if (index, port) not in taken)
        index += 1


def _own(devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
    """Serial ports are numbered, whatever they are on; a PC's own have an I/O base and an interrupt."""
    kind, model = controllers.machine.defaults["serial"].values()
    serials = devices.get("serials", ())
    before = [entry["device"] for entry in reserved if entry["list"] == "serials"]
    taken = {_number(entry) for entry in (*serials, *before)}
    free = _free_numbers(taken)
    for index, entry in enumerate(serials):
        target = entry.setdefault("target", {})
        own = target.setdefault("type", kind) == kind
        if own:
            target.setdefault("model", model)
        if target.get("port") is None:
            target["port"] = next(free)
            if own and target["port"] >= len(_ISA):
                given = _given_up(reserved)
                target["port"] = target["port"] if given is None else given
        if own and target["port"] >= len(_ISA):
            way = "the machine has four; use a channel instead"
            controllers.refuse(f".devices.serials[{index}]", "is one serial port too many", way)
        elif own and kind == "isa-serial":
            base, interrupt = _ISA[target["port"]]
            entry.setdefault("address", write({"type": "isa", "iobase": base, "irq": interrupt}))


def _given_up(reserved: list[Tree]) -> int | None:
    """The number of the machine's own serial port that was removed first."""
    for entry, _ in to_give(ISA, reserved):
        number = _number(entry["device"])
        if entry["list"] == "serials" and number is not None and "given" not in entry:
            give_up(entry)
            return number
    return None


def _free_numbers(taken: set[int | None]) -> Iterator[int]:
    """The numbers that are not taken, the lowest first."""
    return (number for number in count() if number not in taken)


def _number(entry: Tree) -> int | None:
    number: int | None = entry.get("target", {}).get("port")
    return number


def _consoles(devices: Tree) -> None:
    """Consoles are numbered among those of their own kind."""
    taken: dict[str, set[int | None]] = {}
    for entry in devices.get("consoles", ()):
        taken.setdefault(_kind(entry), set()).add(_number(entry))
    free = {kind: _free_numbers(numbers) for kind, numbers in taken.items()}
    for entry in devices.get("consoles", ()):
        if _number(entry) is None:
            kind = _kind(entry)
            entry.setdefault("target", {})["port"] = next(free[kind])


def _kind(entry: Tree) -> str:
    kind: str = entry.get("target", {}).get("type", "")
    return kind
