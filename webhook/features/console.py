"""A serial console: the first serial port, which libvirt mirrors as the guest's console.

A mainframe may have its operator's console instead, which the domain states.
"""

from __future__ import annotations

from webhook.domain.types import Flag
from webhook.features.contribution import Contribution, Declined, one
from webhook.features.platform import Platform
from webhook.trees import Tree

ALSO = ("serial", "serials")
Wanted = Flag
# The types of consoles that are the operator's: QEMU has one of each, and a serial port of a mainframe is one.
_OPERATORS = ("sclp", "sclplm")
DECLINED: Declined = {"serials": ({},), "consoles": tuple({"target": {"type": each}} for each in _OPERATORS)}

_ASKED: Tree = one("serials", {"name": "serial", "target": {"port": 0}})


def expand(wanted: bool | None, platform: Platform, origin: str) -> list[Contribution]:
    """The port where it is asked for, or where the guest uses it and the tenant does not decline it."""
    stated = platform.devices("consoles") or ()
    if any((each.get("target") or {}).get("type") in _OPERATORS for each in stated):
        return []
    if wanted or (wanted is None and platform.guest.console):
        target = {**platform.machine.defaults["serial"], "port": 0}
        default = one("serials", {"name": "serial", "type": "pty", "target": target})
        return [Contribution(origin, _ASKED if wanted else {}, default, platform.guest.because)]
    return []
