"""What virt-launcher boots: KubeVirt's definitions of a domain one after another, each through the real libvirt.

KubeVirt reserves root ports in three steps (its `docs/pci-topology.md`): placeholder cards beside the real ones, the
domain again without them, and root ports at the end. Between two definitions it reads back what libvirt made into its
own structures, which keep only what they model. The step itself stands behind cgo in KubeVirt's `virtwrap` package, so
it is told here again; everything that it works on is KubeVirt's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from tests.kubevirt.kubevirt import KubeVirt, Ports, Tree
from tests.oracle.hypervisor import Hypervisor

SLOT_COUNT = "kubevirt.io/pci-interface-slot-count"
ROOT_COMPLEX = "kubevirt.io/placePCIDevicesOnRootComplex"
# KubeVirt's numbers: root ports in all, and free ones at least, of a small and of a large machine.
_SMALL, _LARGE = (8, 3), (16, 6)
_LARGE_BYTES = 2 << 30
_HIGHEST_BUS = 31


# What a hook makes of a domain's XML, for the instance that KubeVirt hands it.
Hook = Callable[[Tree, str], str]


def boot(kubevirt: KubeVirt, hypervisor: Hypervisor, vm: Tree, hook: Hook | None = None, **more: Any) -> str:
    """The inactive XML of the domain that starts; with a hook, that is called before each definition."""
    text, ports = kubevirt.domain(vm, **more)
    spec = etree.fromstring(text)

    def defined(asked: etree._Element) -> str:
        made = etree.fromstring(hook(ports.vmi, etree.tostring(asked).decode())) if hook else asked
        return _defined(hypervisor, made)

    if not ports.hotplug:
        return defined(spec)
    placeholders = _placeholders(ports)
    devices = _only(spec, "devices")
    cards = devices.findall("interface")
    if placeholders:
        wanted = etree.fromstring(text)
        _hold(_only(wanted, "devices"), placeholders)
        kept = _only(etree.fromstring(kubevirt.restate(defined(wanted))), "devices")
        for card in kept.findall("interface"):
            kept.remove(card)
        kept.extend(cards)
        spec.replace(devices, kept)
        devices = kept
    made = defined(spec)
    extra = _extra_ports(ports, placeholders)
    if not extra:
        return made
    numbers = [int(each.get("index", "0")) for each in devices.findall("controller[@type='pci']")]
    first = max(numbers, default=0) + 1
    for index in range(first, min(first + extra, _HIGHEST_BUS + 1)):
        etree.SubElement(devices, "controller", type="pci", index=str(index), model="pcie-root-port")
    return defined(spec)


def _placeholders(ports: Ports) -> int:
    if SLOT_COUNT in ports.annotations:
        return max(0, int(ports.annotations[SLOT_COUNT]) - ports.interfaces)
    if ports.annotations.get(ROOT_COMPLEX) == "true" or not ports.interfaces:
        return 0
    return max(0, 4 - ports.interfaces)


def _extra_ports(ports: Ports, placeholders: int) -> int:
    if ports.annotations.get(ROOT_COMPLEX) == "true":
        return 0
    total, least = _LARGE if ports.bytes > _LARGE_BYTES else _SMALL
    return max(0, max(total - ports.in_use, least) - placeholders)


def _hold(devices: etree._Element, number: int) -> None:
    """Cards that hold ports, behind the real ones."""
    model = "virtio-non-transitional"
    for at in range(number):
        card = etree.SubElement(devices, "interface", type="ethernet")
        etree.SubElement(card, "alias", name=f"placeholder-{at}")
        etree.SubElement(card, "model", type=model)
        etree.SubElement(card, "target", dev=f"placeholder-{at}", managed="no")


def _defined(hypervisor: Hypervisor, spec: etree._Element) -> str:
    """What libvirt makes of it.

    The libvirt of the test wants a NUMA cell beside a maximum of memory, KubeVirt's does not.
    """
    given = etree.fromstring(etree.tostring(spec))
    for maximum in given.findall("maxMemory"):
        given.remove(maximum)
    domain = hypervisor.connection.defineXML(etree.tostring(given).decode())
    try:
        return str(domain.XMLDesc(hypervisor.libvirt.VIR_DOMAIN_XML_INACTIVE))
    finally:
        hypervisor.undefine(domain)


def _only(element: etree._Element, tag: str) -> etree._Element:
    found = element.find(tag)
    assert found is not None
    return found
