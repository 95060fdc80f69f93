"""Panic notifiers (libvirt: formatdomain, "Panic device")."""

from typing import Annotated

from webhook.declare import choice, frontend
from webhook.domain.bus import NOWHERE, Bus
from webhook.domain.devices.device import Device


class Panic(Device, tag="panic", plural="panics", alike=("model",), matched_by=("model",), buses=(Bus(NOWHERE),)):
    """How the guest tells the host that it crashed."""

    model: Annotated[str, choice("isa", "hyperv", "pvpanic", "pseries", "s390")] | None = frontend()
