"""By what the firmware boots: the turns of single devices, or kinds of devices in an order."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import rule
from webhook.findings import Finding
from webhook.trees import Tree

# The lists whose devices have turns at boot (libvirt: formatdomain, "boot order").
_TURNS = ("disks", "interfaces", "hostdevs", "filesystems", "redirdevs")


@rule
def boot_is_of_devices_or_of_kinds(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses turns of devices beside an order of their kinds (src/conf/domain_conf.c, per-device boot)."""
    if not domain.get("os", {}).get("boot"):
        return
    devices = domain.get("devices", {})
    found = (
        (listed, index)
        for listed in _TURNS
        for index, each in enumerate(devices.get(listed, ()))
        if each.get("bootOrder")
    )
    turn = next(found, None)
    if turn is not None:
        where = f"{path}.devices.{turn[0]}[{turn[1]}].bootOrder"
        way = f"write `{path}.os.boot: []`, or leave the turns of devices out"
        yield Finding(
            f"{path}.os.boot", f"is an order of kinds of devices beside the turn at `{where}`", way, "boot-order"
        )
