"""Graphics and video (libvirt: formatdomain, "Graphical framebuffers", "Video devices")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, goal, integer, text
from webhook.domain.devices.device import NAME, Named, PciDevice
from webhook.domain.types import Flag, Kib, Line, Path, Switch


class Listen(Element, tag="listen"):
    """Where on the host the display can be reached."""

    type: Annotated[str, choice("address", "network", "socket", "none")] | None = backend("host-port")
    address: Line | None = backend("host-port")
    network: Line | None = backend("host-port")
    socket: Path | None = backend("host-path")


class Gl(Element, tag="gl"):
    """OpenGL through the host's GPU."""

    enable: Flag | None = frontend()
    rendernode: Path | None = backend("raw-device")


class Graphics(Named, tag="graphics", plural="graphics", alike=("type",)):
    """A way to see the guest's display. Ports, listen address and password are the host's."""

    # libvirt's graphics are no devices and have no alias.
    name: Annotated[str, NAME] | None = frontend("-")
    type: Annotated[str, choice("vnc", "spice", "rdp", "sdl", "egl-headless", "dbus")] | None = frontend(
        unless=dict.fromkeys(("rdp", "sdl", "egl-headless", "dbus"), Backend("host-port"))
    )
    autoport: Flag | None = goal()
    port: Annotated[int, integer(-1, 65535)] | None = backend("host-port")
    tls_port: Annotated[int, integer(-1, 65535)] | None = backend("host-port", "@tlsPort")
    websocket: Annotated[int, integer(-1, 65535)] | None = backend("host-port")
    socket: Path | None = backend("host-path")
    listen: Listen | None = goal()
    passwd: Annotated[str, text(512)] | None = backend("credential")
    passwd_valid_to: Annotated[str, text(32)] | None = backend("credential", "@passwdValidTo")
    connected: Annotated[str, choice("keep", "disconnect", "fail")] | None = backend("credential")
    keymap: Annotated[str, text(16, "[a-z]{2}(-[a-z]{2})?", "a keymap like `en-us`")] | None = frontend()
    gl: Gl | None = frontend()


class Acceleration(Element, tag="acceleration"):
    """Whether the video device accelerates."""

    accel3d: Flag | None = frontend("@accel3d")
    accel2d: Flag | None = frontend("@accel2d")


class Video(PciDevice, tag="video", plural="video", alike=("type",)):
    """A video device; its memory is in KiB."""

    type: Annotated[str, choice("vga", "cirrus", "qxl", "virtio", "bochs", "ramfb", "none")] | None = frontend(
        "model/@type"
    )
    heads: Annotated[int, integer(1, 16)] | None = frontend("model/@heads")
    ram: Kib | None = frontend("model/@ram")
    vram: Kib | None = frontend("model/@vram")
    vram64: Kib | None = frontend("model/@vram64")
    vgamem: Kib | None = frontend("model/@vgamem")
    primary: Flag | None = frontend("model/@primary")
    blob: Switch | None = frontend("model/@blob")
    acceleration: Acceleration | None = frontend("model/acceleration")
