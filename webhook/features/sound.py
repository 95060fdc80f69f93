"""A sound card of the machine's own kind; where its sound goes is the display's business."""

from __future__ import annotations

from webhook.domain.types import Flag
from webhook.features.contribution import Contribution, Declined, one
from webhook.features.platform import Platform, absent
from webhook.findings import Refused

ALSO = ("audio",)
Wanted = Flag
DECLINED: Declined = {"sounds": ({},)}


def expand(wanted: bool | None, platform: Platform, origin: str) -> list[Contribution]:
    """The card where it is asked for."""
    if not wanted:
        return []
    if platform.machine.defaults["sound"] is None:
        raise Refused([absent(origin, "sound card", platform)])
    card = one("sounds", {"name": "sound", "model": platform.machine.defaults["sound"]})
    return [Contribution(origin, one("sounds", {"name": "sound"}), card, platform.guest.because)]
