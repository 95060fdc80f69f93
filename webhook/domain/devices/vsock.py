"""Sockets between guest and host (libvirt: formatdomain, "Vsock")."""

from typing import Annotated

from webhook.declare import backend, choice, frontend, goal, integer
from webhook.domain.bus import PCI, Bus
from webhook.domain.devices.device import VirtioDevice
from webhook.domain.types import Flag


class Vsock(VirtioDevice, tag="vsock", single="vsock", buses=(Bus(PCI, 150, ccw=True),)):
    """A vsock, which reaches whatever listens on the host (context id 2): the levels say who has one.

    Context ids are the host's: a chosen one could be another guest's, `auto` is none's.
    """

    model: Annotated[str, choice("virtio", "virtio-transitional", "virtio-non-transitional")] | None = frontend()
    auto: Flag | None = goal("cid/@auto")
    cid: Annotated[int, integer(3, 2**32 - 1)] | None = backend("host-port", "cid/@address")
