"""A memory balloon; where it is declined, that there is none is written out, for libvirt adds one by itself."""

from __future__ import annotations

from webhook.domain.types import Flag
from webhook.features.contribution import Contribution, Tree
from webhook.features.platform import Platform

Wanted = Flag

_ASKED: dict[bool | None, Tree] = {
    None: {},
    True: {"devices": {"memballoon": {}}},
    False: {"devices": {"memballoon": {"model": "none"}}},
}
_DEFAULT: Tree = {"devices": {"memballoon": {"model": "virtio"}}}


def expand(wanted: bool | None, platform: Platform, origin: str) -> list[Contribution]:
    """The balloon, or the entry that there is none."""
    return [Contribution(origin, _ASKED[wanted], {} if wanted is False else _DEFAULT, platform.guest.because)]
