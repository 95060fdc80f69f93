"""Huge pages of the host for the guest's memory: the size of one, which the memory has to be a multiple of."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import choice, goal
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform

Wanted = Annotated[str, choice("2Mi", "1Gi")]
DECLARED = goal("-")


def expand(wanted: str | None, platform: Platform, origin: str) -> list[Contribution]:
    """The goal; the host finds the pages."""
    if wanted is None:
        return []
    return [Contribution(origin, {"goals": {"hugepages": wanted}}, {}, platform.guest.because)]
