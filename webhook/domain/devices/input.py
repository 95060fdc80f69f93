"""Keyboards, mice and tablets (libvirt: formatdomain, "Input devices")."""

from typing import Annotated

from webhook.declare import Backend, Element, choice, frontend
from webhook.declare import backend as reaching
from webhook.domain.bus import NOWHERE, PCI, STATED, USB, Bus
from webhook.domain.devices.device import VirtioDevice
from webhook.domain.types import Path, Switch


class InputSource(Element, tag="source"):
    """The input device of the host."""

    evdev: Path | None = reaching("passthrough")
    dev: Path | None = reaching("passthrough")
    grab: Annotated[str, choice("all")] | None = reaching("passthrough")
    grab_toggle: (
        Annotated[
            str,
            choice("ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"),
        ]
        | None
    ) = reaching("passthrough", "@grabToggle")
    repeat: Switch | None = reaching("passthrough")


class Input(
    VirtioDevice,
    tag="input",
    plural="inputs",
    alike=("type", "bus"),
    matched_by=("type", "bus"),
    buses=(
        Bus(USB, 1, when={"bus": ("usb",)}),
        Bus(PCI, 90, when={"bus": ("virtio",)}, ccw=True),
        Bus(NOWHERE, when={"bus": ("ps2",)}),
        # What the host reads from one of its own.
        Bus(NOWHERE, when={"type": ("evdev",)}),
        Bus(STATED),
    ),
):
    """An input device; `passthrough` and `evdev` would be the host's own."""

    type: Annotated[str, choice("mouse", "keyboard", "tablet", "passthrough", "evdev")] | None = frontend(
        unless=dict.fromkeys(("passthrough", "evdev"), Backend("passthrough"))
    )
    bus: Annotated[str, choice("ps2", "usb", "virtio")] | None = frontend()
    model: Annotated[str, choice("virtio", "virtio-transitional", "virtio-non-transitional")] | None = frontend()
    source: InputSource | None = reaching("passthrough")
