"""The bus of pSeries' hypervisor (spapr-vio): each device has a register, counted from where its kind begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from webhook.expand.addresses.controllers import Controllers
from webhook.machines import Machine

Tree = dict[str, Any]

# How far one register is from the next (libvirt: src/qemu/qemu_domain_address.c, VIO_ADDR_*).
_STEP = 0x1000


def place(devices: Tree, controllers: Controllers, machine: Machine, resting: list[Tree]) -> None:
    """Give every device of this bus that has no address a register."""
    if not machine.bus.vio:
        return
    there = [device for _, device in _devices(devices, controllers)]
    taken = {_register(device) for device in (*there, *(entry["device"] for entry in resting))}
    following = dict(machine.bus.vio)
    for kind, device in _devices(devices, controllers):
        if not device.get("address"):
            while following[kind] in taken:
                following[kind] += _STEP
            taken.add(following[kind])
            device["address"] = {"type": "spapr-vio", "reg": following[kind]}


def _devices(devices: Tree, controllers: Controllers) -> Iterator[tuple[str, Tree]]:
    yield from (("interfaces", nic) for nic in devices.get("interfaces", ()) if nic.get("model") == "spapr-vlan")
    yield from (("scsi", entry) for entry in controllers if entry.get("model") == "ibmvscsi")
    yield from (("nvram", entry) for entry in [devices.get("nvram")] if entry is not None)
    yield from (("tpm", entry) for entry in [devices.get("tpm")] if entry and entry.get("model") == "tpm-spapr")
    ours = (entry for entry in devices.get("serials", ()) if entry.get("target", {}).get("type") == "spapr-vio-serial")
    yield from (("serials", entry) for entry in ours)


def _register(device: Tree) -> int | None:
    address = device.get("address", {})
    return address.get("reg") if address.get("type") == "spapr-vio" else None
