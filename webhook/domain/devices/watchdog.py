"""Watchdogs (libvirt: formatdomain, "Watchdog devices")."""

from typing import Annotated

from webhook.declare import Backend, choice, frontend, goal
from webhook.domain.bus import NOWHERE, PCI, Bus
from webhook.domain.devices.device import PciDevice


class Watchdog(
    PciDevice,
    tag="watchdog",
    plural="watchdogs",
    alike=("model",),
    buses=(Bus(NOWHERE, when={"model": ("ib700", "itco", "diag288")}), Bus(PCI, 80, ccw=True)),
):
    """A timer that acts when the guest stops answering; a dump would be written to the host."""

    model: Annotated[str, choice("i6300esb", "ib700", "diag288", "itco")] | None = frontend()
    action: Annotated[str, choice("reset", "shutdown", "poweroff", "pause", "none", "dump", "inject-nmi")] | None = (
        goal(unless={"dump": Backend("host-path")})
    )
