"""Disks and CD-ROM drives, each with the PersistentVolumeClaim that holds its content.

A drive without a name is named after its claim when it is made; the claim may change later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from webhook.declare import Element, choice, frontend, reference, shown
from webhook.declare.scalars import listed
from webhook.domain.names import names_of
from webhook.domain.types import DeviceName, Flag, ObjectName, Positive, Serial
from webhook.features.contribution import Contribution, one, repeated
from webhook.features.platform import Platform
from webhook.findings import Finding, Refused
from webhook.trees import Tree

ALSO = ("cdrom", "disk", "disks", "drive", "drives", "image", "volume", "volumes")
# The tenant's names of interfaces, and libvirt's buses.
_BUSES = {"virtio": "virtio", "virtio-scsi": "scsi", "sata": "sata", "ide": "ide", "usb": "usb"}
# libvirt refuses these: a CD-ROM on virtio-blk, a read-only hard disk on IDE or SATA (src/qemu/qemu_validate.c).
_NO_CDROM = ("virtio",)
_NO_READONLY = ("ide", "sata")


class Drive(Element):
    """A disk or a CD-ROM drive; `source` names the PersistentVolumeClaim with its content."""

    also: ClassVar[Mapping[str, str]] = {"bus": "interface", "claim": "source", "claimname": "source", "pvc": "source"}

    name: DeviceName | None = frontend(
        "-", doc="What it is known by (lower-case letters, digits, `-`); else one is made."
    )
    type: Annotated[str, choice("disk", "cdrom")] | None = frontend("-", doc="`disk` or `cdrom`; a disk where unsaid.")
    source: ObjectName | None = reference(
        "PersistentVolumeClaim", "-", doc="What holds its content, by its name like `web-root`."
    )
    blank: Flag | None = frontend("-", doc="`true` for a disk without a claim, which is empty.")
    interface: Annotated[str, choice(*_BUSES)] | None = frontend(
        "-", doc="How it is attached: `virtio`, `virtio-scsi`, `sata`, `ide` or `usb`; else what suits the guest."
    )
    boot_order: Positive | None = frontend("-", doc="Its turn at boot: 1 is the first.")
    serial: Serial | None = frontend(
        "-", doc="Its serial number (letters, digits, space, `.`, `_`, `+`, `-`); else one is made."
    )
    readonly: Flag | None = frontend("-", doc="Whether the guest may only read it: `true` or `false`.")


Wanted = list[Drive]


def expand(wanted: list[Drive] | None, platform: Platform, origin: str) -> list[Contribution]:
    """One contribution a drive. Raises Refused for a repeated claim or name, and impossible buses."""
    if not wanted:
        return []
    findings = [*_repeated(wanted, origin), *_impossible(wanted, platform, origin)]
    if findings:
        raise Refused(findings)
    names = names_of((drive.name, _base(drive)) for drive in wanted)
    return [
        Contribution(
            f"{origin}[{index}]",
            one("disks", _asked(drive, name)),
            one("disks", _default(drive, name, platform)),
            platform.guest.because,
            "" if drive.name else _base(drive),
            _without_content(drive, f"{origin}[{index}]"),
        )
        for index, (drive, name) in enumerate(zip(wanted, names, strict=True))
    ]


def _base(drive: Drive) -> str:
    return drive.source or drive.type or "disk"


def _asked(drive: Drive, name: str) -> Tree:
    device: Tree = {"name": name}
    if drive.type:
        device["device"] = drive.type
    if drive.source:
        device["claim"] = drive.source
    if drive.interface:
        device["target"] = {"bus": _BUSES[drive.interface]}
    if drive.boot_order:
        device["bootOrder"] = drive.boot_order
    if drive.serial:
        device["serial"] = drive.serial
    if drive.readonly:
        device["readonly"] = True
    return device


def _default(drive: Drive, name: str, platform: Platform) -> Tree:
    device: Tree = {"name": name, "device": drive.type or "disk", "target": {"bus": _bus(drive, platform)}}
    if drive.type == "cdrom":
        device["readonly"] = True
    return device


def _bus(drive: Drive, platform: Platform) -> str:
    """The bus that the drive gets: the asked one, else the machine's for a CD-ROM, the guest's for a disk."""
    if drive.interface:
        return _BUSES[drive.interface]
    if drive.type == "cdrom":
        bus: str = platform.machine.defaults["cdrom"]
        return bus
    return platform.guest.disk[platform.machine.family]


def _repeated(drives: list[Drive], origin: str) -> list[Finding]:
    """A claim or a name that two drives have."""
    fields = ((i, *own) for i, drive in enumerate(drives) for own in (("source", drive.source), ("name", drive.name)))
    return repeated(fields, origin, "drive", "storage")


def _without_content(drive: Drive, place: str) -> Finding | None:
    """What is wrong if a disk, merged with the tenant's domain, has no content. A CD-ROM drive may be empty."""
    if drive.source or drive.blank or drive.type == "cdrom":
        return None
    way = "name the claim with the disk's content, or say `blank: true` for an empty disk"
    return Finding(f"{place}.source", "is missing: the disk would have no content", way, "storage")


def _impossible(drives: list[Drive], platform: Platform, origin: str) -> list[Finding]:
    findings = []
    possible = platform.machine.defaults["disk_buses"]
    for index, drive in enumerate(drives):
        place, bus, family = f"{origin}[{index}]", _bus(drive, platform), platform.machine.family
        if drive.source and drive.blank:
            problem = f"is true beside the claim `{shown(drive.source)}`"
            findings.append(Finding(f"{place}.blank", problem, "leave one of the two out", "storage"))
        if bus not in possible:
            way = f"the machine has {listed(tuple(name for name, bus in _BUSES.items() if bus in possible))}"
            problem = f"`{shown(drive.interface)}` is not on {family}"
            findings.append(Finding(f"{place}.interface", problem, way, "storage"))
        if drive.type == "cdrom" and bus in _NO_CDROM:
            way = f"leave it out: a CD-ROM drive goes to {platform.machine.defaults['cdrom']}"
            findings.append(Finding(f"{place}.interface", f"`{bus}` has no CD-ROM drives", way, "storage"))
        if drive.type == "cdrom" and drive.readonly is False:
            problem = "is false, but a CD-ROM drive cannot write"
            findings.append(Finding(f"{place}.readonly", problem, "leave it out", "storage"))
        if drive.type != "cdrom" and drive.readonly and bus in _NO_READONLY:
            problem = f"is true, but a disk on {bus} cannot be read-only"
            findings.append(Finding(f"{place}.readonly", problem, "name the interface `virtio-scsi`", "storage"))
    return findings
