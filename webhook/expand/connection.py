"""Devices that features ask for without saying what they are connected to, where the domain does not say it either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from webhook.abi.adoption import references
from webhook.abi.freeze import Tree, devices_of
from webhook.domain.convention import has_content
from webhook.features.contribution import Contribution
from webhook.findings import Finding

# With these a NIC or a disk has what it refers to, or what its `source` says; with any other it needs neither.
_BY_NAME = (None, "bridge", "network", "file", "block")


def unconnected(domain: Tree, contributions: Iterable[Contribution]) -> Iterator[Finding]:
    """What is wrong with the devices of a merged domain that refer to nothing."""
    waiting = [each for each in contributions if each.unconnected is not None]
    if not waiting:
        return
    devices = devices_of(domain.get("devices", {}))
    for each in waiting:
        for kind, entries in each.asked["devices"].items():
            device = devices.get((kind, entries[0]["name"]), {})
            is_by_name = device.get("type") in _BY_NAME
            if is_by_name and not references(kind, device) and not has_content(device.get("source")):
                assert each.unconnected is not None  # noqa: S101 - those that wait have one
                yield each.unconnected
