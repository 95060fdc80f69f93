"""Addresses as texts: `0000:01:00.0`, `drive:0:0:0:1`, `usb:0:1`. docs/reference/addresses.md is the grammar.

Each place has one text: lower-case hex of a fixed length, numbers in base ten without zeros before them, options in one
order. `read` also understands what is written otherwise, so that the one text can be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from webhook.trees import Tree

LONGEST = 64
_N = "(0|[1-9][0-9]{0,4})"
PATTERN = "|".join(
    (
        r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](,multifunction=(on|off))?(,uid=0x[0-9a-f]{4})?(,fid=0x[0-9a-f]{8})?",
        r"[0-9a-f]{2}\.[0-3]\.[0-9a-f]{4}",
        f"drive:{_N}:{_N}:{_N}:{_N}",
        f"usb:{_N}:{_N}(\\.{_N}){{0,4}}",
        f"virtio-serial:{_N}:{_N}:{_N}",
        f"isa:(0x[0-9a-f]{{3,4}}(,irq={_N})?|irq={_N})",
        "spapr-vio:0x[0-9a-f]{8}",
        f"ccid:{_N}:{_N}",
        f"dimm:{_N}(,base=0x[0-9a-f]{{9,13}})?",
        "virtio-mmio",
        "unassigned",
    )
)

# The fields between the colons, in order; those of PCI and of the channel subsystem have marks of their own.
_NUMBERS = {
    "drive": ("controller", "bus", "target", "unit"),
    "usb": ("bus", "port"),
    "virtio-serial": ("controller", "bus", "port"),
    "isa": ("iobase",),
    "spapr-vio": ("reg",),
    "ccid": ("controller", "slot"),
    "dimm": ("slot",),
    "virtio-mmio": (),
    "unassigned": (),
}
# How many fields these have with their type, and how they are written where none is missing.
_FORMS: dict[str, tuple[int, Callable[[Tree], str]]] = {
    "drive": (5, "drive:{controller}:{bus}:{target}:{unit}".format_map),
    "usb": (3, "usb:{bus}:{port}".format_map),
    "virtio-serial": (4, "virtio-serial:{controller}:{bus}:{port}".format_map),
}
_OPTIONS = {"pci": ("multifunction", "uid", "fid"), "isa": ("iobase", "irq"), "dimm": ("base",)}
# libvirt reads these as 0 where they are not said, and so does a map of parts.
_ZERO = frozenset({"domain", "bus", "slot", "function", "controller", "target", "unit"})
_HEX = frozenset({"iobase", "reg", "base", "uid", "fid"})

_PCI = re.compile(
    r"(?:pci:)?(?:(?:0x)?([0-9a-f]{1,4}):)?(?:0x)?([0-9a-f]{1,2}):(?:0x)?([0-9a-f]{1,2})\.(?:0x)?([0-9a-f])"
)
_CCW = re.compile(r"(?:ccw:)?(?:0x)?([0-9a-f]{1,2})\.(?:0x)?([0-9a-f])\.(?:0x)?([0-9a-f]{1,4})")
_NUMBER = re.compile("0x[0-9a-f]{1,16}|[0-9]{1,16}")
_PORTS = {"usb": re.compile(r"[0-9]{1,5}(\.[0-9]{1,3}){0,4}"), "virtio-serial": re.compile("[0-9]{1,5}")}


def read(text: str) -> Tree | None:
    """The fields of an address, in their type's order; None where it is none. Their bounds are not looked at."""
    head, *options = text.lower().replace(" ", "").split(",")
    found = _PCI.fullmatch(head)
    if found is not None:
        domain, bus, slot, function = (int(number or "0", 16) for number in found.groups())
        return _with(options, {"type": "pci", "domain": domain, "bus": bus, "slot": slot, "function": function})
    found = _CCW.fullmatch(head)
    if found is not None:
        cssid, ssid, devno = (int(number, 16) for number in found.groups())
        return None if options else {"type": "ccw", "cssid": cssid, "ssid": ssid, "devno": devno}
    kind, colon, rest = head.partition(":")
    names = _NUMBERS.get(kind)
    if names is None:
        return None
    values = rest.split(":") if colon else []
    if kind == "isa" and "=" in rest:
        options, values, names = [rest, *options], [], ()
    if len(values) != len(names):
        return None
    made: Tree = {"type": kind}
    for name, value in zip(names, values, strict=True):
        if not _put(made, name, value):
            return None
    return _with(options, made) if made.keys() != {"type"} or options or not _NUMBERS[kind] else None


def _with(options: list[str], made: Tree) -> Tree | None:
    known = _OPTIONS.get(made["type"], ())
    for option in options:
        name, _, value = option.partition("=")
        if name not in known or name in made or name in made.get("zpci", ()):
            return None
        if name == "multifunction":
            if value not in ("on", "off"):
                return None
            made[name] = value == "on"
        elif not _put(made.setdefault("zpci", {}) if name in ("uid", "fid") else made, name, value):
            return None
    return made


def _put(made: Tree, name: str, value: str) -> bool:
    """Read one field: a port is a text, all others are numbers."""
    if name == "port":
        if _PORTS[made["type"]].fullmatch(value):
            made[name] = ".".join([str(int(number)) for number in value.split(".")])
    elif _NUMBER.fullmatch(value):
        made[name] = int(value, 16 if name in _HEX or value.startswith("0x") else 10)
    return name in made


def write(fields: Tree) -> str:
    """The one text of an address; ValueError says what it lacks."""
    kind = fields.get("type")
    form = _FORMS.get(kind or "")
    if form is not None and len(fields) == form[0]:  # nearly always: all parts are there, and no option
        return form[1](fields)
    if kind is None:
        raise ValueError("its `type` is missing")
    if kind == "pci":
        if not fields.keys() & {"bus", "slot"}:
            raise ValueError("its `bus` and `slot` are missing")
        numbers = (fields.get(name, 0) for name in ("domain", "bus", "slot", "function"))
        return "{:04x}:{:02x}:{:02x}.{:x}".format(*numbers) + _pci_options(fields)
    if kind == "ccw":
        return "{:02x}.{:x}.{:04x}".format(*(_needed(fields, name) for name in ("cssid", "ssid", "devno")))
    if kind == "isa":
        base, irq = fields.get("iobase"), fields.get("irq")
        if base is None and irq is None:
            raise ValueError("its `iobase` is missing")
        said = ([] if base is None else [f"0x{base:03x}"]) + ([] if irq is None else [f"irq={irq}"])
        return f"isa:{','.join(said)}"
    if kind == "spapr-vio":
        return f"spapr-vio:0x{_needed(fields, 'reg'):08x}"
    if kind == "dimm" and "slot" not in fields:
        raise ValueError("its `slot` is missing")
    made = ":".join([kind, *(str(_needed(fields, name)) for name in _NUMBERS[kind])])
    return f"{made},base=0x{fields['base']:09x}" if kind == "dimm" and "base" in fields else made


def _pci_options(fields: Tree) -> str:
    zpci, made = fields.get("zpci") or {}, ""
    if "multifunction" in fields:
        made += f",multifunction={'on' if fields['multifunction'] else 'off'}"
    if "uid" in zpci:
        made += f",uid=0x{zpci['uid']:04x}"
    return f"{made},fid=0x{zpci['fid']:08x}" if "fid" in zpci else made


def _needed(fields: Tree, name: str) -> Any:
    value = fields.get(name, 0 if name in _ZERO else None)
    if value is None:
        raise ValueError(f"its `{name}` is missing")
    return value
