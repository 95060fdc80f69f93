"""A VM that really starts, paused and under emulation, and what its guest would see: PCI, devices, ACPI, SMBIOS."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.oracle.hypervisor import Hypervisor
from webhook.libvirt.xml.render import render
from webhook.trees import Tree

# How long firmware may take to enumerate PCI under emulation, in seconds.
_PATIENCE = 240.0
# Where a PC's firmware leaves its tables for the guest.
_LOW, _HIGH = 0xE0000, 0x100000
_SIZES = {"I": 4, "Q": 8}


@contextmanager
def running(domain: Tree, hypervisor: Hypervisor, folder: Path) -> Iterator[Any]:
    """The domain, started with disks of our own and user networks, until the block ends."""
    with started(render(on_this_host(domain, folder), "vm"), hypervisor) as defined:
        yield defined


@contextmanager
def started(xml: str, hypervisor: Hypervisor) -> Iterator[Any]:
    """A document's domain, paused, until the block ends."""
    defined = hypervisor.define(xml)
    try:
        defined.createWithFlags(hypervisor.libvirt.VIR_DOMAIN_START_PAUSED)
        yield defined
    finally:
        if defined.isActive():
            defined.destroy()
        hypervisor.undefine(defined)


def on_this_host(domain: Tree, folder: Path) -> Tree:
    """The backend that this test has: blank images, networks without a bridge, sockets of libvirt's own."""
    devices = dict(domain["devices"])
    devices["disks"] = [_image(disk, folder) for disk in devices.get("disks", ())]
    devices["interfaces"] = [{**nic, "type": "user"} for nic in devices.get("interfaces", ())]
    return {**domain, "devices": devices}


def _image(disk: Tree, folder: Path) -> Tree:
    if disk.get("device") == "cdrom" and not disk.get("claim"):
        return disk
    path = folder / f"{disk['name']}.img"
    with path.open("wb") as image:
        image.truncate(1 << 20)
    return {**disk, "type": "file", "source": {"file": str(path)}}


def pci(running_domain: Any, hypervisor: Hypervisor) -> dict[str, Tree]:
    """Where each device is on PCI, by libvirt's alias: bus, slot, function, and who it says that it is."""
    said = json.loads(hypervisor.monitor(running_domain, '{"execute": "query-pci"}'))["return"]
    found = {}
    for device in _below(said):
        if device.get("qdev_id"):
            found[device["qdev_id"]] = {
                "at": (device["bus"], device["slot"], device["function"]),
                "id": (device["id"]["vendor"], device["id"]["device"], device["class_info"]["class"]),
            }
    return found


def _below(buses: list[Tree]) -> Iterator[Tree]:
    for bus in buses:
        for device in bus["devices"]:
            yield device
            if "pci_bridge" in device:
                yield from _below([{"devices": device["pci_bridge"].get("devices", [])}])


def tree(running_domain: Any, hypervisor: Hypervisor) -> dict[str, str]:
    """QEMU's own tree of devices: the kind of each, and its address on whatever bus, by libvirt's alias."""
    text = hypervisor.monitor(running_domain, "info qtree", human=True)
    found: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        device = re.fullmatch(r'\s*dev: (\S+), id "([^"]*)"', line)
        if device:
            current = device[2]
            if current:
                found[current] = device[1]
        address = re.fullmatch(r"\s*(addr|devno|dev_id|reg|scsi-id|unit|lun|port|nr|channel) = (.*)", line)
        if address and current:
            found[current] += f" {address[1]}={address[2]}"
    return found


def settle(running_domain: Any, hypervisor: Hypervisor, folder: Path) -> None:
    """Let a PC's firmware run until it has enumerated PCI and written its tables; then stop it again."""
    running_domain.resume()
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and _root(_read(running_domain, hypervisor, folder, _LOW, _HIGH - _LOW)) is None:
        time.sleep(0.2)
    running_domain.suspend()


def fingerprint(running_domain: Any, hypervisor: Hypervisor, folder: Path) -> dict[str, str]:
    """A digest of each table that the firmware gives the guest: ACPI's by signature, SMBIOS' as one."""
    dump = folder / "low.bin"
    _save(running_domain, hypervisor, _LOW, _HIGH - _LOW, dump)
    low = dump.read_bytes()
    return {**_acpi(low, running_domain, hypervisor, folder), **_smbios(low, running_domain, hypervisor, folder)}


def _save(running_domain: Any, hypervisor: Hypervisor, start: int, size: int, path: Path) -> None:
    arguments = {"val": start, "size": size, "filename": str(path)}
    hypervisor.monitor(running_domain, json.dumps({"execute": "pmemsave", "arguments": arguments}))


def _read(running_domain: Any, hypervisor: Hypervisor, folder: Path, start: int, size: int) -> bytes:
    path = folder / "table.bin"
    _save(running_domain, hypervisor, start, size, path)
    return path.read_bytes()


def _acpi(low: bytes, running_domain: Any, hypervisor: Hypervisor, folder: Path) -> dict[str, str]:
    """ACPI: RSDP, by it RSDT, by it each table, and the DSDT by the FACP (ACPI specification, 5.2)."""

    def table(address: int) -> bytes:
        size = struct.unpack_from("<I", _read(running_domain, hypervisor, folder, address, 8), 4)[0]
        return _read(running_domain, hypervisor, folder, address, size)

    at = _root(low)
    if at is None:
        return {}
    root = table(struct.unpack_from("<I", low, at + 16)[0])
    found = {}
    for (address,) in struct.iter_unpack("<I", root[36:]):
        content = table(address)
        name = content[:4].decode()
        found[f"acpi {name}"] = _digest(content)
        if name == "FACP":
            found["acpi DSDT"] = _digest(table(struct.unpack_from("<I", content, 40)[0]))
    return found


def _root(low: bytes) -> int | None:
    """Where the root pointer is: on a paragraph, and its bytes add up to zero (the ROM's own template does not)."""
    for at in range(0, len(low) - 20, 16):
        if low[at : at + 8] == b"RSD PTR " and sum(low[at : at + 20]) % 256 == 0 and any(low[at + 16 : at + 20]):
            return at
    return None


def _smbios(low: bytes, running_domain: Any, hypervisor: Hypervisor, folder: Path) -> dict[str, str]:
    """SMBIOS 2.1 or 3 (DMTF DSP0134, 5.2): the structure table that the entry point names."""
    for anchor, length, form, place in (b"_SM_", 5, "<HI", 0x16), (b"_SM3_", 6, "<IQ", 0x0C):
        at = _entry_point(low, anchor, length)
        if at is not None:
            size, address = struct.unpack_from(form, low, at + place)
            break
    else:
        return {}
    return {"smbios": _digest(_read(running_domain, hypervisor, folder, address, size))}


def _entry_point(low: bytes, anchor: bytes, length: int) -> int | None:
    """Where the entry point is: on a paragraph, its bytes adding up to zero (the firmware's code has the word, too)."""
    for at in range(0, len(low) - 32, 16):
        if low.startswith(anchor, at) and sum(low[at : at + low[at + length]]) % 256 == 0:
            return at
    return None


def _digest(content: bytes) -> str:
    return base64.b32encode(hashlib.sha256(content).digest())[:16].decode()
