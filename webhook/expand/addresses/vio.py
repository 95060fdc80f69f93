"""The bus of pSeries' hypervisor (spapr-vio): each device has a register, counted from where its kind begins."""

from __future__ import annotations

from webhook.domain.address_text import write
from webhook.domain.bus import VIO
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.addresses.waiting import addresses, waiting
from webhook.trees import Tree

# How far one register is from the next (libvirt: src/qemu/qemu_domain_address.c, VIO_ADDR_*).
_STEP = 0x1000


def place(devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
    """Give every device of this bus that has no address a register; the machine says where those of a role begin."""
    registers = controllers.machine.bus.vio
    if not registers:
        return
    taken = {address["reg"] for address in addresses(VIO, devices, reserved)}
    following = dict(registers)
    for entry in waiting(VIO, devices, controllers):
        role = entry.role
        if role in following:
            while following[role] in taken:
                following[role] += _STEP
            taken.add(following[role])
            entry.device["address"] = write({"type": VIO, "reg": following[role]})
