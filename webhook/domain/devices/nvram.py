"""The NVRAM device of pSeries (libvirt: formatdomain, "NVRAM device")."""

from typing import Annotated

from webhook.declare import frontend
from webhook.domain.bus import VIO, Bus
from webhook.domain.devices.device import NAME, Device


class NvramDevice(Device, tag="nvram", single="nvram", buses=(Bus(VIO, 3),)):
    """Where a pSeries firmware keeps its variables."""

    # libvirt's schema gives it no alias.
    name: Annotated[str, NAME] | None = frontend("-")
