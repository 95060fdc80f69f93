"""What devices are connected to: each says it, in the domain or in its feature, or says that it is to nothing."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from webhook.abi.adoption import DeviceKey, references
from webhook.abi.freeze import devices_of
from webhook.domain.convention import has_content
from webhook.features.contribution import Contribution
from webhook.findings import Finding
from webhook.trees import Tree

# With these a NIC or a disk has what it refers to, or what its `source` says; with any other it needs neither.
_BY_NAME = (None, "bridge", "network", "file", "block")
# Drives of media may be empty.
_WITH_MEDIA = ("cdrom", "floppy")


def unconnected(domain: Tree, contributions: Iterable[Contribution]) -> Iterator[Finding]:
    """What is wrong with the devices of a merged domain that features ask for and that refer to nothing."""
    waiting = [each for each in contributions if each.unconnected is not None]
    if not waiting:
        return
    devices = devices_of(domain.get("devices", {}))
    for each in waiting:
        for kind, entries in each.asked["devices"].items():
            if _is_open(kind, devices.get((kind, entries[0]["name"]), {})):
                assert each.unconnected is not None  # noqa: S101 - those that wait have one
                yield each.unconnected


def unsaid(
    domain: Tree, contributions: Iterable[Contribution], before: Container[DeviceKey], path: str
) -> Iterator[Finding]:
    """What is wrong with the disks and NICs that the domain alone states and that refer to nothing.

    `before` are devices that were there already.
    """
    devices = domain.get("devices", {})
    disks, nics = devices.get("disks", ()), devices.get("interfaces", ())
    found = [
        *(("disks", index, each) for index, each in enumerate(disks) if each.get("device") not in _WITH_MEDIA),
        *(("interfaces", index, each) for index, each in enumerate(nics)),
    ]
    found = [each for each in found if _is_open(each[0], each[2])]
    if not found:
        return
    of_features = {
        (kind, entry["name"])
        for each in contributions
        for kind in ("disks", "interfaces")
        for entry in each.asked.get("devices", {}).get(kind, ())
    }
    for kind, index, device in found:
        if (kind, device["name"]) not in of_features and (kind, device["name"]) not in before:
            yield _finding(kind, f"{path}.devices.{kind}[{index}]", device["name"])


def _is_open(kind: str, device: Tree) -> bool:
    """Whether a device refers to nothing and says nothing of the host's; `startupPolicy` is not where anything is."""
    if device.get("type") not in _BY_NAME or references(kind, device):
        return False
    source = device.get("source") or {}
    return not any(has_content(value) for name, value in source.items() if name != "startupPolicy")


def _finding(kind: str, place: str, name: str) -> Finding:
    if kind == "disks":
        way = f"name the claim with its content, or add `{{name: {name}, blank: true}}` to `spec.features.storage`"
        return Finding(f"{place}.claim", "is missing: the disk would have no content", way, "storage")
    way = f"name the network, or add `{{name: {name}, type: pod}}` to `spec.features.network` for the pod's own"
    return Finding(f"{place}.network", "is missing: the NIC would be on no network", way, "network")
