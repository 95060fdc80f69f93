"""One machine type of a rule set, as the values of `webhook/machines/data`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from webhook.trees import Tree


@dataclass(frozen=True, slots=True, eq=False)
class Ports:
    """PCI Express root ports: the slots of bus 0 that hold them, and how many stay free at create for hot-plug.

    `lone`: whether there are spare ports also where no device has a port.
    """

    first_slot: int
    last_slot: int
    spare: int
    lone: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Bus:
    """The machine's PCI: which slots of bus 0 are used for what."""

    root: str
    builtin_slots: tuple[int, ...]
    video_slot: int
    fixed: Mapping[str, tuple[int, int]]
    ports: Ports | None
    preferred: Mapping[str, int]
    legacy: Mapping[str, frozenset[str]]
    bridge: str
    next: int = 0
    bridge_slot: int = 0
    # `pci`, or `ccw` where virtio devices are on the channel subsystem instead.
    kind: str = "pci"
    # Further types of address that a device of PCI can have instead.
    beside: tuple[str, ...] = ()
    # Further fields of the root bus, and the first spapr-vio register by role.
    root_device: str = ""
    root_target: Tree = field(default_factory=dict)
    vio: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """A machine type; there is one object a family, so that it can key a cache.

    `names` is the prefix of its versioned names, `alias` QEMU's unversioned name, `version` the versioned name of this
    rule set. `defaults` is best practice by device, `always` the controllers that it always has, `models` the default
    model of a controller by type, `usb_ports` the ports of a USB controller by model.
    """

    family: str
    arch: str
    alias: str
    names: str
    version: str
    defaults: Mapping[str, Any]
    bus: Bus
    always: tuple[Tree, ...]
    models: Mapping[str, str]
    usb_ports: Mapping[str, int]
    virtio_serial_ports: int
    # By model of a PCI controller, what follows from its other fields: `$index`, and `$port` (slot × 8 + function).
    derived: Mapping[str, Tree]
    # The buses of other machines that this one lacks: devices are on the next of their buses, or on none.
    lacking: frozenset[str] = frozenset()
    # The lists of devices in the order in which they get places; empty: the order that their declarations give.
    order: tuple[str, ...] = ()

    @property
    def bare(self) -> Machine:
        """The machine without anything that best practice adds unasked: no controllers, no spare ports."""
        ports = replace(self.bus.ports, spare=0) if self.bus.ports else None
        return replace(self, always=(), bus=replace(self.bus, ports=ports))
