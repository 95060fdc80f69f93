"""osinfo-db is the judge: what we make of a guest that it knows, that guest supports by its word."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.guests import osinfo
from tests.packages import need
from webhook import guests
from webhook.admission.context import AdmissionContext
from webhook.expand.pipeline import expand
from webhook.findings import Refused
from webhook.kinds import declared_fields
from webhook.policy import Policies
from webhook.rule_sets import NEWEST

ROOT = Path(__file__).parents[2]
RULE_SET = NEWEST
# What osinfo-db does not say of a guest, by guest, with why it has it nevertheless.
EXCUSED: dict[str, dict[str, str]] = yaml.safe_load((Path(__file__).parent / "excused.yaml").read_text())
# osinfo's names of what a domain has, by the machine. It has none for IDE, SATA and UHCI, which every system knows.
VIRTIO = {"q35": ("virtio1.0-{}",), "i440fx": ("virtio-{}", "virtio1.0-{}")}
NICS = {"e1000": ("e1000",), "e1000e": ("e1000e",)}
VIDEOS = {"virtio": "virtio1.0-gpu", "qxl": "qxl", "vga": "vga", "bochs": "bochs-display"}
# At least so many of its systems are ours: fewer would be a table of names that is broken.
LEAST = 150


@pytest.fixture(scope="module", autouse=True)
def known() -> None:
    need("osinfo")


def found() -> dict[str, guests.Guest]:
    """The guest of each system of osinfo-db that we take, by its id."""
    taken = {}
    for name in osinfo.systems():
        try:
            taken[name] = guests.find({"type": name}, RULE_SET)
        except Refused:
            continue
    return taken


@cache
def context() -> AdmissionContext:
    return AdmissionContext(policies=Policies(ROOT / "policies", declared_fields()))


def expanded(features: dict[str, Any]) -> dict[str, Any]:
    """The domain of a VM with a disk, a network card and a display."""
    devices = {"storage": [{"type": "disk", "source": "root"}], "network": [{"source": "lan"}], "graphics": "spice"}
    domain: dict[str, Any] = expand({"features": {**devices, **features}}, context(), "spec").spec["domain"]
    return domain


@cache
def made(guest: guests.Guest, machine: str | None) -> dict[str, Any]:
    """What is made of a guest by its name alone."""
    system = {"type": guest.type, **({"version": guest.version} if guest.version else {})}
    return expanded({"system": {**system, **({"machine": machine} if machine else {})}})


def family(domain: dict[str, Any]) -> str:
    return "q35" if "q35" in domain["os"]["type"]["machine"] else "i440fx"


def wanted(domain: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a domain needs a driver for to be used at all, each with the devices of osinfo any of which will do."""
    machine, devices = family(domain), domain["devices"]
    virtio = VIRTIO[machine]

    def named(kind: str) -> tuple[str, ...]:
        return tuple(form.format(kind) for form in virtio)

    if devices["disks"][0]["target"]["bus"] == "virtio":
        yield "disk", named("block")
    model = devices["interfaces"][0]["model"]
    yield "network card", named("net") if model == "virtio" else NICS[model]
    if devices.get("rng"):
        yield "rng", named("rng")
    if any(device["type"] == "tablet" for device in devices["inputs"]):
        yield "tablet", ("tablet",)
        if any(one.get("model") == "qemu-xhci" for one in devices["controllers"]):
            yield "USB controller", ("qemu-xhci",)
    if machine == "q35":
        yield "machine", ("qemu-x86-q35",)


def problems(system: osinfo.System, guest: guests.Guest, domain: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a domain by the word of osinfo-db; where it lists no device at all it does not know."""
    if system.supported:
        yield from (what for what, any_of in wanted(domain) if system.supported.isdisjoint(any_of))
    # Every display here is a VGA, too, which does without its own driver; but not where it is known to fail.
    if VIDEOS[domain["devices"]["video"][0]["type"]] in system.unsupported:
        yield "video"
    firmware = domain["os"]["firmware"]
    if not system.firmware.get(firmware, firmware == "bios" or not system.firmware):
        yield "firmware"
    unasked = {"ram": guest.memory << 20, "n-cpus": guest.cpus, "storage": guest.minimum.disk << 30}
    yield from (what for what, has in unasked.items() if has < system.minimum.get(what, 0))
    if guest.minimum.memory << 20 < system.minimum.get("ram", 0):
        yield "least memory"


def test_a_guest_that_osinfo_knows_supports_what_it_gets() -> None:
    """The balloon and the agent's channel wait for a driver, and nothing depends on them."""
    wrong = {}
    for name, guest in found().items():
        said = set(problems(osinfo.systems()[name], guest, made(guest, None)))
        if said != set(EXCUSED.get(guest.title, ())):
            wrong[name] = said
    assert wrong == {}


@pytest.mark.parametrize(
    ("system", "features", "said"),
    [
        ("http://redhat.com/rhel/6.10", {"rng": True}, {"rng"}),
        (
            "http://redhat.com/rhel/7.0",
            {"system": {"type": "rhel", "version": "7.9"}},
            {"disk", "network card", "rng", "machine"},
        ),
        (
            "http://microsoft.com/win/7",
            {"system": {"type": "linux"}},
            {"disk", "network card", "rng", "USB controller"},
        ),
        (
            "http://microsoft.com/win/11",
            {"system": {"type": "windows", "version": "7"}},
            {"firmware", "storage", "least memory"},
        ),
        ("http://ubuntu.com/ubuntu/22.04", {"system": {"type": "debian", "version": "12"}}, {"video", "least memory"}),
    ],
)
def test_the_judge_refuses_what_a_system_does_not_support(system: str, features: Any, said: set[str]) -> None:
    asked = {"system": {"type": system}, **features}
    guest = guests.find(asked["system"], RULE_SET)
    assert said <= set(problems(osinfo.systems()[system], guest, expanded(asked)))


def test_a_guest_on_the_other_machine_has_a_disk_and_a_card_that_it_supports() -> None:
    wrong = {}
    for name, guest in found().items():
        other = "i440fx" if guest.machine == "q35" else "q35"
        system = osinfo.systems()[name]
        strict = guest.strict and guest.firmware == "efi"
        if strict or not system.supported or (other == "q35" and "qemu-x86-q35" not in system.supported):
            continue
        needs = [(what, any_of) for what, any_of in wanted(made(guest, other)) if what in ("disk", "network card")]
        if said := [what for what, any_of in needs if system.supported.isdisjoint(any_of)]:
            wrong[name] = said
    assert wrong == {}


def test_a_short_name_of_osinfo_means_what_its_id_means() -> None:
    """The first one of each system; others are words for it, such as a misspelt `ubuntutxenial`."""
    ids = found()
    assert len(ids) > LEAST
    short = {name: osinfo.systems()[name].names[0] for name in ids}
    assert {name: guests.find({"type": word}, RULE_SET) for name, word in short.items()} == ids


def test_every_excuse_is_of_a_guest_that_osinfo_knows() -> None:
    assert set(EXCUSED) - {guest.title for guest in found().values()} == set()
