"""Devices of the host, such as GPUs, each by the device resource that a node's plugin announces.

A device without a name is named after its resource when it is made.
"""

from __future__ import annotations

from webhook.declare import Element, frontend, reference
from webhook.domain.names import names_of, referred
from webhook.domain.types import DeviceName, ResourceName
from webhook.features.contribution import Contribution, one, repeated
from webhook.features.platform import Platform, absent
from webhook.findings import Finding, Refused

ALSO = ("gpu", "gpus", "hostDevices", "hostdev", "hostdevs", "passthrough", "pci")
_WAY = "name what a device plugin of the nodes announces, like `nvidia.com/gpu`"


class HostDevice(Element):
    """A device of the host; `resource` names what a node offers."""

    name: DeviceName | None = frontend(
        "-", doc="What it is known by (lower-case letters, digits, `-`); else one is made."
    )
    resource: ResourceName | None = reference(
        "DeviceResource", "-", doc="What a device plugin announces, like `nvidia.com/gpu`."
    )


Wanted = list[HostDevice]


def expand(wanted: list[HostDevice] | None, platform: Platform, origin: str) -> list[Contribution]:
    """One contribution a device. Raises Refused for a repeated name, and a machine without PCI."""
    if not wanted:
        return []
    if platform.machine.bus.kind == "ccw":
        raise Refused([absent(origin, "PCI device of the host", platform)])
    findings = repeated(((i, "name", entry.name) for i, entry in enumerate(wanted)), origin, "device", "devices")
    if findings:
        raise Refused(findings)
    bases = [referred(entry.resource) if entry.resource else "hostdev" for entry in wanted]
    names = names_of((entry.name, base) for entry, base in zip(wanted, bases, strict=True))
    return [
        Contribution(
            f"{origin}[{index}]",
            one("hostdevs", {"name": name, "device": entry.resource} if entry.resource else {"name": name}),
            {},
            platform.guest.because,
            "" if entry.name else bases[index],
            None if entry.resource else Finding(f"{origin}[{index}].resource", "is missing", _WAY, "devices"),
        )
        for index, (entry, name) in enumerate(zip(wanted, names, strict=True))
    ]
