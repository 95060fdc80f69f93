"""NICs, each with the network that it is on, by name; without one it is on the pod's network."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Element, choice, frontend, reference
from webhook.declare.scalars import listed
from webhook.domain.names import names_of
from webhook.domain.types import DeviceName, Mac, ObjectName, Positive
from webhook.features.contribution import Contribution, Tree, one, repeated
from webhook.features.platform import Platform
from webhook.findings import Finding, Refused


class Nic(Element):
    """A NIC; `source` names the network that it is on."""

    name: DeviceName | None = frontend(
        "-", doc="What it is known by (lower-case letters, digits, `-`); else one is made."
    )
    source: ObjectName | None = reference("Network", "-", doc="The network that it is on; without one the pod's.")
    model: Annotated[str, choice("virtio", "e1000e", "e1000", "rtl8139")] | None = frontend(
        "-", doc="What the guest sees: `virtio`, `e1000e`, `e1000` or `rtl8139`; else what suits the guest."
    )
    mac: Mac | None = frontend("-", doc="A unicast MAC address like `02:00:00:12:34:56`; else one is made.")
    boot_order: Positive | None = frontend("-", doc="Its turn at boot: 1 is the first.")


Wanted = list[Nic]


def expand(wanted: list[Nic] | None, platform: Platform, origin: str) -> list[Contribution]:
    """One contribution a NIC. Raises Refused for a repeated name, or a model that the machine lacks."""
    if not wanted:
        return []
    given = ((index, "name", nic.name) for index, nic in enumerate(wanted))
    findings = [*repeated(given, origin, "NIC", "network"), *_impossible(wanted, platform, origin)]
    if findings:
        raise Refused(findings)
    names = names_of((nic.name, _base(nic)) for nic in wanted)
    model = platform.guest.nic[platform.machine.family]
    return [
        Contribution(
            f"{origin}[{index}]",
            one("interfaces", _asked(nic, name)),
            one("interfaces", {"name": name, "model": nic.model or model}),
            platform.guest.because,
            "" if nic.name else _base(nic),
        )
        for index, (nic, name) in enumerate(zip(wanted, names, strict=True))
    ]


def _base(nic: Nic) -> str:
    return nic.source or "interface"


def _asked(nic: Nic, name: str) -> Tree:
    device: Tree = {"name": name}
    if nic.source:
        device["network"] = nic.source
    if nic.model:
        device["model"] = nic.model
    if nic.mac:
        device["mac"] = {"address": nic.mac}
    if nic.boot_order:
        device["bootOrder"] = nic.boot_order
    return device


def _impossible(nics: list[Nic], platform: Platform, origin: str) -> list[Finding]:
    possible = platform.machine.defaults["nics"]
    return [
        Finding(
            f"{origin}[{index}].model",
            f"`{nic.model}` is not on {platform.machine.family}",
            f"the machine has {listed(tuple(possible))}",
            "network",
        )
        for index, nic in enumerate(nics)
        if nic.model and nic.model not in possible
    ]
