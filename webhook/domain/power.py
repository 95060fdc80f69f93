"""Sleep states and what follows a power event (libvirt: formatdomain, "Events configuration", "Power Management")."""

from typing import Annotated

from webhook.declare import Backend, Element, choice, frontend, goal
from webhook.domain.types import Flag

_DUMP = {"coredump-destroy": Backend("host-path"), "coredump-restart": Backend("host-path")}


class PowerManagement(Element, tag="pm"):
    """Whether ACPI offers the guest suspend to memory (S3) and to disk (S4)."""

    suspend_to_mem: Flag | None = frontend("suspend-to-mem/@enabled")
    suspend_to_disk: Flag | None = frontend("suspend-to-disk/@enabled")


class Lifecycle(Element, tag="."):
    """What the host does when the guest powers off, reboots or crashes."""

    poweroff: Annotated[str, choice("destroy", "restart", "preserve", "rename-restart")] | None = goal("on_poweroff")
    reboot: Annotated[str, choice("destroy", "restart", "preserve", "rename-restart")] | None = goal("on_reboot")
    crash: (
        Annotated[
            str,
            choice("destroy", "restart", "preserve", "rename-restart", "coredump-destroy", "coredump-restart"),
        ]
        | None
    ) = goal("on_crash", unless=_DUMP)
    lockfailure: Annotated[str, choice("poweroff", "restart", "pause", "ignore")] | None = goal("on_lockfailure")
