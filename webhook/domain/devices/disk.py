"""Disks, CD-ROM and floppy drives (libvirt: formatdomain, "Hard drives, floppy disks, CDROMs")."""

from dataclasses import replace
from typing import Annotated

from webhook.declare import Backend, Element, Goal, backend, boolean, choice, frontend, goal, integer, reference, text
from webhook.declare.identities import WWN
from webhook.domain.bus import DRIVE, PCI, STATED, USB, Bus, Generated
from webhook.domain.convention import (
    BLANK,
    CLAIMS,
    Convention,
    Hosted,
    Referred,
    VolumePath,
    taken,
    with_content,
    with_only,
)
from webhook.domain.convention import IMAGES as SOURCES
from webhook.domain.devices.device import PciDevice, VirtioDriver
from webhook.domain.iotune import Iotune
from webhook.domain.seeds import CONFIG_DRIVE, NO_CLOUD, SYSPREP, conventional, object_of, read_back
from webhook.domain.seeds import IMAGES as SEEDS
from webhook.domain.storage import (
    IMAGES,
    STORAGE_TYPES,
    Auth,
    BackingFormat,
    Encryption,
    MetadataCache,
    StorageSource,
)
from webhook.domain.types import (
    PRINTABLE,
    Big,
    Count,
    FileName,
    Flag,
    Loadparm,
    ObjectName,
    ObjectOrNone,
    Path,
    Positive,
    Presence,
    Serial,
    Switch,
    Word,
)
from webhook.trees import Tree

# libvirt's own rule, without the comma.
_PRINTABLE = f"{PRINTABLE}+"


class Target(Element, tag="target"):
    """The bus that the guest sees the disk on; `dev` orders disks of a bus and has no meaning in the guest."""

    dev: Annotated[str, text(16, "(hd|sd|vd|fd|xvd|ubd)[a-z]{1,3}", "a disk's target like `vda`")] | None = frontend()
    bus: Annotated[str, choice("virtio", "scsi", "sata", "ide", "usb", "fdc", "sd")] | None = frontend()
    tray: Annotated[str, choice("open", "closed")] | None = frontend()
    removable: Annotated[str, choice("on", "off")] | None = frontend()
    rotation_rate: Annotated[int, integer(1, 65534)] | None = frontend("@rotation_rate")
    dpofua: Switch | None = frontend()


class DataStore(Element, tag="dataStore"):
    """The file that holds a qcow2 image's data."""

    type: Annotated[str, STORAGE_TYPES] | None = backend("host-path")
    format: BackingFormat | None = goal()
    source: StorageSource | None = goal()


class Source(StorageSource, tag="source"):
    """Where the host finds the disk's content. A tenant names a claim instead, see `Disk.claim`."""

    data_store: DataStore | None = goal()


class DiskQueue(Element, tag="queue", key="id"):
    """One of the disk's queues, by number."""

    id: Count | None = backend("io-tuning")


class DiskIothread(Element, tag="iothread", key="id"):
    """An iothread, and the queues of the disk that it serves."""

    id: Positive | None = backend("io-tuning")
    queues: list[DiskQueue] | None = backend("io-tuning", "queue")


class Statistic(Element, tag="statistic", key="interval"):
    """Seconds over which QEMU counts what the disk does."""

    interval: Word | None = backend("io-tuning")


class Bin(Element, tag="bin"):
    """Where, in nanoseconds, one bar of a histogram begins."""

    start: Big | None = backend("io-tuning")


class Histogram(Element, tag="latency-histogram"):
    """How long what the disk does takes."""

    type: Annotated[str, choice("all", "read", "write", "zone", "flush")] | None = backend("io-tuning")
    bins: list[Bin] | None = backend("io-tuning", "bin")


class ThrottleFilter(Element, tag="throttlefilter", key="group"):
    """A group of disks that share limits, by name."""

    group: FileName | None = backend("io-tuning")


class Driver(VirtioDriver):
    """How QEMU opens the disk on the host. A raw image stays raw; other formats can name further host files."""

    name: Annotated[str, choice("qemu")] | None = goal()
    type: Annotated[str, IMAGES] | None = backend("host-path", unless={"raw": Goal()})
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
    copy_on_read: Switch | None = backend("io-tuning", "@copy_on_read")
    queues: Annotated[int, integer(1, 256)] | None = frontend()
    queue_size: Annotated[int, integer(1, 1024)] | None = frontend("@queue_size")
    ioeventfd: Switch | None = frontend()
    event_idx: Switch | None = frontend("@event_idx")
    discard_no_unref: Switch | None = backend("io-tuning", "@discard_no_unref")
    metadata_cache: MetadataCache | None = goal()
    iothreads: list[DiskIothread] | None = backend("io-tuning", "iothreads/iothread")
    statistics: list[Statistic] | None = backend("io-tuning", "statistics/statistic")
    histograms: list[Histogram] | None = backend("io-tuning", "statistics/latency-histogram")


