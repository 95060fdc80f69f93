"""A memory balloon; where it is declined, that there is none is written out, for libvirt adds one by itself."""

from __future__ import annotations

from webhook.domain.bus import is_none
from webhook.domain.types import Flag
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform
from webhook.trees import Tree

ALSO = ("memballoon",)
Wanted = Flag

_ASKED: dict[bool | None, Tree] = {
    None: {},
    True: {"devices": {"memballoon": {}}},
    False: {"devices": {"memballoon": {"model": "none"}}},
}
_REPORTING = "freePageReporting"


def expand(wanted: bool | None, platform: Platform, origin: str) -> list[Contribution]:
    """The balloon as the guest's best practice has it, or the entry that there is none."""
    default = {} if wanted is False else {"devices": {"memballoon": _balloon(platform)}}
    return [Contribution(origin, _ASKED[wanted], default, platform.guest.because)]


def _balloon(platform: Platform) -> Tree:
    if is_none(platform.devices("memballoon") or {}):
        return {"model": "virtio"}
    further = platform.guest.balloon
    if platform.dedicated and _REPORTING in further:
        # What is the guest's alone does not go back to the host: a huge page would be missing when it is wanted again.
        # Said, so that the machine is the same when the goal goes and it is created again.
        further = {**further, _REPORTING: False}
    return {"model": "virtio", **further}
