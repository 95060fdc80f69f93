"""Options of virtio devices, by the bus that they are on."""

from __future__ import annotations

from collections.abc import Iterator

from webhook import machines
from webhook.consistency.rule import devices, path_of, rule
from webhook.findings import Finding
from webhook.trees import Tree

# Properties of virtio-pci alone (QEMU: hw/virtio/virtio-pci.c).
_OF_PCI = ("ats", "pagePerVq")
_MODERN = "virtio-non-transitional"
_GENERATIONS = frozenset({"virtio-transitional", _MODERN})
# Machines whose devices are on plain PCI, where a virtio device has its old form too (QEMU: hw/virtio/virtio-pci.c).
_PLAIN = frozenset({"i440fx", "pseries"})


@rule
def virtio_options_fit_the_bus(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU starts no virtio device with options that its bus, or its old form, does not have."""
    kind = domain.get("os", {}).get("type", {})
    arch, name = kind.get("arch", ""), kind.get("machine", "")
    channels, plain = machines.has_channels(arch, name), machines.family(arch, name) in _PLAIN
    if not (channels or plain):
        return
    for listed, index, device in devices(domain):
        if channels and device.get("model") in _GENERATIONS:
            where = f"{path}{path_of(listed, index)}.model"
            problem = f"`{device['model']}` is a generation of PCI's, which the device is not on"
            yield Finding(where, problem, "name the model `virtio`", "virtio")
        driver = device.get("driver")
        if type(driver) is not dict:
            continue
        where = f"{path}{path_of(listed, index)}.driver"
        for option in _OF_PCI if channels else ():
            if option in driver:
                yield Finding(
                    f"{where}.{option}", "is an option of PCI, which the device is not on", "remove it", "virtio"
                )
        if plain and driver.get("iommu") is True and device.get("model") != _MODERN:
            problem = "is not possible for a virtio device in its old form, which it has on plain PCI"
            yield Finding(f"{where}.iommu", problem, f"remove it, or name the model `{_MODERN}`", "virtio")
