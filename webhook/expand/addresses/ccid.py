"""Smartcard readers: the slot of a CCID controller, which is itself a USB device with one slot."""

from __future__ import annotations

from itertools import count
from typing import Any

from webhook.expand.addresses.controllers import Controllers

Tree = dict[str, Any]


def place(devices: Tree, controllers: Controllers, resting: list[Tree]) -> None:
    """Give every smartcard reader without an address a controller to itself."""
    cards = devices.get("smartcards", ())
    taken = {_controller(card) for card in (*cards, *(entry["device"] for entry in resting))}
    free = (number for number in count() if number not in taken)
    for card in cards:
        if not card.get("address"):
            index = next(free)
            card["address"] = {"type": "ccid", "controller": index, "slot": 0}
        if card["address"].get("type") == "ccid":
            controllers.ensure("ccid", card["address"].get("controller", 0))


def _controller(card: Tree) -> int | None:
    address = card.get("address", {})
    return address.get("controller", 0) if address.get("type") == "ccid" else None
