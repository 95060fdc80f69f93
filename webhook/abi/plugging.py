"""Whether a device comes or goes while the guest runs, or at its next cold boot, and what the guest notices."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from webhook.domain.address import parts_of
from webhook.domain.bus import PCI
from webhook.domain.devices import KINDS
from webhook.domain.shared_memory import needs_shared, starts_shared
from webhook.machines.controllers import controllers_of
from webhook.trees import Tree

_NO_PORT = "; no hot-plug port is left for it: the new one is there at the next cold boot"
_NO_CONTROLLER = "; the controller that it needs is new, too: both are there at the next cold boot"
_NOT_SHARED = "; it needs memory that is shared with the host, which it is from the next cold boot on"
_COLD = " at its next cold boot"
# The controllers of drives that libvirt plugs by their bus; those of SATA, IDE and floppies are the machine's own.
_DRIVES = "scsi"
# The address's field that names the controller, and the controller's type, by the type of the address.
_ON = {
    "pci": ("bus", "pci"),
    "drive": ("controller", "scsi"),
    "usb": ("bus", "usb"),
    "virtio-serial": ("controller", "virtio-serial"),
}
_PORTS = ("pcie-root-port", "pcie-switch-downstream-port", "pci-root", "pci-bridge", "pcie-to-pci-bridge")


def plugged(kind: str, device: Tree, domain: Tree, *, removed: bool) -> tuple[str, str]:
    """The class of a device's coming or going, and what the guest notices; `domain` is the machine as it was."""
    sentences = table()["consequences"].get(kind, {})
    way = "removed" if removed else "added"
    text = sentences.get(way) or f"the guest {'loses' if removed else 'finds'} the {KINDS[kind].tag}"
    if kind in table()["unseen"]:
        return "none", text
    if not _pluggable(kind, device, domain):
        return "reboot", text + _COLD
    if not removed and not _has_controller(device, domain):
        return "reboot", text + (_NO_PORT if parts_of(device)["type"] == PCI else _NO_CONTROLLER)
    if not removed and needs_shared(kind) and not starts_shared(domain):
        return "reboot", text + _NOT_SHARED
    return "hotplug", text


def may_be_plugged(kind: str) -> bool:
    """Whether libvirt plugs devices of a list into a running guest, on the buses on which it does."""
    return kind in table()["plugged"]


def _pluggable(kind: str, device: Tree, domain: Tree) -> bool:
    address = parts_of(device)
    if not may_be_plugged(kind) or address.get("type") not in table()["buses"]:
        return False
    if address["type"] == "drive":
        return bool((device.get("target") or {}).get("bus") == _DRIVES)
    if address["type"] != "pci":
        return True
    port = _controllers(domain).get(("pci", address["bus"]))
    if port is None:
        return True
    return port.get("model") in _PORTS and (port.get("target") or {}).get("hotplug") != "off"


def _has_controller(device: Tree, domain: Tree) -> bool:
    """Whether what the device is plugged into was there before."""
    address = parts_of(device)
    field, kind = _ON.get(address["type"], ("", ""))
    return not field or (kind, address[field]) in _controllers(domain)


def _controllers(domain: Tree) -> dict[tuple[str, int], Tree]:
    return {(str(one.get("type")), one.get("index") or 0): one for one in controllers_of(domain)}


# Package data, read once.
@cache
def table() -> Tree:
    """Which devices come and go while a guest runs, and what it notices."""
    read: Tree = yaml.safe_load(Path(__file__).with_name("plugging.yaml").read_text())
    return read
