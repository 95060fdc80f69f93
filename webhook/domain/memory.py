"""Memory: what the guest has, and how far it can grow (libvirt: formatdomain, "Memory Allocation")."""

from typing import Annotated

from webhook.declare import Element, backend, frontend, integer
from webhook.domain.types import Size, Switch


class Memory(Element, tag="."):
    """The memory at boot; a whole number is MiB."""

    size: Size | None = frontend("memory")
    current: Size | None = frontend("currentMemory")
    dump_core: Switch | None = backend("host-path", "memory/@dumpCore")


class MaxMemory(Element, tag="maxMemory"):
    """How far memory can be plugged while the guest runs, and in how many DIMM slots."""

    size: Size | None = frontend(".")
    slots: Annotated[int, integer(0, 256)] | None = frontend()
