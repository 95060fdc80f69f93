"""Channels, serial ports, parallel ports and consoles (libvirt: formatdomain, "Consoles, serial, parallel & channel
devices").

All of them, and smartcards, USB redirection and random number generators too, have the same end on the host.
"""

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, goal, integer
from webhook.domain.bus import ISA, NOWHERE, PCI, STATED, USB, VIO, VIRTIO_SERIAL, Bus
from webhook.domain.convention import Convention, fixed, has_content, taken
from webhook.domain.devices.device import Device, PciDevice
from webhook.domain.seclabel import SourceSeclabel
from webhook.domain.storage import Reconnect
from webhook.domain.types import FileName, Flag, IpAddress, Line, Path, Switch
from webhook.trees import Tree


class CharacterSource(Element, tag="source"):
    """The host's end of a character device."""

    mode: Annotated[str, choice("bind", "connect")] | None = backend("host-port")
    path: Path | None = backend("host-path")
    host: Line | None = backend("host-port")
    service: Line | None = backend("host-port")
    channel: Line | None = backend("host-port")
    master: Path | None = backend("raw-device")
    slave: Path | None = backend("raw-device")
    tls: Flag | None = backend("host-port")
    append: Switch | None = backend("host-path")
    reconnect: Reconnect | None = goal()
    copypaste: Flag | None = goal("clipboard/@copypaste")
    mouse: Annotated[str, choice("client", "server")] | None = goal("mouse/@mode")
    seclabels: list[SourceSeclabel] | None = goal("seclabel")


class CharacterLog(Element, tag="log"):
    """A file of the host that keeps what the device says."""

    file: Path | None = backend("host-path")
    append: Switch | None = backend("host-path")


CHARACTER_TYPES = choice(
    "unix", "pty", "null", "spicevmc", "spiceport", "file", "dev", "pipe", "tcp", "udp", "stdio", "vc", "nmdm",
    "dbus", "qemu-vdagent",
)  # fmt: skip
# A Unix socket or a pseudo-terminal whose path libvirt chooses reaches nothing of the host; every other type does.
REACHING = {
    **dict.fromkeys(("file", "pipe", "stdio"), Backend("host-path")),
    **dict.fromkeys(("dev", "nmdm"), Backend("raw-device")),
    **dict.fromkeys(("tcp", "udp", "spiceport", "dbus"), Backend("host-port")),
}
PROTOCOLS = choice("raw", "telnet", "telnets", "tls")


class HostEnd(Element):
    """How the host provides a character device."""

    type: Annotated[str, CHARACTER_TYPES] | None = goal(unless=REACHING)
    source: CharacterSource | None = goal()
    protocol: Annotated[str, PROTOCOLS] | None = backend("host-port", "protocol/@type")
    log: CharacterLog | None = goal()


class Character(HostEnd, Device):
    """What all character devices share."""

    tty: Path | None = backend("raw-device")


class ChannelTarget(Element, tag="target"):
    """What the guest sees of a channel: its name; an address and a port are those of `guestfwd`."""

    type: Annotated[str, choice("virtio", "guestfwd")] | None = frontend(unless={"guestfwd": Backend("host-port")})
    # libvirt gives the channel's socket this name, in a folder of the VM.
    name: FileName | None = frontend()
    address: IpAddress | None = backend("host-port")
    port: Annotated[int, integer(0, 65535)] | None = backend("host-port")


_MODELS = choice(
    "isa-serial", "usb-serial", "pci-serial", "isa-debugcon", "spapr-vty", "pl011", "sclpconsole", "sclplmconsole",
    "16550a",
)  # fmt: skip


class SerialTarget(Element, tag="target"):
    """What the guest sees of a serial port."""

    type: (
        Annotated[
            str,
            choice(
                "isa-serial", "usb-serial", "pci-serial", "isa-debug", "spapr-vio-serial", "system-serial",
                "sclp-serial",
            ),
        ]
        | None
    ) = frontend()  # fmt: skip
    port: Annotated[int, integer(0, 31)] | None = frontend()
    model: Annotated[str, _MODELS] | None = frontend("model/@name")


class ConsoleTarget(Element, tag="target"):
    """What the guest sees of a console: a serial port that is there already, or one of its own kind."""

    type: Annotated[str, choice("serial", "virtio", "sclp", "sclplm")] | None = frontend()
    port: Annotated[int, integer(0, 31)] | None = frontend()


class ParallelTarget(Element, tag="target"):
    """What the guest sees of a parallel port: its number."""

    port: Annotated[int, integer(0, 2)] | None = frontend()


# libvirt gives the socket its path.
_SOCKET = {"mode": "bind"}
_SPICE = "com.redhat.spice."


def _provide_channel(channel: Tree) -> Tree:
    made = {"type": _channel_type(channel), **channel}
    if made["type"] != "unix" or has_content(channel.get("source")):
        return made
    return {**made, "source": _SOCKET}


def _withdraw_channel(channel: Tree) -> Tree:
    return taken(channel, {"type": _channel_type(channel), "source": _SOCKET})


def _channel_type(channel: Tree) -> str:
    return "spicevmc" if str(channel.get("target", {}).get("name", "")).startswith(_SPICE) else "unix"


class Channel(
    Character,
    tag="channel",
    plural="channels",
    alike=("type", "target.name"),
    # A port of user networking is on no bus.
    buses=(
        Bus(VIRTIO_SERIAL, 1, when={"target.type": ("virtio",)}),
        Bus(NOWHERE, when={"target.type": ("guestfwd",)}),
        Bus(STATED),
    ),
    matched_by=("target.name",),
    convention=Convention(_provide_channel, _withdraw_channel),
    optional_backend=True,
):
    """A private channel between guest and host."""

    target: ChannelTarget | None = frontend()


class Serial(
    Character,
    PciDevice,
    tag="serial",
    plural="serials",
    alike=("target.type", "target.port"),
    buses=(
        Bus(ISA, when={"target.type": ("isa-serial",)}),
        Bus(USB, 4, when={"target.type": ("usb-serial",)}),
        Bus(PCI, 100, when={"target.type": ("pci-serial",)}, ccw=True),
        Bus(VIO, 5, when={"target.type": ("spapr-vio-serial",)}),
        Bus(NOWHERE, when={"target.type": ("system-serial", "sclp-serial")}),
        Bus(STATED),
    ),
    matched_by=("target.port",),
    convention=fixed(type="pty"),
    optional_backend=True,
):
    """A serial port."""

    target: SerialTarget | None = frontend()


class Console(
    Character,
    PciDevice,
    tag="console",
    plural="consoles",
    alike=("target.type", "target.port"),
    buses=(Bus(VIRTIO_SERIAL, 2, when={"target.type": ("virtio",)}),),
    matched_by=("target.type", "target.port"),
    convention=fixed(type="pty"),
    optional_backend=True,
):
    """A console; libvirt mirrors the first serial port as one by itself."""

    target: ConsoleTarget | None = frontend()


class Parallel(
    Character,
    tag="parallel",
    plural="parallels",
    alike=("target.port",),
    buses=(Bus(NOWHERE),),
    optional_backend=True,
):
    """A parallel port, which is the host's own."""

    target: ParallelTarget | None = frontend()
