"""The order in which devices get their places, targets and turns at boot.

Those that features ask for come first, as these state them, wherever in its list an entry of the domain about one of
them stands. The rest follows as it is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from webhook.abi.adoption import DeviceKey
from webhook.trees import Tree

# The number of each device that features ask for.
DeviceOrder = Mapping[DeviceKey, int]


def in_order(listed: str, devices: Sequence[Tree], order: DeviceOrder) -> Iterable[tuple[int, Tree]]:
    """The devices of a list in this order, each with its index in the list."""
    if len(devices) < 2 or not order:
        return enumerate(devices)
    return sorted(enumerate(devices), key=lambda each: order.get((listed, each[1].get("name", "")), len(order)))
