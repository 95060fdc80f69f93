"""Smartcard readers: the slot of a CCID controller, which is itself a USB device with one slot."""

from __future__ import annotations

from itertools import count

from webhook.domain.address_text import write
from webhook.domain.bus import CCID
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.addresses.waiting import addresses, lists_on, waiting
from webhook.trees import Tree


def place(devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
    """Give every device of this bus that has no address a controller to itself."""
    if not any(listed in devices for listed, _ in lists_on(CCID)):
        return
    taken = {address["controller"] for address in addresses(CCID, devices, reserved)}
    free = (number for number in count() if number not in taken)
    for card in waiting(CCID, devices, controllers):
        card.device["address"] = write({"type": CCID, "controller": next(free), "slot": 0})
    for address in list(addresses(CCID, devices)):
        controllers.ensure(CCID, address["controller"])
