"""A feature that nobody has asked for: pedals, which the guest takes for keyboards."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Element, choice, frontend
from webhook.features.contribution import Contribution, one
from webhook.features.platform import Platform


class Wanted(Element):
    """The pedal and what it is connected by."""

    side: Annotated[str, choice("left", "right")] | None = frontend("-")
    bus: Annotated[str, choice("usb", "ps2")] | None = frontend("-")


def expand(wanted: Wanted | None, platform: Platform, origin: str) -> list[Contribution]:
    """The device where it is asked for."""
    if wanted is None:
        return []
    name = f"pedal-{wanted.side or 'left'}"
    asked = {"name": name, **({"bus": wanted.bus} if wanted.bus else {})}
    default = {"name": name, "type": "keyboard", "bus": "usb"}
    return [Contribution(origin, one("inputs", asked), one("inputs", default), platform.guest.because)]
