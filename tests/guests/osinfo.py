"""What Debian's osinfo-db says of operating systems: names, devices, firmware, minima. No word of ours is in it.

Devices go by osinfo's names, such as `virtio1.0-block`. As in libosinfo a system has the devices of those that it
derives from or clones; what it says itself goes before, `supported="false"` takes away. An upgrade hands nothing down.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path("/usr/share/osinfo")
_PARENTS = ("derives-from", "clones")
# Later ones go before.
_ARCHS = ("all", "x86_64")


@dataclass(frozen=True, slots=True)
class System:
    """One system on x86_64; `firmware` says of each that it names whether it is supported; minima in bytes."""

    names: tuple[str, ...]
    supported: frozenset[str]
    unsupported: frozenset[str]
    firmware: dict[str, bool]
    minimum: dict[str, int]


@cache
def systems() -> dict[str, System]:
    """Every system by its id, such as `http://microsoft.com/win/11`."""
    return {name: _system(name) for name in _elements()}


@cache
def _elements() -> dict[str, list[ET.Element]]:
    """The elements of each system: its own file and those of the folder beside it."""
    found: dict[str, list[ET.Element]] = {}
    for path in sorted((FOLDER / "os").rglob("*.xml")):
        for element in ET.parse(path).getroot().iter("os"):
            found.setdefault(element.attrib["id"], []).append(element)
    return found


@cache
def _devices() -> dict[str, str]:
    parsed = (ET.parse(path).getroot() for path in (FOLDER / "device").rglob("*.xml"))
    return {
        element.attrib["id"]: element.findtext("name", "")
        for root in parsed
        for element in root.iter("device")
        if element.find("name") is not None
    }


@cache
def _system(name: str) -> System:
    elements = _elements().get(name, [])
    supported: set[str] = set()
    unsupported: set[str] = set()
    firmware: dict[str, bool] = {}
    minimum: dict[str, int] = {}
    for parent in (
        _system(found.attrib["id"]) for element in elements for kind in _PARENTS for found in element.findall(kind)
    ):
        supported |= parent.supported
        unsupported |= parent.unsupported - parent.supported
        firmware |= parent.firmware
        minimum |= parent.minimum
    for device in (found for element in elements for found in element.findall("devices/device")):
        denied = device.get("supported") == "false"
        of, other = (unsupported, supported) if denied else (supported, unsupported)
        of.add(_devices()[device.attrib["id"]])
        other.discard(_devices()[device.attrib["id"]])
    for found in (found for element in elements for found in element.findall("firmware")):
        if found.get("arch") in _ARCHS:
            firmware[found.attrib["type"]] = found.get("supported") != "false"
    for arch in _ARCHS:
        for least in (found for element in elements for found in element.findall(f"resources[@arch='{arch}']/minimum")):
            minimum |= {entry.tag: int(entry.text or 0) for entry in least}
    names = tuple(dict.fromkeys(found.text or "" for element in elements for found in element.findall("short-id")))
    return System(names, frozenset(supported), frozenset(unsupported), firmware, minimum)
