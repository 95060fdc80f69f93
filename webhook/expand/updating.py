"""What follows from the changes of an update: amounts that belong together, turns at boot, places on other buses.

Each function changes a stored machine's domain in place, after the features were merged into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from webhook.abi.adoption import DeviceKey
from webhook.abi.freeze import devices_of
from webhook.declare import Goal, Shape, as_ranges, kib, members, written
from webhook.domain import domain_shape
from webhook.domain.address import parts_of
from webhook.domain.bus import Bus, bus_of
from webhook.domain.devices import KINDS
from webhook.domain.devices.memory import plugged_at_boot
from webhook.expand.asked import Asked
from webhook.expand.following import Frozen, value_at
from webhook.features.contribution import Contribution
from webhook.findings import Finding
from webhook.trees import Tree

_LEVELS = ("sockets", "dies", "clusters", "cores", "threads")


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """What a merge made of a stored machine, and what its features ask for."""

    frozen: Frozen
    contributions: Sequence[Contribution]

    def free(self, path: str) -> bool:
        """Whether no feature asks for what stands at a path."""
        return all(value_at(each.asked, path) is None for each in self.contributions)


def settle(domain: Tree, stored: Tree, asked: Asked, merged: Merged) -> None:
    """All that follows from the changes of an update."""
    if asked.after is not None:
        forgo(domain, merged.frozen, asked.after)
    keep_in_step(domain, stored, merged)
    before = stored.get("devices", {})
    make_way(domain["devices"], before, asked.turns)
    rehouse(domain["devices"], before)


def keep_in_step(domain: Tree, stored: Tree, merged: Merged) -> None:
    """Let what was made of an amount follow the amount, where neither the update nor a feature says anything of it."""
    pieces = domain["devices"].get("memories") == (stored.get("devices") or {}).get("memories")
    if pieces and domain.get("memory") == stored.get("memory") and domain.get("vcpu") == stored.get("vcpu"):
        return
    if ".memory.size" in merged.frozen.followed:
        # In the unit in which VMs are listed, as at create.
        domain["memory"]["size"] = written(kib(domain["memory"]["size"]) or 0)
    cells = _untouched(domain, stored, "cpu", "numa") if merged.free(".cpu.numa") else None
    cell = cells[0] if cells and len(cells) == 1 else {}
    _memory(domain, stored, cell)
    topology = _untouched(domain, stored, "cpu", "topology") if merged.free(".cpu.topology") else None
    _processors(domain, stored, cell, topology, current=merged.free(".vcpu.current"))


def _memory(domain: Tree, stored: Tree, cell: Tree) -> None:
    memory, before = domain.get("memory") or {}, stored.get("memory") or {}
    size, was = kib(memory.get("size")), kib(before.get("size"))
    if size is None or was is None:
        return
    now, then = size + plugged_at_boot(domain), was + plugged_at_boot(stored)
    current = kib(memory.get("current"))
    stays = current is None or current != kib(before.get("current")) or then > current <= now
    if now != then and not stays:
        memory["current"] = memory["size"] if now == size else written(now)
    if size == was:
        return
    if kib(cell.get("memory")) == was:
        cell["memory"] = memory["size"]
    rebase(domain["devices"], stored.get("devices", {}))


def rebase(devices: Tree, stored: Tree) -> None:
    """Leave to QEMU where memory devices begin, where that is stated as before: behind memory that is another now."""
    before = devices_of({"memories": stored.get("memories") or []})
    for piece in devices.get("memories") or ():
        old = before.get(("memories", piece.get("name", "")), {})
        if piece.get("address") == old.get("address") and "base" in parts_of(piece):
            piece["address"] = piece["address"].partition(",")[0]
        target = piece.get("target") or {}
        if target.get("base") is not None and target["base"] == (old.get("target") or {}).get("base"):
            del target["base"]


def _processors(domain: Tree, stored: Tree, cell: Tree, topology: Tree | None, *, current: bool) -> None:
    vcpu, before = domain.get("vcpu") or {}, stored.get("vcpu") or {}
    count, was = vcpu.get("count"), before.get("count")
    if not count or not was or count == was:
        return
    at_boot = vcpu.get("current")
    if current and at_boot == before.get("current") and at_boot is not None and (at_boot == was or at_boot > count):
        vcpu["current"] = count
    if topology and prod(topology.values()) == was:
        _scale(topology, count)
    cpus = cell.get("cpus") or []
    if members(cpus) == list(range(was)):
        cell["cpus"] = list(range(count)) if isinstance(cpus, list) else as_ranges(range(count))


def _untouched(domain: Tree, stored: Tree, above: str, name: str) -> Any:
    there = (domain.get(above) or {}).get(name)
    return there if there == (stored.get(above) or {}).get(name) else None


def _scale(topology: Tree, count: int) -> None:
    """Another number of the level of which there are several, else of sockets; none where it is not whole."""
    counted = [level for level in _LEVELS if topology.get(level, 1) > 1] or ["sockets"]
    for level in counted:
        others = prod(number for name, number in topology.items() if name != level)
        if count % others == 0:
            topology[level] = count // others
            return


def unfit(domain: Tree, stored: Tree, path: str) -> Iterator[Finding]:
    """Memory, or NUMA cells, that an update changes alone: the guest would get what the cells hold."""
    cells, size = (domain.get("cpu") or {}).get("numa") or (), kib((domain.get("memory") or {}).get("size"))
    same = size == kib((stored.get("memory") or {}).get("size"))
    if size is None or (same and cells == ((stored.get("cpu") or {}).get("numa") or ())):
        return
    amounts = [kib(cell.get("memory")) for cell in cells]
    total = sum(amount for amount in amounts if amount is not None)
    if amounts and None not in amounts and total != size:
        problem = f"is {size // 1024} MiB, but the NUMA cells hold {total // 1024} MiB"
        way = "state both together: `memory` and `numa` of `spec.features`, or both of `spec.domain`"
        yield Finding(f"{path}.memory.size", problem, way, "memory")


def outgrown(domain: Tree, stored: Tree, path: str) -> Iterator[Finding]:
    """Memory and vCPUs that an update makes more than the machine was made with room for, where that stays as it is."""
    size, most = _amount(domain, "memory"), _amount(domain, "maxmemory")
    if size and most and size > most and size != _amount(stored, "memory") and most == _amount(stored, "maxmemory"):
        problem = f"is {size // 1024} MiB, and the machine was made with room for {most // 1024}"
        way = f"state at most `{written(most)}`; for more make another machine, or raise `{path}.maxmemory.size`"
        way += ", a change of the guest's memory map that has to be accepted"
        yield Finding(f"{path}.memory.size", problem, way, "memory")
    vcpu, before = domain.get("vcpu") or {}, stored.get("vcpu") or {}
    current, count = vcpu.get("current"), vcpu.get("count")
    if current and count and current > count and current != before.get("current") and count == before.get("count"):
        problem = f"is {current}, and the machine was made with room for {count} vCPUs"
        way = f"state at most `{count}`, or as many at most: `max` of `cpu` in `spec.features`"
        yield Finding(f"{path}.vcpu.current", problem, way, "vcpu")


def _amount(domain: Tree, name: str) -> int | None:
    return kib((domain.get(name) or {}).get("size"))


def make_way(devices: Tree, stored: Tree, asked: set[DeviceKey]) -> None:
    """Give devices that have a turn at boot unasked another one where a feature gives theirs away (`asked`)."""
    if not asked:
        return
    turns = {key: device for key, device in devices_of(devices).items() if device.get("bootOrder")}
    before = devices_of(stored)
    taken = {device["bootOrder"] for key, device in turns.items() if key in asked}
    unasked = [
        device
        for key, device in turns.items()
        if key not in asked and device["bootOrder"] == before.get(key, {}).get("bootOrder")
    ]
    if taken.isdisjoint(device["bootOrder"] for device in unasked):
        return
    last = 0
    for device in sorted(unasked, key=lambda one: one["bootOrder"]):
        turn = max(device["bootOrder"], last + 1)
        while turn in taken:
            turn += 1
        device["bootOrder"] = last = turn


def rehouse(devices: Tree, stored: Tree) -> None:
    """Take the place of devices that an update puts on another bus, so that they get one there."""
    before = devices_of(stored)
    for key, device in devices_of(devices).items():
        old, address = before.get(key), device.get("address")
        if old is None or old == device or not address or address != old.get("address") or KINDS[key[0]].permanent:
            continue
        if _on(key[0], device) != _on(key[0], old):
            del device["address"]
            target, was = device.get("target"), old.get("target")
            if type(target) is dict and type(was) is dict and target.get("dev") == was.get("dev"):
                target.pop("dev", None)


def _on(kind: str, device: Tree) -> tuple[str, str]:
    bus: Bus | None = bus_of(device, KINDS[kind].buses)
    return ("", "") if bus is None else (bus.name, bus.role_of(device, kind))


def forgo(domain: Tree, frozen: Frozen, after: Tree) -> None:
    """Take away the goals that the features no longer ask for, where they are what these asked for."""
    for path in _goals(frozen.before or {}, domain_shape(), ""):
        asked = value_at(frozen.before or {}, path)
        if value_at(after, path) is None and value_at(domain, path) == asked == frozen.stored_at(path):
            above, _, name = path.rpartition(".")
            holder = value_at(domain, above) if above else domain
            del holder[name]


def _goals(tree: Tree, shape: Shape, path: str) -> Iterator[str]:
    """The places of a tree's goals, but for those of devices."""
    for name, value in tree.items():
        entry = shape.fields[name]
        if entry.shape is None and isinstance(entry.class_of_value(value), Goal):
            yield f"{path}.{name}"
        elif entry.shape is not None and not entry.many and name != "devices":
            yield from _goals(value, entry.shape, f"{path}.{name}")


def eject(devices: Tree, path: str) -> Iterator[Finding]:
    """Take the empty claims of drives away, which say that there is no medium; other devices have no media."""
    disks = devices.get("disks") or ()
    for index, disk in enumerate(disks):
        if disk.get("claim") == "":
            if disk.get("device") in ("cdrom", "floppy"):
                del disk["claim"]
            else:
                problem = "is empty, and only the medium of a CD-ROM or floppy drive can be ejected"
                yield Finding(f"{path}.disks[{index}].claim", problem, "name a claim, or remove the disk", "disk")
