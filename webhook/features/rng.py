"""A virtio random number generator, fed by the host's own source."""

from __future__ import annotations

from webhook.domain.types import Flag
from webhook.features.contribution import Contribution, Declined
from webhook.features.platform import Platform
from webhook.trees import Tree

Wanted = Flag
DECLINED: Declined = {"rng": ({},)}

_ASKED: Tree = {"devices": {"rng": {}}}
_DEFAULT: Tree = {"devices": {"rng": {"model": "virtio", "backend": "random"}}}


def expand(wanted: bool | None, platform: Platform, origin: str) -> list[Contribution]:
    """The device where it is asked for, or where the guest has a driver for it and the tenant does not decline it.

    One that the tenant's domain states gets the model that libvirt demands.
    """
    if wanted or (wanted is None and (platform.guest.rng or platform.devices("rng") is not None)):
        return [Contribution(origin, _ASKED if wanted else {}, _DEFAULT, platform.guest.because)]
    return []
