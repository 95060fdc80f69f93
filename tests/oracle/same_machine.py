"""Whether two documents are one machine: by libvirt's facts about them, and by the command lines that it makes of them.

Knows nothing of our declarations. What the host alone provides is left out of a command line: images, sockets, taps,
displays, and the names that options have among each other.
"""

from __future__ import annotations

import re
from typing import Any

from tests.oracle.arguments import Options, options
from tests.oracle.hypervisor import Hypervisor
from tests.oracle.visible import differences

# Options that say how the host provides something.
_OF_HOST = frozenset(
    {
        "-audiodev", "-blockdev", "-chardev", "-fsdev", "-mon", "-name", "-netdev", "-sandbox", "-spice", "-tpmdev",
        "-vnc", "environment", "program",
    }
)  # fmt: skip
# Keys that refer to those, or that the host's caches and errors are in.
_OF_ENDS = frozenset(
    {
        "id", "drive", "chardev", "netdev", "tpmdev", "rng", "audiodev", "memdev", "write-cache", "werror", "rerror",
        "share-rw", "fsdev", "pflash0", "pflash1", "iothread",
    }
)  # fmt: skip
# What QEMU 7.2 takes where a device says nothing, by driver (hw/usb/hcd-xhci-pci.c, hw/char/virtio-serial-bus.c).
_UNSAID: dict[str, dict[str, Any]] = {
    "qemu-xhci": {"p2": 4, "p3": 4},
    "nec-usb-xhci": {"p2": 4, "p3": 4},
    "virtio-serial-pci": {"max_ports": 31},
    "virtio-serial-pci-non-transitional": {"max_ports": 31},
    "virtio-serial-pci-transitional": {"max_ports": 31},
    "virtio-serial-ccw": {"max_ports": 31},
}
# Base and interrupt of a PC's serial port by its number (hw/char/serial-isa.c).
_ISA = ((0x3F8, 4), (0x2F8, 3), (0x3E8, 4), (0x2E8, 3))
_N = r"(\[[^/]*\])?(#[0-9]+)?"
# What an import writes out of libvirt's silence, and what is the host's; everything else has to be the same.
_EXCUSED = re.compile(
    rf"/domain/devices/controller{_N}/@ports"
    r"|/domain/devices/controller\[ide [0-9]+\]/@model"
    rf"|/domain/devices/(serial|console){_N}/address/@(type|iobase|irq)"
    r"|.*/alias/@name"
    rf"|/domain/devices/(disk|interface|filesystem|serial|console|channel|input|redirdev){_N}/source(/.*)?"
    rf"|/domain/devices/(disk|interface|serial|console|channel){_N}/@type"
    rf"|/domain/devices/disk{_N}/(@snapshot|wwn)"
    r"|/domain/devices/input\[evdev\].*"
    rf"|/domain/devices/disk{_N}/driver/@(name|type|cache|io|discard|error_policy|iothread)"
    rf"|/domain/devices/(serial|console){_N}/protocol/@type"
    rf"|/domain/devices/interface{_N}/target/@(dev|managed)"
    rf"|/domain/devices/graphics{_N}/(listen/.*|@(listen|passwd|autoport|port|tlsPort))"
    rf"|/domain/devices/(audio{_N}/.*|sound{_N}/audio/@id)"
    rf"|/domain/devices/(tpm|rng){_N}/backend"
    r"|/domain/os/(@firmware|loader.*|nvram.*|firmware/.*)"
    r"|/domain/(metadata|cputune|memoryBacking)/.*"
)
# A console that QEMU plugs itself (test_bare_consoles.py), and its number, which counts the serial port's mirror.
_WRITTEN_OUT = re.compile(
    rf"/domain/devices/console\[virtio\]{_N}/address/@.*: .* -> 'absent'"
    rf"|/domain/devices/console\[(virtio|sclplm)\]{_N}/target/@port: .*"
)


def changes(document: str, ours: str, hypervisor: Hypervisor) -> list[str]:
    """What `ours` has changed of a document's machine, a line each."""
    kept, again = hypervisor.completed(document), hypervisor.completed(ours)
    facts = [line for line in differences(again, kept) if not _is_excused(line)]
    before, after = (_machine(hypervisor.command_line(xml)) for xml in (document, ours))
    lost = [f"- {option}" for option in before if option not in after]
    gained = [f"+ {option}" for option in after if option not in before]
    return [*facts, *lost, *gained]


def _is_excused(line: str) -> bool:
    return bool(_EXCUSED.fullmatch(line.split(": ")[0]) or _WRITTEN_OUT.fullmatch(line))


def _machine(line: str) -> list[str]:
    """The options of a command line that the guest sees, each with all that its silence means."""
    return [_written(option, pairs) for option, pairs in _of_guest(options(line))]


def _of_guest(found: Options) -> Options:
    return [(option, pairs) for option, pairs in found if option not in _OF_HOST and not _is_end(option, dict(pairs))]


def _is_end(option: str, pairs: dict[str, Any]) -> bool:
    """Objects other than memory, and the file that the memory of a machine is in."""
    return option == "-object" and not str(pairs.get("qom-type", pairs.get(""))).startswith("memory-backend")


def _written(option: str, pairs: list[tuple[str, Any]]) -> str:
    values = {key: value for key, value in pairs if key not in _OF_ENDS}
    driver = str(values.get("driver", values.get("", "")))
    said = {**_UNSAID.get(driver, {}), **values}
    if driver == "isa-serial":
        said["iobase"], said["irq"] = _ISA[int(said.get("index", 0))]
    if driver.startswith("hda-"):
        # The card's own id.
        said.pop("bus")
    if driver == "virtconsole":
        said.pop("bus", None)
        said.pop("nr", None)
    if option == "-rtc" and "T" in str(said.get("base")):
        # What time it is.
        said.pop("base")
    if option == "-serial":
        said = {}
    if option == "-object":
        said = {"size": said.get("size")}
    if option in ("-machine", "-M"):
        said.pop("memory-backend", None)
    return f"{option} {sorted((key, str(value)) for key, value in said.items())}"
