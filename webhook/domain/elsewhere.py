"""What libvirt's schema has and this project does not model, by its owner; the table is `elsewhere.yaml`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

RUNNING = "is what libvirt reports of a running domain"
_OWNERS = {
    "xen": "belongs to Xen",
    "bhyve": "belongs to bhyve",
    "lxc": "belongs to LXC containers",
    "openvz": "belongs to OpenVZ",
    "vmware": "belongs to VMware",
    "ignored": "is ignored by libvirt's QEMU driver",
    "running": RUNNING,
}
_INDEX = re.compile(r"\[[0-9]+\]")
_NAMESPACE = re.compile(r"\{http://libvirt.org/schemas/domain/([a-z]+)/1.0\}")


def owner(path: str) -> str:
    """The owner of a place in the XML (`/domain/devices/controller[1]/alias`), in words; empty where it has none."""
    parts = _INDEX.sub("", _NAMESPACE.sub(r"\1:", path)).split("/")
    table = _table()
    return next((table[row] for end in range(2, len(parts) + 1) if (row := "/".join(parts[:end])) in table), "")


@cache
def _table() -> dict[str, str]:
    """Every place of the table with the description of its owner."""
    table = yaml.safe_load(Path(__file__).with_name("elsewhere.yaml").read_text())
    return {place: _OWNERS[key] for key, places in table.items() for place in places}
