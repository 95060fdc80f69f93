"""Memory slots: DIMMs and NVDIMMs in the slots that `maxmemory` counts."""

from __future__ import annotations

from typing import Any

from webhook.expand.addresses.controllers import Controllers

Tree = dict[str, Any]

_MODELS = frozenset({"dimm", "nvdimm"})


def place(devices: Tree, controllers: Controllers, maximum: Tree, resting: list[Tree]) -> None:
    """Give every DIMM without an address the first free slot."""
    memories = devices.get("memories", ())
    taken = {_slot(device) for device in (*memories, *(entry["device"] for entry in resting))}
    slots = maximum.get("slots", 0)
    free = (number for number in range(slots) if number not in taken)
    for index, device in enumerate(memories):
        if device.get("model") not in _MODELS or device.get("address"):
            continue
        slot = next(free, None)
        if slot is None:
            way = "state more in `maxmemory.slots`"
            controllers.refuse(f".devices.memories[{index}]", f"is one DIMM more than the {slots} slots", way)
            continue
        device["address"] = {"type": "dimm", "slot": slot}


def _slot(device: Tree) -> int | None:
    address = device.get("address", {})
    return address.get("slot", 0) if address.get("type") == "dimm" else None
