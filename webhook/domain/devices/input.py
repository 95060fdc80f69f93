"""Keyboards, mice and tablets (libvirt: formatdomain, "Input devices")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Backend, choice, frontend
from webhook.declare import backend as reaching
from webhook.domain.devices.device import PciDevice
from webhook.domain.types import Path


class Input(PciDevice, tag="input", plural="inputs", alike=("type", "bus")):
    """An input device; `passthrough` and `evdev` would be the host's own."""

    type: Annotated[str, choice("mouse", "keyboard", "tablet", "passthrough", "evdev")] | None = frontend(
        unless=dict.fromkeys(("passthrough", "evdev"), Backend("passthrough"))
    )
    bus: Annotated[str, choice("ps2", "usb", "virtio")] | None = frontend()
    model: Annotated[str, choice("virtio", "virtio-transitional", "virtio-non-transitional")] | None = frontend()
    source: Path | None = reaching("passthrough", "source/@evdev")
