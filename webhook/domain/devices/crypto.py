"""Virtio crypto devices (libvirt: formatdomain, "Crypto"; not in libvirt 9.0 yet)."""

from typing import Annotated

from webhook.declare import Backend, choice, frontend, goal, integer
from webhook.declare import backend as reaching
from webhook.domain.bus import PCI, Bus
from webhook.domain.devices.device import VirtioDevice


class Crypto(VirtioDevice, tag="crypto", plural="cryptos", alike=("model",), buses=(Bus(PCI, 170, ccw=True),)):
    """A crypto device; `lkcf` would be the host kernel's own keys."""

    model: Annotated[str, choice("virtio")] | None = frontend()
    type: Annotated[str, choice("qemu")] | None = goal()
    backend: Annotated[str, choice("builtin", "lkcf")] | None = goal(
        "backend/@model", unless={"lkcf": Backend("passthrough")}
    )
    queues: Annotated[int, integer(1, 1024)] | None = reaching("io-tuning", "backend/@queues")
