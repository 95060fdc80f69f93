"""A device's address on its bus (libvirt: formatdomain, "Device Addresses")."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any

from webhook.declare import Element, TextForm, choice, frontend, integer, text
from webhook.domain.address_text import LONGEST, PATTERN, read, write
from webhook.domain.types import Switch

Parts = Mapping[str, Any]
_NONE: Parts = {}

# libvirt reads a PCI bus in base 0 but its schema takes two digits, and it reads other buses in base 10:
# below ten both agree, and only PCI has buses from ten on.
_bus = integer(0, 255)
Bus = Annotated[int, replace(_bus, to_text=lambda value: str(value) if value < 10 else f"0x{value:02x}")]
# PCI slots are written in either base, those of DIMMs and CCIDs in base 10 alone.
Slot = Annotated[int, integer(0, 255)]
Small = Annotated[int, integer(0, 65535)]
# libvirt reads each number of a port in base 10: `1` and `01` would be one port by two names.
PORT = "(0|[1-9][0-9]{0,4})(\\.(0|[1-9][0-9]{0,2})){0,4}"
Word = Annotated[int, integer(0, 0xFFFF, hex_digits=4)]


class Zpci(Element, tag="zpci"):
    """What z/Architecture tells a PCI function by: its user and its function id."""

    uid: Annotated[int, integer(0, 0xFFFF, hex_digits=4)] | None = frontend()
    fid: Annotated[int, integer(0, 0xFFFFFFFF, hex_digits=8)] | None = frontend()


class Address(
    Element,
    tag="address",
    variants=(
        "type",
        {
            "pci": ("domain", "bus", "slot", "function", "multifunction", "zpci"),
            "drive": ("controller", "bus", "target", "unit"),
            "usb": ("bus", "port"),
            "virtio-serial": ("controller", "bus", "port"),
            "isa": ("iobase", "irq"),
            "ccw": ("cssid", "ssid", "devno"),
            "spapr-vio": ("reg",),
            "ccid": ("controller", "slot"),
            "dimm": ("slot", "base"),
            "virtio-mmio": (),
            "unassigned": (),
        },
    ),
    text=TextForm(read, write, PATTERN, LONGEST, "an address", "`0000:01:00.0`, `drive:0:0:0:1` or `usb:0:1`"),
):
    """A device's place."""

    type: (
        Annotated[
            str,
            choice(
                "pci", "drive", "usb", "virtio-serial", "isa", "ccw", "spapr-vio", "ccid", "dimm", "virtio-mmio",
                "unassigned",
            ),
        ]
        | None
    ) = frontend()  # fmt: skip
    domain: Word | None = frontend()
    bus: Bus | None = frontend()
    slot: Slot | None = frontend()
    function: Annotated[int, integer(0, 7, hex_digits=1)] | None = frontend()
    multifunction: Switch | None = frontend()
    zpci: Zpci | None = frontend()
    controller: Small | None = frontend()
    target: Small | None = frontend()
    unit: Small | None = frontend()
    port: Annotated[str, text(32, PORT, "a port like `1` or `1.2`")] | None = frontend()
    iobase: Annotated[int, integer(0, 0xFFFF, hex_digits=3)] | None = frontend()
    irq: Annotated[int, integer(0, 15, hex_digits=1)] | None = frontend()
    cssid: Annotated[int, integer(0, 0xFE, hex_digits=2)] | None = frontend()
    ssid: Annotated[int, integer(0, 3, hex_digits=1)] | None = frontend()
    devno: Word | None = frontend()
    reg: Annotated[int, integer(0, 0xFFFFFFFF, hex_digits=8)] | None = frontend()
    base: Annotated[int, integer(0, 2**48, hex_digits=9)] | None = frontend()


# Texts come from tenants, and the same few come again and again.
@lru_cache(4096)
def parts(address: str) -> Parts:
    """The fields of an address, all that its type has but for the options; of a text that is none, no fields."""
    return read(address) or _NONE


def parts_of(device: Mapping[str, Any]) -> Parts:
    """The fields of a device's address; no fields where it has none."""
    address = device.get("address")
    return parts(address) if address else _NONE


def place(address: str) -> str:
    """What of an address is equal for two devices at one place; empty where it is no place of its own."""
    there = parts(address)
    if (
        not there
        or there["type"] in ("unassigned", "virtio-mmio")
        or (there["type"] == "isa" and "iobase" not in there)
    ):
        return ""
    return address.partition(",")[0]


def on_pci(bus: int, slot: int, function: int = 0, *, multifunction: bool = False) -> str:
    """The address of a PCI function of domain 0."""
    return f"0000:{bus:02x}:{slot:02x}.{function}" + (",multifunction=on" if multifunction else "")
