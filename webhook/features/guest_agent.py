"""The channel on which the QEMU guest agent listens in the guest."""

from __future__ import annotations

from webhook.domain.types import Flag
from webhook.features.contribution import Contribution, Declined, one
from webhook.features.platform import Platform
from webhook.trees import Tree

ALSO = ("agent", "qemuGuestAgent")
Wanted = Flag
DECLINED: Declined = {"channels": ({"target": {"name": "org.qemu.guest_agent.0"}},)}

_CHANNEL: Tree = {
    "name": "guest-agent",
    "type": "unix",
    "target": {"type": "virtio", "name": "org.qemu.guest_agent.0"},
}
_TREE: Tree = one("channels", _CHANNEL)


def expand(wanted: bool | None, platform: Platform, origin: str) -> list[Contribution]:
    """The channel where it is asked for, or where the guest has the agent and the tenant does not decline it."""
    if wanted or (wanted is None and platform.guest.guest_agent):
        return [Contribution(origin, _TREE if wanted else {}, {} if wanted else _TREE, platform.guest.because)]
    return []
