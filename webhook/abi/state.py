"""`spec.abi`: the freeze policy, the rule set, the tombstones and the accepted changes of a VM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from webhook.declare import Element, choice, frontend, text
from webhook.domain.types import ObjectName
from webhook.trees import Tree

if TYPE_CHECKING:
    from typing import Any as Devices
else:
    from webhook.domain.devices import Devices


FROZEN = "frozen"
LATEST = "latest"
IMPORTED = "imported"


# Characters of a path and of a value in the record of an accepted change, and of its digest.
LONGEST_PATH, LONGEST_VALUE, DIGEST_LENGTH = 256, 96, 32
_DIGEST = text(DIGEST_LENGTH, f"[0-9a-f]{{{DIGEST_LENGTH}}}", "a digest as a refusal prints it")
_TIME, _TIME_FORM = "2026-11-27T00:23:43Z", "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"


class AcceptedChange(Element):
    """One field that an accepted change was about, with what was and what is, as messages show them."""

    path: Annotated[str, text(LONGEST_PATH)] | None = frontend("-")
    before: Annotated[str, text(LONGEST_VALUE)] | None = frontend("-")
    after: Annotated[str, text(LONGEST_VALUE)] | None = frontend("-")


class Accepted(Element):
    """Changes that a guest may not survive, accepted together: by the digest that the refusal of them printed.

    Or because the machine was made again of a snapshot, which is named then.
    """

    digest: Annotated[str, _DIGEST] | None = frontend("-")
    snapshot: ObjectName | None = frontend("-")
    changes: list[AcceptedChange] | None = frontend("-")


class Removed(Element):
    """Since when a removed device rests: its list and its name, `disks/data`, and the time of the update."""

    device: Annotated[str, text(LONGEST_PATH)] | None = frontend("-")
    since: Annotated[str, text(len(_TIME), _TIME_FORM, f"a time like `{_TIME}`")] | None = frontend("-")


class Abi(Element):
    """How the guest's view is kept: the service fills it in at create.

    `policy` frozen keeps every frontend field as it was; latest adopts the newest rule set where the domain does
    not say otherwise. `origin` imported says that the machine was found elsewhere and is complete: best practice adds
    nothing to it. `tombstones` are devices that were removed: their addresses stay empty for their return.
    `removed` says since when, the oldest first.
    `history` are the last changes that were accepted although the guest may not survive them.
    """

    policy: Annotated[str, choice(FROZEN, LATEST)] | None = frontend("-")
    rule_set: Annotated[str, text(16, "[0-9]{4}\\.[0-9]{1,3}", "a rule set like `2026.1`")] | None = frontend("-")
    origin: Annotated[str, choice(IMPORTED)] | None = frontend("-")
    tombstones: Devices | None = frontend("-")
    removed: list[Removed] | None = frontend("-")
    history: list[Accepted] | None = frontend("-")


def reserved(abi: Tree) -> list[Tree]:
    """The tombstones in the form of the allocators, the oldest first: a list of {list, name, device}.

    Those of which nobody knows the age are older than all others.
    """
    found: list[Tree] = []
    for kind, devices in abi.get("tombstones", {}).items():
        for device in devices if isinstance(devices, list) else [devices]:
            found.append({"list": kind, "name": device.get("name", kind), "device": device})
    ages = {entry.get("device"): age for age, entry in enumerate(abi.get("removed") or (), 1)}
    return sorted(found, key=lambda each: ages.get(f"{each['list']}/{each['name']}", 0)) if ages else found
