"""Threads of the host that serve the virtio disks, which take turns: the number of threads."""

from __future__ import annotations

from webhook.declare import goal
from webhook.domain.types import Positive
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform

Wanted = Positive
DECLARED = goal("-")


def expand(wanted: int | None, platform: Platform, origin: str) -> list[Contribution]:
    """The number; which disk is served by which thread is the host's, in turn where it is asked for nothing else."""
    if wanted is None:
        return []
    return [Contribution(origin, {"iothreads": wanted}, {}, platform.guest.because)]
