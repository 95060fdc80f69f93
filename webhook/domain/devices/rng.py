"""Random number generators (libvirt: formatdomain, "Random number generator device")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Backend, choice, frontend, goal
from webhook.declare import backend as reaching
from webhook.domain.devices.device import PciDevice
from webhook.domain.types import Path


class Rng(PciDevice, tag="rng", single="rng"):
    """A virtio random number generator. The host's own source needs no path; others reach into the host."""

    model: Annotated[str, choice("virtio", "virtio-transitional", "virtio-non-transitional")] | None = frontend()
    backend: Annotated[str, choice("random", "builtin", "egd")] | None = goal(
        "backend/@model", unless={"egd": Backend("host-port")}
    )
    path: Path | None = reaching("host-path", "backend")
