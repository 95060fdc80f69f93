"""How the guest is operated: `tablet`, `mouse` or `keyboard` on USB, or `none` beside the PS/2 ones of the machine."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import choice
from webhook.features.contribution import Contribution, Tree
from webhook.features.platform import Platform

Wanted = Annotated[str, choice("tablet", "mouse", "keyboard", "none")]

# Every x86 machine has these; libvirt adds them by itself.
_PS2: list[Tree] = [
    {"name": "ps2-mouse", "type": "mouse", "bus": "ps2"},
    {"name": "ps2-keyboard", "type": "keyboard", "bus": "ps2"},
]


def expand(wanted: str | None, platform: Platform, origin: str) -> list[Contribution]:
    """The device on USB, asked or the guest's, and the machine's own."""
    kind = wanted or platform.guest.input
    if kind == "none":
        return [Contribution(origin, {}, {"devices": {"inputs": _PS2}}, platform.guest.because)]
    usb = {"devices": {"inputs": [{"name": kind, "type": kind, "bus": "usb"}]}}
    default = {"devices": {"inputs": _PS2 if wanted else [*usb["devices"]["inputs"], *_PS2]}}
    return [Contribution(origin, usb if wanted else {}, default, platform.guest.because)]
