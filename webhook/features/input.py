"""How the guest is operated: `tablet`, `mouse` or `keyboard` on USB, or `none` beside the machine's own."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import choice
from webhook.features.contribution import Contribution, Declined
from webhook.features.platform import Platform

Wanted = Annotated[str, choice("tablet", "mouse", "keyboard", "none")]
DECLINED: Declined = {"inputs": ({"bus": "usb"}, {"bus": "virtio"})}


def expand(wanted: str | None, platform: Platform, origin: str) -> list[Contribution]:
    """The device on the machine's usual bus, asked or the guest's, and the machine's own."""
    kind, bus = wanted or platform.guest.input, platform.machine.defaults["input_bus"]
    own = [entry for entry in platform.machine.defaults["inputs"] if (entry["type"], entry["bus"]) != (kind, bus)]
    if kind == "none":
        return [Contribution(origin, {}, {"devices": {"inputs": own}}, platform.guest.because)]
    asked = {"devices": {"inputs": [{"name": kind, "type": kind, "bus": bus}]}}
    default = {"devices": {"inputs": own if wanted else [*asked["devices"]["inputs"], *own]}}
    return [Contribution(origin, asked if wanted else {}, default, platform.guest.because)]
