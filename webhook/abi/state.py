"""`spec.abi`: the freeze policy, the rule set and the tombstones of a VM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from webhook.declare import Element, choice, frontend, text

if TYPE_CHECKING:
    from typing import Any as Devices
else:
    from webhook.domain.devices import Devices

Tree = dict[str, Any]

FROZEN = "frozen"
LATEST = "latest"
IMPORTED = "imported"


class Abi(Element):
    """How the guest's view is kept: the service fills it in at create.

    `policy` frozen keeps every frontend field as it was; latest adopts the newest rule set where the domain does
    not say otherwise. `origin` imported says that the machine was found elsewhere and is complete: best practice adds
    nothing to it. `tombstones` are devices that were removed: their addresses stay empty for their return.
    """

    policy: Annotated[str, choice(FROZEN, LATEST)] | None = frontend("-")
    rule_set: Annotated[str, text(16, "[0-9]{4}\\.[0-9]{1,3}", "a rule set like `2026.1`")] | None = frontend("-")
    origin: Annotated[str, choice(IMPORTED)] | None = frontend("-")
    tombstones: Devices | None = frontend("-")


def reserved(abi: Tree) -> list[Tree]:
    """The tombstones in the form of the allocators: a list of {list, name, device}."""
    found: list[Tree] = []
    for kind, devices in abi.get("tombstones", {}).items():
        for device in devices if isinstance(devices, list) else [devices]:
            found.append({"list": kind, "name": device.get("name", kind), "device": device})
    return found
