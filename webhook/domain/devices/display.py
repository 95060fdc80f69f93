"""Graphics and video (libvirt: formatdomain, "Graphical framebuffers", "Video devices")."""

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, goal, integer, text
from webhook.domain.bus import NOWHERE, PCI, Bus
from webhook.domain.convention import Convention, has_content, taken
from webhook.domain.devices.device import NAME, Named, PciDevice, VirtioDriver
from webhook.domain.types import Flag, Kib, Line, Path, Switch
from webhook.trees import Tree


class Listen(Element, tag="listen"):
    """Where on the host the display can be reached."""

    type: Annotated[str, choice("address", "network", "socket", "none")] | None = backend("host-port")
    address: Line | None = backend("host-port")
    network: Line | None = backend("host-port")
    socket: Path | None = backend("host-path")


class SpiceChannel(Element, tag="channel", key="name"):
    """Whether one of SPICE's channels is encrypted."""

    name: (
        Annotated[
            str,
            choice("main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir"),
        ]
        | None
    ) = backend("host-port")
    mode: Annotated[str, choice("any", "insecure", "secure")] | None = backend("host-port")


class Gl(Element, tag="gl"):
    """OpenGL through the host's GPU; where no node is named, libvirt takes the first that it finds."""

    enable: Flag | None = backend("raw-device")
    rendernode: Path | None = backend("raw-device")


_LISTEN = {"type": "address", "address": "127.0.0.1"}


def _provide(graphics: Tree) -> Tree:
    if graphics.get("type") not in ("vnc", "spice") or "socket" in graphics:
        return graphics
    ports = {} if {"port", "tlsPort"} & set(graphics) else {"autoport": True}
    return {**ports, **graphics, **({} if has_content(graphics.get("listen")) else {"listen": _LISTEN})}


def _withdraw(graphics: Tree) -> Tree:
    return taken(graphics, {"listen": _LISTEN, "autoport": True})


class Graphics(Named, tag="graphics", plural="graphics", alike=("type",), convention=Convention(_provide, _withdraw)):
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
    share_policy: Annotated[str, choice("allow-exclusive", "force-shared", "ignore")] | None = goal("@sharePolicy")
    power_control: Flag | None = goal("@powerControl")
    default_mode: Annotated[str, choice("any", "insecure", "secure")] | None = backend("host-port", "@defaultMode")
    listen_address: Line | None = backend("host-port", "@listen")
    # Not `address`, which is a device's place on a bus.
    dbus_address: Line | None = backend("host-port", "@address")
    peer_to_peer: Flag | None = backend("host-port", "@p2p")
    display: Line | None = backend("host-port")
    xauth: Path | None = backend("host-path")
    fullscreen: Flag | None = backend("host-port")
    multi_user: Flag | None = backend("host-port", "@multiUser")
    replace_user: Flag | None = backend("host-port", "@replaceUser")
    channels: list[SpiceChannel] | None = backend("host-port", "channel")
    audio: Annotated[int, integer(1, 64)] | None = goal("audio/@id")
    image: Annotated[str, choice("auto_glz", "auto_lz", "glz", "lz", "quic", "off")] | None = goal("image/@compression")
    jpeg: Annotated[str, choice("auto", "never", "always")] | None = goal("jpeg/@compression")
    zlib: Annotated[str, choice("auto", "never", "always")] | None = goal("zlib/@compression")
    playback: Switch | None = goal("playback/@compression")
    streaming: Annotated[str, choice("filter", "all", "off")] | None = goal("streaming/@mode")
    mouse: Annotated[str, choice("client", "server")] | None = goal("mouse/@mode")
    copypaste: Flag | None = goal("clipboard/@copypaste")
    filetransfer: Flag | None = goal("filetransfer/@enable")
    wait: Flag | None = goal()
    username: Line | None = backend("credential")
    keymap: Annotated[str, text(16, "[a-z]{2}(-[a-z]{2})?", "a keymap like `en-us`")] | None = frontend()
    gl: Gl | None = goal()


class Acceleration(Element, tag="acceleration"):
    """Whether the video device accelerates."""

    accel3d: Flag | None = frontend("@accel3d")
    accel2d: Flag | None = frontend("@accel2d")
    rendernode: Path | None = backend("raw-device")


class Resolution(Element, tag="resolution"):
    """The size of the screen that the device starts with, in pixels."""

    x: Annotated[int, integer(1, 65535)] | None = frontend()
    y: Annotated[int, integer(1, 65535)] | None = frontend()


class VideoDriver(VirtioDriver):
    """Whether a process of the host's own draws, and what the PCI device decodes."""

    name: Annotated[str, choice("qemu", "vhostuser")] | None = goal(unless={"vhostuser": Backend("host-port")})
    vgaconf: Annotated[str, choice("io", "on", "off")] | None = frontend()


class Video(
    PciDevice,
    tag="video",
    plural="video",
    also_called=("vga",),
    alike=("type",),
    # QEMU's ramfb is memory of the firmware's, no device on a bus.
    buses=(Bus(NOWHERE, when={"type": ("ramfb",)}), Bus(PCI, 10, ccw=True)),
):
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
    device: Line | None = backend("host-identity", "model/@device")
    edid: Switch | None = frontend("model/@edid")
    acceleration: Acceleration | None = frontend("model/acceleration")
    resolution: Resolution | None = frontend("model/resolution")
    driver: VideoDriver | None = goal()
