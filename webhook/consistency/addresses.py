"""Addresses that a device cannot have: of another type than its bus, or at a place of the machine's own."""

from __future__ import annotations

from collections.abc import Container, Iterator

from webhook import machines
from webhook.consistency.rule import devices, path_of, rule
from webhook.declare import shown
from webhook.domain.address import Parts, parts_of, place
from webhook.domain.bus import ISA, PCI, STATED, bus_of
from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.machines import Machine
from webhook.rule_sets import NEWEST
from webhook.trees import Tree

# The types of what is on none of the declared buses; any other is the machine's own, on ISA.
_OFF_THE_BUSES = {"controllers": (PCI, ISA), "hostdevs": ("ccw",), "iommu": (PCI,)}
_WAY = "leave it out: it is filled in"


@rule
def addresses_are_of_the_bus(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses an address of another type, or passes it over, so that QEMU chooses (src/qemu/qemu_command.c)."""
    machine = _machine(domain)
    if machine is None:
        return
    for kind, index, device in devices(domain):
        there = parts_of(device)
        if there and (types := _types(kind, device, machine)) and there["type"] not in types:
            problem = f"`{shown(device['address'])}` is not on {' or '.join(types)}, where the device is"
            yield Finding(f"{path}{path_of(kind, index)}.address", problem, _WAY, "address")


def _types(kind: str, device: Tree, machine: Machine) -> tuple[str, ...]:
    """The types of address that a device may have, the usual one first; none where any may be."""
    bus = bus_of(device, KINDS[kind].buses, machine.lacking)
    if bus is None:
        return _OFF_THE_BUSES.get(kind, (ISA,))
    if bus.name != PCI:
        return () if bus.name == STATED else (bus.name,)
    return _on_pci(kind, machine)


def _on_pci(kind: str, machine: Machine) -> tuple[str, ...]:
    types = ("ccw", PCI) if machine.bus.kind == "ccw" else (PCI, *machine.bus.beside)
    # A host's device that the VM holds and the guest does not see (libvirt: formatdomain, "Device Addresses").
    return (*types, "unassigned") if kind == "hostdevs" else types


@rule
def places_of_the_machine_are_its_own(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt or QEMU refuses PCI places where the machine has devices of its own (src/qemu/qemu_domain_address.c)."""
    machine = _machine(domain)
    if machine is None:
        return
    for kind, index, device in devices(domain):
        there = parts_of(device)
        if there and there["type"] == PCI and _is_built_in(there, machine.bus.builtin_slots):
            if (there["slot"], there["function"]) == _fixed(kind, device, machine):
                continue
            problem = f"`{place(device['address'])}` is where {machine.family} has a device of its own"
            yield Finding(f"{path}{path_of(kind, index)}.address", problem, _WAY, "address")


def _is_built_in(there: Parts, slots: Container[int]) -> bool:
    return not there["domain"] and not there["bus"] and there["slot"] in slots


def _fixed(kind: str, device: Tree, machine: Machine) -> tuple[int, int] | None:
    """The place that the machine fixes for its own controller, of which there is one."""
    if kind != "controllers" or device.get("index", 0):
        return None
    fixed = machine.bus.fixed
    return fixed.get(str(device.get("type"))) or fixed.get(str(device.get("model")))


def _machine(domain: Tree) -> Machine | None:
    kind = domain.get("os", {}).get("type", {})
    return machines.find(kind.get("arch", ""), kind.get("machine", ""), NEWEST)
