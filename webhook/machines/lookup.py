"""Machines by name: a family, QEMU's alias, or a versioned name of any vendor.

The caches hold answers about package data. Names come from tenants, so that those by name are bounded.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from webhook.domain.bus import VIO
from webhook.machines.machine import Bus, Machine, Ports
from webhook.rule_sets import NEWEST, overlaid, up_to

DATA = Path(__file__).parent / "data"
# Ubuntu's QEMU names its machines by releases (debian/patches/ubuntu/define-ubuntu-machine-types.patch).
_RELEASES = (
    "trusty|utopic|vivid|wily|xenial|yakkety|zesty|artful|bionic|cosmic|disco|eoan|focal|groovy|hirsute|impish|jammy|"
    "kinetic|lunar|mantic|noble|oracular|plucky|questing"
)
_VERSION = re.compile(f"[a-z]*[0-9]+(\\.[0-9]+)*|({_RELEASES})(-|$)")
_VERSIONED = re.compile(f"[a-z0-9-]+-((rhel|el)?[0-9]+(\\.[0-9]+)+|{_RELEASES})(-[a-z0-9.]+)*")


@lru_cache(1024)
def find(arch: str, name: str, rule_set: str) -> Machine | None:
    """The machine of this architecture with this name, or None.

    `name` is a family (`q35`), QEMU's alias (`pc`), or a versioned name (`pc-q35-7.2`, `pc-i440fx-rhel7.3.0`,
    `pc-q35-jammy`).
    """
    for machine in _machines(rule_set):
        if machine.arch != arch:
            continue
        if name in (machine.family, machine.alias) or _is_version(name, machine):
            return machine
    return None


def of_arch(arch: str, rule_set: str) -> tuple[Machine, ...]:
    """The machines of an architecture."""
    return tuple(machine for machine in _machines(rule_set) if machine.arch == arch)


@lru_cache(1024)
def versioned(name: str) -> bool:
    """Whether a machine's name has a version, so that it is the same machine in every QEMU that supports it."""
    return bool(_VERSIONED.fullmatch(name))


@lru_cache(1024)
def unpinned(arch: str, name: str) -> bool:
    """Whether a machine has no versioned type at all, in the newest rule set: riscv64's `virt` (QEMU 7.2)."""
    machine = find(arch, name, NEWEST)
    return machine is not None and name == machine.version and not versioned(name)


@lru_cache(1024)
def family(arch: str, name: str) -> str:
    """The family of a machine by any name, in the newest rule set; empty where it is unknown."""
    machine = find(arch, name, NEWEST)
    return machine.family if machine is not None else ""


@lru_cache(1024)
def lacking(arch: str, name: str) -> frozenset[str]:
    """The buses that a machine does not have, by any of its names, in the newest rule set."""
    machine = find(arch, name, NEWEST)
    return machine.lacking if machine is not None else frozenset({VIO})


@lru_cache(1024)
def has_channels(arch: str, name: str) -> bool:
    """Whether a machine's devices are on the channel subsystem in place of PCI, in the newest rule set."""
    machine = find(arch, name, NEWEST)
    return machine is not None and machine.bus.kind == "ccw"


def _is_version(name: str, machine: Machine) -> bool:
    return name.startswith(machine.names) and bool(_VERSION.match(name.removeprefix(machine.names)))


@cache
def _machines(rule_set: str) -> tuple[Machine, ...]:
    files: dict[str, dict[str, Any]] = {}
    for each in up_to(rule_set):
        for entry in sorted((DATA / each).glob("*.yaml")):
            files[entry.name] = overlaid(files.get(entry.name), yaml.load(entry.read_text(), yaml.CSafeLoader))
    return tuple(_machine(files[name]) for name in sorted(files))


def _machine(data: dict[str, Any]) -> Machine:
    bus, controllers = data["bus"], data["controllers"]
    return Machine(
        family=data["family"],
        arch=data["arch"],
        alias=data["alias"],
        names=data["names"],
        version=data["version"],
        defaults=data["defaults"],
        bus=Bus(
            root=bus["root"],
            builtin_slots=tuple(bus["builtin_slots"]),
            video_slot=bus["video_slot"],
            fixed={name: (slot, function) for name, (slot, function) in bus["fixed"].items()},
            ports=Ports(**bus["ports"]) if bus["ports"] else None,
            preferred=bus["preferred"],
            legacy={kind: frozenset(models) for kind, models in bus["legacy"].items()},
            bridge=bus["bridge"],
            next=bus.get("next", 0),
            bridge_slot=bus.get("bridge_slot", 0),
            kind=bus.get("kind", "pci"),
            beside=tuple(bus.get("beside", ())),
            root_device=bus.get("root_device", ""),
            root_target=bus.get("root_target", {}),
            vio=bus.get("vio", {}),
        ),
        always=tuple(controllers["always"]),
        models=controllers["models"],
        usb_ports=controllers["usb_ports"],
        virtio_serial_ports=controllers["virtio_serial_ports"],
        derived=controllers["derived"],
        lacking=frozenset() if bus.get("vio") else frozenset({VIO}),
    )
