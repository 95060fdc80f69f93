"""Memory of the guest: MiB as a whole number, or a quantity like `4Gi`.

All of it is there at boot, with that of memory devices; more can be plugged in where the guest takes it.
"""

from __future__ import annotations

from webhook.declare import kib, written
from webhook.domain.devices.memory import plugged_at_boot
from webhook.domain.types import Size
from webhook.features.contribution import Contribution
from webhook.features.platform import Platform
from webhook.trees import Tree

ALSO = ("mem", "ram")
Wanted = Size

_SLOTS = 16
# A CPU model without phys-bits has 40 bits (QEMU: target/i386), 1 TiB; DIMM slots and the PCI hole take some of
# that, and QEMU does not start where the maximum does not fit.
_MOST_KIB = 512 * 1024 * 1024


def expand(wanted: int | str | None, platform: Platform, origin: str) -> list[Contribution]:
    """`memory.size` as asked; the memory at boot and the maximum are derived from it."""
    stated = platform.stated.get("memory") or {}
    cells = written(platform.in_cells) if platform.in_cells else None
    # Beside an amount in the domain the tenant's words stay as they are: a conflict quotes both.
    asked = wanted if "size" in stated else _in_mib(wanted)
    size = asked or stated.get("size") or cells or platform.guest.memory
    plugged = plugged_at_boot(platform.stated)
    at_boot = written((kib(size) or 0) + plugged) if asked or plugged else size
    memory: Tree = {"current": at_boot} if asked else {"size": size, "current": at_boot}
    default: Tree = {"memory": memory, **_headroom(size, platform)}
    return [Contribution(origin, {"memory": {"size": asked}} if asked else {}, default, platform.guest.because)]


def without_room(contributions: list[Contribution], domain: Tree) -> list[Contribution]:
    """What features ask of a machine that was stored once: without room for memory it has none, as a new one has."""
    if "maxmemory" in domain or "current" not in (domain.get("memory") or {}):
        return contributions
    return [
        each._replace(default={name: value for name, value in each.default.items() if name != "maxmemory"})
        for each in contributions
    ]


def _in_mib(wanted: int | str | None) -> int | str | None:
    """The amount in the unit in which VMs are listed, wherever it is whole in it."""
    amount = kib(wanted)
    return None if amount is None else written(amount)


def _headroom(size: int | str, platform: Platform) -> Tree:
    grows = platform.machine.defaults["memory_grows"]
    times, amount = platform.guest.memory_headroom if grows else 1, kib(size)
    assert amount is not None  # noqa: S101 - inspected
    most = min(times * amount, _MOST_KIB)
    if "maxmemory" not in platform.stated and (times == 1 or most <= amount):
        return {}
    return {"maxmemory": {"size": written(max(most, amount)), "slots": _SLOTS}}
