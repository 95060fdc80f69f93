"""What virt-handler of 1.6.4, 1.7.2 and 1.8 notes of a guest that an older version started and that runs on.

`detectPCITopologyAndAnnotate` of its `pkg/virt-handler/pci_topology.go`, told again over the domain's XML: the package
itself needs a node. Nothing is plugged in here while the guest runs.
"""

from __future__ import annotations

from lxml import etree

from tests.kubevirt.launcher import SLOT_COUNT

NOTE = "kubevirt.io/pci-topology-version"
# What it looks at; sound cards, file systems, vsock devices and PCI bridges it does not.
_LOOKED_AT = ("disk", "interface", "hostdev", "rng", "memballoon", "watchdog", "input", "controller")


def noted(xml: str, interfaces: int) -> dict[str, str]:
    """The annotations that it writes."""
    devices = etree.fromstring(xml).find("devices")
    assert devices is not None
    occupied = {_bus(each) for each in devices if each.tag in _LOOKED_AT and not _is_pci(each)}
    ports = [int(each.get("index", "0")) for each in devices.findall("controller[@model='pcie-root-port']")]
    highest = max(occupied)
    free = sum(port < highest and port not in occupied for port in ports)
    expected = max(0, 4 - interfaces) if interfaces else 0
    return {NOTE: "v3"} if free == expected else {NOTE: "v2", SLOT_COUNT: str(free + interfaces)}


def _is_pci(device: etree._Element) -> bool:
    return device.tag == "controller" and device.get("type") == "pci"


def _bus(device: etree._Element) -> int:
    address = device.find("address")
    return int(str(address.get("bus")), 16) if address is not None and address.get("type") == "pci" else 0
