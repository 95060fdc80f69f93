"""USB hubs (libvirt: formatdomain, "Hub devices")."""

from typing import Annotated

from webhook.declare import choice, frontend
from webhook.domain.bus import USB, Bus
from webhook.domain.devices.device import Device


class Hub(Device, tag="hub", plural="hubs", alike=("address",), buses=(Bus(USB, 5),)):
    """A hub of eight ports."""

    type: Annotated[str, choice("usb")] | None = frontend()
