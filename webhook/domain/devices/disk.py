"""Disks, CD-ROM and floppy drives (libvirt: formatdomain, "Hard drives, floppy disks, CDROMs")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import (
    Backend,
    Element,
    Goal,
    backend,
    boolean,
    choice,
    frontend,
    goal,
    integer,
    reference,
    text,
)
from webhook.domain.devices.device import PciDevice
from webhook.domain.types import Flag, Line, ObjectName, Path, Positive, Presence, Serial


class Target(Element, tag="target"):
    """The bus that the guest sees the disk on; `dev` orders disks of a bus and has no meaning in the guest."""

    dev: Annotated[str, text(16, "(hd|sd|vd|fd|xvd|ubd)[a-z]{1,3}", "a disk's target like `vda`")] | None = frontend()
    bus: Annotated[str, choice("virtio", "scsi", "sata", "ide", "usb", "fdc")] | None = frontend()
    tray: Annotated[str, choice("open", "closed")] | None = frontend()
    removable: Annotated[str, choice("on", "off")] | None = frontend()
    rotation_rate: Annotated[int, integer(1, 65534)] | None = frontend("@rotation_rate")


class Source(Element, tag="source"):
    """Where the host finds the disk's content. A tenant names a claim instead, see `Disk.claim`."""

    file: Path | None = backend("host-path")
    dev: Path | None = backend("raw-device")
    dir: Path | None = backend("host-path")
    pool: Line | None = backend("host-path")
    volume: Line | None = backend("host-path")
    protocol: Line | None = backend("host-port")
    name: Path | None = backend("host-port")
    startup_policy: Annotated[str, choice("mandatory", "requisite", "optional")] | None = goal("@startupPolicy")


class Driver(Element, tag="driver"):
    """How QEMU opens the disk on the host. A raw image stays raw; other formats can name further host files."""

    name: Annotated[str, choice("qemu")] | None = goal()
    type: Annotated[str, choice("raw", "qcow2", "qed", "vmdk", "vdi", "vpc")] | None = backend(
        "host-path", unless={"raw": Goal()}
    )
    cache: Annotated[str, choice("default", "none", "writethrough", "writeback", "directsync", "unsafe")] | None = (
        backend("io-tuning")
    )
    io: Annotated[str, choice("threads", "native", "io_uring")] | None = backend("io-tuning")
    error_policy: Annotated[str, choice("stop", "report", "ignore", "enospace")] | None = backend(
        "io-tuning", "@error_policy"
    )
    rerror_policy: Annotated[str, choice("stop", "report", "ignore")] | None = backend("io-tuning", "@rerror_policy")
    discard: Annotated[str, choice("unmap", "ignore")] | None = backend("io-tuning")
    detect_zeroes: Annotated[str, choice("off", "on", "unmap")] | None = backend("io-tuning", "@detect_zeroes")
    iothread: Positive | None = backend("io-tuning")
    queues: Annotated[int, integer(1, 256)] | None = frontend()


class BlockIo(Element, tag="blockio"):
    """The sector sizes that the guest sees, in bytes."""

    logical_block_size: Annotated[int, integer(512, 65536)] | None = frontend("@logical_block_size")
    physical_block_size: Annotated[int, integer(512, 65536)] | None = frontend("@physical_block_size")


class Disk(
    PciDevice,
    tag="disk",
    plural="disks",
    alike=("device", "target.dev"),
):
    """A disk, CD-ROM or floppy drive. Its content is a PersistentVolumeClaim, named by `claim`."""

    device: Annotated[str, choice("disk", "cdrom", "floppy", "lun")] | None = frontend(
        unless={"lun": Backend("passthrough")}
    )
    type: (
        Annotated[str, choice("file", "block", "dir", "network", "volume", "nvme", "vhostuser", "vhostvdpa")] | None
    ) = goal(
        unless={
            "dir": Backend("host-path"),
            "network": Backend("host-port"),
            "volume": Backend("host-path"),
            "nvme": Backend("passthrough"),
            "vhostuser": Backend("host-port"),
            "vhostvdpa": Backend("raw-device"),
        }
    )
    model: Annotated[str, choice("virtio", "virtio-transitional", "virtio-non-transitional")] | None = frontend()
    snapshot: Annotated[bool, boolean("internal", "no")] | None = goal()
    claim: ObjectName | None = reference("PersistentVolumeClaim", "-")
    source: Source | None = goal()
    target: Target | None = frontend()
    driver: Driver | None = goal()
    blockio: BlockIo | None = frontend()
    serial: Serial | None = frontend("serial")
    wwn: Annotated[str, text(16, "[0-9a-f]{16}", "16 lower-case hex digits")] | None = frontend("wwn")
    vendor: Annotated[str, text(8, "[ -~]+")] | None = frontend("vendor")
    product: Annotated[str, text(16, "[ -~]+")] | None = frontend("product")
    readonly: Presence | None = frontend("readonly")
    shareable: Presence | None = backend("host-path", "shareable")
    transient: Presence | None = goal("transient")
    boot_order: Positive | None = frontend("boot/@order")
    rawio: Flag | None = backend("passthrough")
    sgio: Annotated[str, choice("filtered", "unfiltered")] | None = backend("passthrough")
