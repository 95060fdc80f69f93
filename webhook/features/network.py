"""NICs, each with the network that it is on: one by its name, as a bridge or by SR-IOV, or the pod's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from webhook.declare import Element, choice, frontend, reference, shown
from webhook.declare.scalars import listed
from webhook.domain.names import names_of, referred
from webhook.domain.types import DeviceName, Mac, NetworkName, Positive
from webhook.features.contribution import Contribution, one, repeated
from webhook.features.platform import Platform, absent
from webhook.findings import Finding, Refused
from webhook.trees import Tree

ALSO = ("interface", "interfaces", "networks", "nic", "nics")


class Nic(Element):
    """A NIC; `source` names the network that it is on."""

    also: ClassVar[Mapping[str, str]] = {"macaddress": "mac", "network": "source", "networkname": "source"}

    name: DeviceName | None = frontend(
        "-", doc="What it is known by (lower-case letters, digits, `-`); else one is made."
    )
    type: Annotated[str, choice("network", "sriov", "pod")] | None = frontend(
        "-",
        doc="How it is connected: `network` to the one that `source` names, `sriov` as a virtual function of that "
        "network's card, `pod` to the pod's own network; `network` where unsaid.",
    )
    source: NetworkName | None = reference(
        "Network", "-", doc="The network that it is on: NAME, or NAMESPACE/NAME where a policy permits that."
    )
    model: Annotated[str, choice("virtio", "e1000e", "e1000", "rtl8139")] | None = frontend(
        "-", doc="What the guest sees: `virtio`, `e1000e`, `e1000` or `rtl8139`; else what suits the guest."
    )
    mac: Mac | None = frontend("-", doc="A unicast MAC address like `02:00:00:12:34:56`; else one is made.")
    boot_order: Positive | None = frontend("-", doc="Its turn at boot: 1 is the first.")


Wanted = list[Nic]


def expand(wanted: list[Nic] | None, platform: Platform, origin: str) -> list[Contribution]:
    """One contribution a NIC. Raises Refused for a repeated name, and what the machine lacks."""
    if not wanted:
        return []
    given = ((index, "name", nic.name) for index, nic in enumerate(wanted))
    findings = [
        *repeated(given, origin, "NIC", "network"),
        *_sharing_a_mac(wanted, origin),
        *(finding for index, nic in enumerate(wanted) for finding in _contradicting(nic, f"{origin}[{index}]")),
        *_impossible(wanted, platform, origin),
    ]
    if findings:
        raise Refused(findings)
    names = names_of((nic.name, _base(nic)) for nic in wanted)
    model = platform.guest.nic[platform.machine.family]
    return [
        Contribution(
            f"{origin}[{index}]",
            one("interfaces", _asked(nic, name)),
            one("interfaces", {"name": name} if nic.type == "sriov" else {"name": name, "model": nic.model or model}),
            platform.guest.because,
            "" if nic.name else _base(nic),
            _unconnected(nic, f"{origin}[{index}]"),
        )
        for index, (nic, name) in enumerate(zip(wanted, names, strict=True))
    ]


def _base(nic: Nic) -> str:
    return referred(nic.source) if nic.source else "interface"


def _asked(nic: Nic, name: str) -> Tree:
    device: Tree = {"name": name}
    if nic.source:
        device["network"] = nic.source
    if nic.type == "sriov":
        device["sriov"] = True
    if nic.model:
        device["model"] = nic.model
    if nic.mac:
        device["mac"] = {"address": nic.mac}
    if nic.boot_order:
        device["bootOrder"] = nic.boot_order
    return device


def _unconnected(nic: Nic, place: str) -> Finding | None:
    """What is wrong if a NIC, merged with the tenant's domain, has no network."""
    if nic.source or nic.type == "pod":
        return None
    way = "name the network, or say `type: pod` for the pod's own"
    return Finding(f"{place}.source", "is missing: the NIC would be on no network", way, "network")


def _sharing_a_mac(nics: list[Nic], origin: str) -> Iterator[Finding]:
    """Entries with the MAC address of an earlier one, as which they would be taken.

    A virtual function and its standby have names, and one address for both: `macs_differ` judges their devices.
    """
    first_with: dict[str, int] = {}
    for index, nic in enumerate(nics):
        if nic.mac is None:
            continue
        first = first_with.setdefault(nic.mac.lower(), index)
        if first != index and not _may_be_a_pair(nic, nics[first]):
            way = "leave it out, so that one is made, or state another"
            problem = f"`{nic.mac}` is taken by `{origin}[{first}]`"
            yield Finding(f"{origin}[{index}].mac", problem, way, "network")


def _may_be_a_pair(one: Nic, other: Nic) -> bool:
    """Whether one is a virtual function and the other is not, each with its name."""
    return bool(one.name and other.name) and (one.type == "sriov") is not (other.type == "sriov")


def _contradicting(nic: Nic, place: str) -> Iterator[Finding]:
    """A network beside the pod's, and a model beside SR-IOV, where the card is the model."""
    if nic.type == "pod" and nic.source:
        problem = f"is `{shown(nic.source)}` beside `type: pod`"
        yield Finding(f"{place}.source", problem, "leave one of the two out", "network")
    if nic.type == "sriov" and nic.model:
        problem = f"is `{shown(nic.model)}`, but the guest of an SR-IOV network sees its card"
        yield Finding(f"{place}.model", problem, "leave the model out", "network")


def _impossible(nics: list[Nic], platform: Platform, origin: str) -> list[Finding]:
    possible = platform.machine.defaults["nics"]
    without = [
        absent(f"{origin}[{index}].type", "virtual function of a network's card", platform)
        for index, nic in enumerate(nics)
        if nic.type == "sriov" and platform.machine.bus.kind == "ccw"
    ]
    return without + [
        Finding(
            f"{origin}[{index}].model",
            f"`{nic.model}` is not on {platform.machine.family}",
            f"the machine has {listed(tuple(possible))}",
            "network",
        )
        for index, nic in enumerate(nics)
        if nic.model and nic.model not in possible
    ]
