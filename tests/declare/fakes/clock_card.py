"""A PCI device that no hypervisor has: told by its serial, and with a file of the host behind it."""

from typing import Annotated

from webhook.declare import Backend, choice, frontend, goal
from webhook.declare import backend as reaching
from webhook.domain.bus import PCI, Bus
from webhook.domain.convention import fixed
from webhook.domain.devices.device import PciDevice
from webhook.domain.types import Path, Serial


class ClockCard(
    PciDevice,
    tag="clockcard",
    plural="clockcards",
    alike=("serial",),
    buses=(Bus(PCI),),
    identities=("serial",),
    matched_by=("serial",),
    convention=fixed(backend="system"),
    optional_backend=True,
):
    """A clock on a card."""

    model: Annotated[str, choice("tick", "tock")] | None = frontend()
    serial: Serial | None = frontend("serial")
    backend: Annotated[str, choice("system", "radio")] | None = goal(
        "backend/@type", unless={"radio": Backend("raw-device")}
    )
    path: Path | None = reaching("host-path", "backend/@path")
