"""PCI addresses that KubeVirt takes and with which the guest does not start: found when the object is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from webhook.declare import shown
from webhook.findings import Finding
from webhook.kubevirt.api.kinds import at

RULE = "pciAddress"
_FORM = re.compile("([0-9a-fA-F]{4}):([0-9a-fA-F]{2}):([0-9a-fA-F]{2})[.]([0-7])")
_HIGHEST_SLOT = 0x1F
# q35's own functions (its LPC bridge, SATA controller and SMBus) stand in this slot of the root bus.
_CHIPSET = 0x1F
# KubeVirt reads this address as no address.
_NONE = (0, 0, 0, 0)
_WITHOUT_ROOT_PORTS = ("pc-i440fx", "pseries", "s390")
_OF_ROOT_PORTS = "write one like `0000:0a:00.0`: each root port is a bus with the one slot 00"
Address = tuple[int, int, int, int]


def pci_addresses(vmi: Any) -> Iterator[tuple[str, str]]:
    """Every stated address of a VirtualMachineInstance's spec with its path there, disks before interfaces."""
    devices = at(vmi, ("domain", "devices"))
    for kind, keys in (("disks", ("disk", "pciAddress")), ("interfaces", ("pciAddress",))):
        entries = at(devices, (kind,))
        for index, entry in enumerate(entries if type(entries) is list else ()):
            address = at(entry, keys)
            if type(address) is str and address:
                yield f"domain.devices.{kind}[{index}].{'.'.join(keys)}", address


def wrong_addresses(vmi: Any, root: str) -> Iterator[Finding]:
    """What is wrong with the addresses of a spec that stands at `root`."""
    seen: dict[Address, str] = {}
    ports = _has_root_ports(vmi)
    for path, written in pci_addresses(vmi):
        place = f"{root}.{path}"
        form = _FORM.fullmatch(written)
        if form is None:
            yield _wrong(place, written, "is no PCI address", "write one like `0000:0a:00.0`")
            continue
        domain, bus, slot, function = (int(part, 16) for part in form.groups())
        address = (domain, bus, slot, function)
        if address == _NONE:
            continue
        problem = _impossible(address, ports=ports)
        if problem:
            yield _wrong(place, written, problem, _OF_ROOT_PORTS)
        elif address in seen:
            yield _wrong(place, written, f"is already the place of `{seen[address]}`", "give each device its own")
        seen.setdefault(address, path)


def ignored_addresses(vmi: Any, root: str) -> Iterator[Finding]:
    """Addresses that KubeVirt reads as none."""
    for path, written in pci_addresses(vmi):
        form = _FORM.fullmatch(written)
        if form is not None and tuple(int(part, 16) for part in form.groups()) == _NONE:
            yield _wrong(f"{root}.{path}", written, "is read as no address: the device gets any place", "remove it")


def _impossible(address: Address, *, ports: bool) -> str:
    """Why no device can be at an address; empty where one can."""
    domain, bus, slot, function = address
    if domain:
        return "is in another PCI domain than 0000, the only one that a guest has"
    if slot > _HIGHEST_SLOT:
        return "has a slot above 1f"
    if not ports:
        return ""
    if bus == 0 and slot == _CHIPSET:
        return "is a place of the machine's own chipset"
    if bus == 0 and slot == 0:
        return f"is function {function} of the machine's own host bridge"
    return f"has slot {slot:02x} on bus {bus:02x}, which is a root port with the one slot 00" if bus and slot else ""


def _has_root_ports(vmi: Any) -> bool:
    """Whether the machine's further buses are root ports: q35's and virt's are; none is stated on those."""
    machine, architecture = at(vmi, ("domain", "machine", "type")), at(vmi, ("architecture",))
    other = type(machine) is str and machine.startswith(_WITHOUT_ROOT_PORTS)
    return not other and architecture not in ("s390x", "ppc64le")


def _wrong(place: str, written: str, problem: str, way: str) -> Finding:
    return Finding(place, f"`{shown(written)}` {problem}", way, RULE)
