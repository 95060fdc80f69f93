"""Memory slots: DIMMs and NVDIMMs in the slots that `maxmemory` counts."""

from __future__ import annotations

from webhook.domain.address_text import write
from webhook.domain.bus import DIMM
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.addresses.reserving import give_up, to_give
from webhook.expand.addresses.waiting import addresses, waiting
from webhook.trees import Tree


def place(devices: Tree, controllers: Controllers, maximum: Tree, reserved: list[Tree]) -> None:
    """Give every DIMM without an address the first free slot."""
    unplaced = list(waiting(DIMM, devices, controllers))
    if not unplaced:
        return
    taken = {address["slot"] for address in addresses(DIMM, devices, reserved)}
    slots = maximum.get("slots", 0)
    free = (number for number in range(slots) if number not in taken)
    for entry in unplaced:
        slot = next(free, None)
        if slot is None:
            slot = _given_up(reserved, slots)
        if slot is None:
            way = "state more in `maxmemory.slots`"
            controllers.refuse(entry.where, f"is one DIMM more than the {slots} slots", way)
            continue
        entry.device["address"] = write({"type": DIMM, "slot": slot})


def _given_up(reserved: list[Tree], slots: int) -> int | None:
    """The slot of the DIMM that was removed first."""
    for entry, address in to_give(DIMM, reserved):
        if "given" not in entry and address["slot"] < slots:
            give_up(entry)
            slot: int = address["slot"]
            return slot
    return None
