"""The memory balloon (libvirt: formatdomain, "Memory balloon device")."""

from typing import Annotated

from webhook.declare import choice, frontend, integer
from webhook.domain.bus import PCI, Bus
from webhook.domain.devices.device import VirtioDevice
from webhook.domain.types import Switch


class Memballoon(VirtioDevice, tag="memballoon", single="memballoon", buses=(Bus(PCI, 60, ccw=True),)):
    """A balloon by which the guest gives memory back; `none` says that there is none."""

    model: Annotated[str, choice("virtio", "virtio-transitional", "virtio-non-transitional", "none")] | None = (
        frontend()
    )
    autodeflate: Switch | None = frontend()
    free_page_reporting: Switch | None = frontend("@freePageReporting")
    stats_period: Annotated[int, integer(1, 3600)] | None = frontend("stats/@period")
