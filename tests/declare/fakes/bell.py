"""A device on virtio-serial that no hypervisor has: its serial number is made, and a silent one has no bus."""

from typing import Annotated

from webhook.declare import choice, frontend
from webhook.domain.bus import NOWHERE, VIRTIO_SERIAL, Bus, Generated
from webhook.domain.devices.device import Device
from webhook.domain.types import Serial


class Bell(
    Device,
    tag="bell",
    plural="bells",
    alike=("sound",),
    buses=(Bus(NOWHERE, when={"sound": ("silence",)}), Bus(VIRTIO_SERIAL)),
    identities=("serial",),
    generated=(Generated("serial", "serial", volatile=True),),
):
    """A bell that the guest rings."""

    sound: Annotated[str, choice("ding", "dong", "silence")] | None = frontend()
    serial: Serial | None = frontend("serial")
