"""The whole hardware of a frozen machine: its PCI controllers, and the address of every device that has one.

A hook restates it at each start. Addresses are texts: `pci BUS:SLOT.FUNCTION`, `sata` and `scsi` with
`CONTROLLER:BUS:TARGET:UNIT`, `usb BUS:PORT`, `virtio-serial CONTROLLER:BUS:PORT`, `ccw CSSID.SSID.DEVNO`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from webhook.trees import Tree

ADDRESSES = {
    "pci": re.compile(r"([0-9a-f]{2}):([01][0-9a-f])\.([0-7])"),
    "sata": re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,5})"),
    "scsi": re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,3}):([0-9]{1,5})"),
    "ide": re.compile(r"([0-9]):([0-9]):([0-9]):([0-9])"),
    "usb": re.compile(r"([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,2}){0,3})"),
    "virtio-serial": re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,3})"),
    "ccw": re.compile(r"([0-9a-f]{2})\.([0-3])\.([0-9a-f]{4})"),
}
ROOT_PORT = "pcie-root-port"
BRIDGES = frozenset({"pcie-to-pci-bridge", "pci-bridge", "dmi-to-pci-bridge"})
# Devices whose model KubeVirt chooses, and may choose otherwise in another version, with those that it chooses.
MODELLED = {"video": frozenset({"vga", "bochs", "virtio"}), "usb0": frozenset({"qemu-xhci", "nec-xhci"})}
_RUN = re.compile(rf"({'|'.join(sorted({ROOT_PORT, *BRIDGES}))}) ([0-9]{{1,3}})(?:-([0-9]{{1,3}}))? (.{{7}})")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,280}")
_WORD = re.compile(r"[A-Za-z0-9._-]{0,64}")
_MOST = 2048
_MOST_CONTROLLERS = 255
_FUNCTIONS = 8


@dataclass(frozen=True, slots=True)
class Controller:
    """A PCI controller: the bus of its index begins behind it; `at` is where it stands: bus, slot, function."""

    index: int
    model: str
    at: tuple[int, int, int]

    @property
    def address(self) -> str:
        """Its address as a text."""
        return pci(*self.at)


@dataclass(frozen=True, slots=True)
class Hardware:
    """`machine` and `arch` are libvirt's words, empty where not known; `addresses` are by a device's name.

    `models` are those of devices that a VM does not state, such as its video device. Without controllers a machine has
    those that libvirt gives it.
    """

    machine: str = ""
    arch: str = ""
    controllers: tuple[Controller, ...] = ()
    addresses: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)

    def tree(self, ports: dict[str, int]) -> Tree:
        """As the annotation has it, beside the root ports that it says already."""
        said = {name: address for name, address in self.addresses.items() if not _is_on(address, ports.get(name))}
        tree: Tree = {"machine": self.machine, "arch": self.arch, "controllers": [*_runs(self.controllers)]}
        tree["addresses"] = said
        if self.models:
            tree["models"] = self.models
        return tree


def pci(bus: int, slot: int, function: int = 0) -> str:
    """The text of a PCI address."""
    return f"pci {bus:02x}:{slot:02x}.{function}"


def parts(address: str) -> tuple[str, tuple[str, ...]] | None:
    """The kind of an address and its parts; None of a text that is none."""
    kind, _, rest = address.partition(" ")
    found = ADDRESSES[kind].fullmatch(rest) if kind in ADDRESSES else None
    return None if found is None else (kind, found.groups())


def pci_of(address: str) -> tuple[int, int, int] | None:
    """Bus, slot and function of an address, None of one that is not PCI's."""
    found = parts(address)
    if found is None or found[0] != "pci":
        return None
    bus, slot, function = (int(part, 16) for part in found[1])
    return bus, slot, function


def read_hardware(tree: Any, ports: dict[str, int]) -> Hardware | None:
    """The hardware that an annotation says, with the root ports that it says elsewhere; None where it says none."""
    if type(tree) is not dict:
        return None
    words, models = (tree.get("machine"), tree.get("arch")), tree.get("models", {})
    if not all(type(word) is str and _WORD.fullmatch(word) for word in words):
        return None
    if not _is_texts(models) or not {*models} <= {*MODELLED}:
        return None
    # One that KubeVirt does not choose by itself is its owner's, who says it in the VM, under its policies.
    models = {name: model for name, model in models.items() if model in MODELLED[name]}
    stated, listed = tree.get("addresses"), tree.get("controllers")
    if not _is_texts(stated) or not all(map(parts, stated.values())):
        return None
    controllers = _controllers(listed)
    if controllers is None:
        return None
    addresses = {name: pci(port, 0) for name, port in ports.items()} | stated
    taken = [*addresses.values(), *(each.address for each in controllers)]
    if len(set(taken)) < len(taken):
        return None
    return Hardware(str(words[0]), str(words[1]), controllers, addresses, models)


def _controllers(listed: Any) -> tuple[Controller, ...] | None:
    """Controllers of runs, each index once and each behind the root complex; None where they are not."""
    if type(listed) is not list or len(listed) > _MOST_CONTROLLERS:
        return None
    made: list[Controller] = []
    for text in listed:
        found = _RUN.fullmatch(text) if type(text) is str else None
        at = pci_of(f"pci {found[4]}") if found else None
        if found is None or at is None:
            return None
        first, last = int(found[2]), int(found[3] or found[2])
        if not 1 <= first <= last <= _MOST_CONTROLLERS:
            return None
        start = at[1] * _FUNCTIONS + at[2]
        for step in range(last - first + 1):
            slot, function = divmod(start + step, _FUNCTIONS)
            made.append(Controller(first + step, found[1], (at[0], slot, function)))
    buses = {each.index: each.at[0] for each in made}
    if len(buses) < len(made) or not _lead_to_root(buses):
        return None
    return tuple(made) if all(each.at[1] < 0x20 for each in made) else None


def _lead_to_root(buses: dict[int, int]) -> bool:
    """Whether each controller, known by its index with the bus it is on, is behind bus 0 in the end, none in a ring."""
    known = {0}
    for index in buses:
        way: set[int] = set()
        while index not in known and index not in way:
            if index not in buses:
                return False
            way.add(index)
            index = buses[index]
        if index in way:
            return False
        known |= way
    return True


def _runs(controllers: Iterable[Controller]) -> Iterator[str]:
    """Controllers as texts: one for each row of neighbours."""
    row: list[Controller] = []
    for each in (*controllers, None):
        if row and (each is None or each.model != row[0].model or not _follows(each, row[-1])):
            numbers = f"{row[0].index}-{row[-1].index}" if len(row) > 1 else f"{row[0].index}"
            yield f"{row[0].model} {numbers} {row[0].address.removeprefix('pci ')}"
            row = []
        if each is not None:
            row.append(each)


def _follows(one: Controller, other: Controller) -> bool:
    at, before = one.at, other.at
    step = (at[1] - before[1]) * _FUNCTIONS + at[2] - before[2]
    return one.index == other.index + 1 and at[0] == before[0] and step == 1


def _is_on(address: str, port: int | None) -> bool:
    return port is not None and address == pci(port, 0)


def _is_texts(tree: Any) -> TypeGuard[dict[str, str]]:
    return (
        type(tree) is dict
        and len(tree) <= _MOST
        and all(_NAME.fullmatch(name) and type(text) is str for name, text in tree.items())
    )
