"""Trusted Platform Modules (libvirt: formatdomain, "TPM device")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Backend, choice, frontend, goal
from webhook.declare import backend as reaching
from webhook.domain.devices.device import Device
from webhook.domain.types import Flag, Path


class Tpm(Device, tag="tpm", single="tpm"):
    """A TPM. An emulated one has its state with the VM; any other belongs to the host."""

    model: Annotated[str, choice("tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy")] | None = frontend()
    backend: Annotated[str, choice("emulator", "passthrough", "external")] | None = goal(
        "backend/@type", unless={"passthrough": Backend("passthrough"), "external": Backend("host-port")}
    )
    version: Annotated[str, choice("1.2", "2.0")] | None = frontend("backend/@version")
    persistent_state: Flag | None = goal("backend/@persistent_state")
    path: Path | None = reaching("raw-device", "backend/device/@path")