class BlockIo(Element, tag="blockio"):
    """The sector sizes that the guest sees, in bytes."""

    logical_block_size: Annotated[int, integer(512, 65536)] | None = frontend("@logical_block_size")
    physical_block_size: Annotated[int, integer(512, 65536)] | None = frontend("@physical_block_size")
    discard_granularity: Annotated[int, integer(0, 2**31)] | None = frontend("@discard_granularity")


class Geometry(Element, tag="geometry"):
    """Cylinders, heads and sectors that the disk claims to have, for old guests."""

    cyls: Word | None = frontend()
    heads: Word | None = frontend()
    secs: Word | None = frontend()
    trans: Annotated[str, choice("auto", "none", "lba")] | None = frontend()


class DeeperStore(Element, tag="backingStore"):
    """The image below a backing image; libvirt's chains can be longer, ours end here."""

    type: Annotated[str, STORAGE_TYPES] | None = backend("host-path")
    index: Word | None = backend("host-path")
    format: BackingFormat | None = goal()
    source: StorageSource | None = goal()


class BackingStore(DeeperStore, tag="backingStore"):
    """The image that a disk's image is an overlay of."""

    backing_store: DeeperStore | None = goal()


class Mirror(Element, tag="mirror"):
    """A copy of the disk that a block job of the host is making."""

    type: Annotated[str, STORAGE_TYPES] | None = backend("host-path")
    job: Annotated[str, choice("copy", "active-commit")] | None = backend("host-path")
    ready: Annotated[str, choice("yes", "abort", "pivot")] | None = backend("host-path")
    file: Path | None = backend("host-path")
    image: Annotated[str, IMAGES] | None = backend("host-path", "@format")
    format: BackingFormat | None = goal()
    source: StorageSource | None = goal()
    backing_store: DeeperStore | None = goal()


# libvirt takes either case, and `0x` before it (virValidateWWN).
_WWN = replace(
    text(16, "[0-9a-f]{16}", "16 lower-case hex digits"),
    from_text=lambda text: text.lower().removeprefix("0x"),
    identity=WWN,
)

# By the disk's type.
_VOLUMES = {"file": VolumePath("file", CLAIMS, "/disk.img"), "block": VolumePath("dev", "/dev/vmconfig/claims/")}
_DRIVER = {"name": "qemu", "type": "raw"}
# What of a source says where content is; the rest says how it is read.
_WHERE = frozenset(SOURCES)


def _provide(disk: Tree) -> Tree:
    kind = disk.get("type", "file")
    made = {**disk, "type": kind, "driver": {**_DRIVER, **disk.get("driver", {})}}
    if shows_alias(disk):
        made.pop("name", None)
    if kind not in _VOLUMES:
        return made
    source, volume = with_content(disk.get("source", {})), _volume(disk)
    if kind == "file" and _seed(disk):
        return {**made, "source": {**source, **conventional(SEEDS[disk["seed"]], disk)}}
    return {**made, "source": {**source, **_VOLUMES[kind].source(volume)}} if volume else made


def _volume(disk: Tree) -> str:
    """The volume that the host has to find: none for a drive that is empty, or states what is in it."""
    if _states_source(disk) or disk.get("seed") or disk.get("type", "file") not in _VOLUMES:
        return ""
    return str(disk.get("claim") or _blank(disk))


def _seed(disk: Tree) -> str:
    """What the host has to make a seed of: nothing for a disk that is none, or states what is in it."""
    return "" if _states_source(disk) or not disk.get("seed") else object_of(disk)


def _seed_of_host(disk: Tree, seed: Tree) -> Tree:
    """The disk with the file that a host has made of what the seed refers to."""
    return {**disk, "type": "file", "source": {**with_content(disk.get("source", {})), "file": seed["file"]}}


def _states_source(disk: Tree) -> bool:
    return not _WHERE.isdisjoint(with_content(disk.get("source", {})))


# What tells one content from others that QEMU opens in the same way; the other types are no images that it locks.
_LOCKED = {
    "file": ("file",),
    "block": ("dev",),
    "volume": ("pool", "volume"),
    "network": ("protocol", "name", "hosts", "snapshot"),
}


def content_of(disk: Tree) -> tuple[str, str] | None:
    """What is on a disk, equal where it is the same: a claim, what a seed is made of, or a stated source.

    None where there is nothing, or nothing that another disk could have.
    """
    if not disk.get("source") or not _states_source(disk):
        claim, seed = disk.get("claim"), disk.get("seed")
        if claim:
            return "claim", claim
        return (seed, object_of(disk)) if seed else None
    kind, source = disk.get("type", "file"), disk["source"]
    claim = _VOLUMES[kind].volume(source)[0] if kind in _VOLUMES else ""
    if claim:
        return "claim", claim
    stated = [source[field] for field in _LOCKED.get(kind, ()) if source.get(field)]
    return (kind, repr(stated)) if stated else None


