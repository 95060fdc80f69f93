"""What virt-launcher boots: KubeVirt's definitions of a domain one after another, each through the real libvirt.

KubeVirt reserves root ports in three steps (its `docs/pci-topology.md`): placeholder cards beside the real ones, the
domain again without them, and root ports at the end. Between two definitions it reads back what libvirt made into its
own structures, which keep only what they model. The step itself stands behind cgo in KubeVirt's `virtwrap` package, so
it is told here again, in each of its three forms; everything that it works on is KubeVirt's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from lxml import etree

from tests.kubevirt.kubevirt import KubeVirt, Ports
from tests.oracle.hypervisor import Hypervisor
from webhook.trees import Tree

SLOT_COUNT = "kubevirt.io/pci-interface-slot-count"
ROOT_COMPLEX = "kubevirt.io/placePCIDevicesOnRootComplex"
# How ports are reserved: v1 of 1.0 to 1.5, v2 of 1.6.0 to 1.6.3, 1.7.0 and 1.7.1, v3 of 1.6.4, 1.7.2, 1.8 and later.
Topology = Literal["v1", "v2", "v3"]
# KubeVirt's numbers: root ports in all, and free ones at least, of a small and of a large machine.
_SMALL, _LARGE = (8, 3), (16, 6)
_LARGE_BYTES = 2 << 30
_HIGHEST_BUS = 31


# What a hook makes of a domain's XML, for the instance that KubeVirt hands it.
Hook = Callable[[Tree, str], str]


def boot(
    kubevirt: KubeVirt,
    hypervisor: Hypervisor,
    vm: Tree,
    hook: Hook | None = None,
    *,
    topology: Topology = "v3",
    **more: Any,
) -> str:
    """The inactive XML of the domain that starts; with a hook, that is called before each definition."""
    text, ports = kubevirt.domain(vm, **more)
    spec = etree.fromstring(text)

    def defined(asked: etree._Element) -> str:
        made = etree.fromstring(hook(ports.vmi, etree.tostring(asked).decode())) if hook else asked
        return _defined(hypervisor, made)

    if not ports.hotplug:
        return defined(spec)
    placeholders = _PLACEHOLDERS[topology](ports)
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
    extra = max(0, by_memory(ports) - placeholders) if topology == "v3" else 0
    if not extra:
        return made
    numbers = [int(each.get("index", "0")) for each in devices.findall("controller[@type='pci']")]
    first = max(numbers, default=0) + 1
    for index in range(first, min(first + extra, _HIGHEST_BUS + 1)):
        etree.SubElement(devices, "controller", type="pci", index=str(index), model="pcie-root-port")
    return defined(spec)


def four(ports: Ports) -> int:
    """Placeholders of a VM with fewer than four cards, unless it has none."""
    if ports.annotations.get(ROOT_COMPLEX) == "true" or not ports.interfaces:
        return 0
    return max(0, 4 - ports.interfaces)


def by_memory(ports: Ports) -> int:
    """Ports that are to be free, by what takes one and by the memory."""
    if ports.annotations.get(ROOT_COMPLEX) == "true":
        return 0
    total, least = _LARGE if ports.bytes > _LARGE_BYTES else _SMALL
    return max(total - ports.in_use, least)


def _stated(ports: Ports) -> int:
    if SLOT_COUNT in ports.annotations:
        return max(0, int(ports.annotations[SLOT_COUNT]) - ports.interfaces)
    return four(ports)


_PLACEHOLDERS: dict[Topology, Callable[[Ports], int]] = {"v1": four, "v2": by_memory, "v3": _stated}


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
