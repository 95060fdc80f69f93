"""Channels, serial ports and consoles (libvirt: formatdomain, "Consoles, serial, parallel & channel devices")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, goal, integer, text
from webhook.domain.devices.device import Device, PciDevice
from webhook.domain.types import Line, Path, Switch


class CharacterSource(Element, tag="source"):
    """The host's end of a character device."""

    mode: Annotated[str, choice("bind", "connect")] | None = backend("host-port")
    path: Path | None = backend("host-path")
    host: Line | None = backend("host-port")
    service: Line | None = backend("host-port")
    channel: Line | None = backend("host-port")
    append: Switch | None = backend("host-path")


class CharacterLog(Element, tag="log"):
    """A file of the host that keeps what the device says."""

    file: Path | None = backend("host-path")
    append: Switch | None = backend("host-path")


class ChannelTarget(Element, tag="target"):
    """What the guest sees of a channel: its name."""

    type: Annotated[str, choice("virtio", "guestfwd")] | None = frontend(unless={"guestfwd": Backend("host-port")})
    name: Annotated[str, text(64, "[A-Za-z0-9._-]+", "a channel's name like org.qemu.guest_agent.0")] | None = (
        frontend()
    )


class SerialTarget(Element, tag="target"):
    """What the guest sees of a serial port."""

    type: Annotated[str, choice("isa-serial", "usb-serial", "pci-serial", "isa-debug")] | None = frontend()
    port: Annotated[int, integer(0, 3)] | None = frontend()
    model: Annotated[str, choice("isa-serial", "usb-serial", "pci-serial", "isa-debugcon")] | None = frontend(
        "model/@name"
    )


class ConsoleTarget(Element, tag="target"):
    """What the guest sees of a console: a serial port that is there already, or a virtio console."""

    type: Annotated[str, choice("serial", "virtio")] | None = frontend()
    port: Annotated[int, integer(0, 31)] | None = frontend()


_TYPES = choice(
    "unix", "pty", "null", "spicevmc", "spiceport", "file", "dev", "pipe", "tcp", "udp", "stdio", "vc", "nmdm",
    "dbus", "qemu-vdagent",
)  # fmt: skip
# A Unix socket or a pseudo-terminal that libvirt places itself reaches nothing; every other kind does.
_REACHING = {
    **dict.fromkeys(("file", "pipe", "stdio"), Backend("host-path")),
    **dict.fromkeys(("dev", "nmdm"), Backend("raw-device")),
    **dict.fromkeys(("tcp", "udp", "spiceport", "dbus"), Backend("host-port")),
}


class Character(Device):
    """What all character devices share."""

    type: Annotated[str, _TYPES] | None = goal(unless=_REACHING)
    source: CharacterSource | None = goal()
    log: CharacterLog | None = goal()


class Channel(Character, tag="channel", plural="channels", alike=("type", "target.name")):
    """A private channel between guest and host."""

    target: ChannelTarget | None = frontend()


class Serial(Character, PciDevice, tag="serial", plural="serials", alike=("target.port",)):
    """A serial port."""

    target: SerialTarget | None = frontend()


class Console(Character, PciDevice, tag="console", plural="consoles", alike=("target.type", "target.port")):
    """A console; libvirt mirrors the first serial port as one by itself."""

    target: ConsoleTarget | None = frontend()