def _of_host(disk: Tree, claim: Tree) -> Tree | None:
    """The disk with a claim's file or block device, and the format that its content has there."""
    kind = next((kind for kind in _VOLUMES if kind in claim), None)
    if kind is None:
        return None
    source = {**with_content(disk.get("source", {})), _VOLUMES[kind].field: claim[kind]}
    driver = {"type": claim.get("format", "raw"), **disk.get("driver", {})}
    return {**disk, "type": kind, "source": source, "driver": driver}


def shows_alias(disk: Tree) -> bool:
    """Whether the guest sees the disk's alias: without a serial number it tells a SCSI disk (QEMU: `device_id`).

    The alias that libvirt makes is of the address, and stays with it.
    """
    return disk.get("target", {}).get("bus") == "scsi" and not disk.get("serial")


def _blank(disk: Tree) -> str:
    """The volume of a drive without a claim: none for removable media (libvirt: floppy and cdrom only)."""
    if disk.get("device", "disk") in ("cdrom", "floppy"):
        return ""
    return BLANK + str(disk.get("name") or disk.get("target", {}).get("dev") or "disk")


def _withdraw(disk: Tree) -> Tree:
    made = with_only(disk, "driver", taken(disk.get("driver", {}), _DRIVER))
    kind, source = disk.get("type", ""), dict(disk.get("source", {}))
    if kind not in _VOLUMES:
        return made
    claim, is_conventional = _VOLUMES[kind].volume(source)
    if claim:
        made["claim"] = claim
    for seed, path in SEEDS.items() if kind == "file" else ():
        found = read_back(path, source)
        if found:
            made |= {"seed": seed, **found}
            is_conventional = True
    if "claim" in made or is_conventional:
        del source[_VOLUMES[kind].field]
    if kind == "file" and _WHERE.isdisjoint(source):
        del made["type"]
    return with_only(made, "source", source)


class Disk(
    PciDevice,
    tag="disk",
    plural="disks",
    also_called=("drive", "drives", "storage", "volume", "volumes"),
    alike=("device", "target.dev"),
    buses=(
        Bus(PCI, 50, when={"target.bus": ("virtio",)}, ccw=True),
        Bus(DRIVE, when={"target.bus": ("ide", "sata", "scsi", "fdc")}, role="target.bus"),
        Bus(USB, 2, when={"target.bus": ("usb",)}),
        Bus(STATED),
    ),
    identities=("serial", "wwn"),
    # QEMU numbers drives without a serial in order (QM00001 …), so that one more drive would rename the others. A
    # passed-through LUN shows the serial of the host's own device.
    generated=(
        Generated(
            "serial",
            "serial",
            when={"target.bus": ("ide", "sata", "scsi", "usb", "virtio")},
            unless={"device": ("lun",)},
        ),
    ),
    matched_by=("target.dev",),
    convention=Convention(_provide, _withdraw),
    optional_backend=True,
    referred=Referred("claim", "claims", SOURCES),
    hosted=(
        Hosted("claims", "claim", _volume, _of_host, lambda _: tuple(_VOLUMES)),
        Hosted("seeds", "seed", _seed, _seed_of_host, lambda _: ("file",)),
    ),
):
    """A disk, CD-ROM or floppy drive. Its content is a PersistentVolumeClaim, named by `claim`, or a `seed`."""

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
    # Empty where an update ejects the medium; stored without.
    claim: ObjectOrNone | None = reference("PersistentVolumeClaim", "-")
    seed: Annotated[str, choice(NO_CLOUD, CONFIG_DRIVE, SYSPREP)] | None = frontend(
        "-", doc="Which form the host gives what `secret` or `configMap` holds, for the guest to set itself up with."
    )
    secret: ObjectName | None = reference("Secret", "-", doc="The Secret that a seed is made of.")
    config_map: ObjectName | None = reference("ConfigMap", "-", doc="The ConfigMap that a seed is made of.")
    source: Source | None = goal()
    target: Target | None = frontend()
    driver: Driver | None = goal()
    blockio: BlockIo | None = frontend()
    serial: Serial | None = frontend("serial")
    wwn: Annotated[str, _WWN] | None = frontend("wwn")
    vendor: Annotated[str, text(8, _PRINTABLE, "printable characters without a comma")] | None = frontend("vendor")
    product: Annotated[str, text(16, _PRINTABLE, "printable characters without a comma")] | None = frontend("product")
    geometry: Geometry | None = frontend()
    auth: Auth | None = goal()
    encryption: Encryption | None = goal()
    iotune: Iotune | None = goal()
    throttle_filters: list[ThrottleFilter] | None = backend("io-tuning", "throttlefilters/throttlefilter")
    backing_store: BackingStore | None = goal()
    mirror: Mirror | None = goal()
    readonly: Presence | None = frontend("readonly")
    shareable: Presence | None = backend("host-path", "shareable")
    transient: Presence | None = goal("transient")
    share_backing: Flag | None = goal("transient/@shareBacking")
    boot_order: Positive | None = frontend("boot/@order")
    loadparm: Loadparm | None = frontend("boot/@loadparm")
    rawio: Flag | None = backend("passthrough")
    sgio: Annotated[str, choice("filtered", "unfiltered")] | None = backend("passthrough")
