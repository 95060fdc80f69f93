"""A watchdog that resets a guest which stops answering."""

from __future__ import annotations

from webhook.domain.types import Flag
from webhook.features.contribution import Contribution, Declined, one
from webhook.features.platform import Platform, absent
from webhook.findings import Refused

Wanted = Flag
DECLINED: Declined = {"watchdogs": ({},)}


def expand(wanted: bool | None, platform: Platform, origin: str) -> list[Contribution]:
    """The device where it is asked for; it does nothing until the guest starts it."""
    if not wanted:
        return []
    if platform.machine.defaults["watchdog"] is None:
        raise Refused([absent(origin, "watchdog", platform)])
    device = {"name": "watchdog", "model": platform.machine.defaults["watchdog"], "action": "reset"}
    return [
        Contribution(origin, one("watchdogs", {"name": "watchdog"}), one("watchdogs", device), platform.guest.because)
    ]
