"""Folders of the host that the guest mounts (libvirt: formatdomain, "Filesystems")."""

from typing import Annotated

from webhook.declare import Element, backend, choice, frontend, goal, integer, reference, text
from webhook.domain.bus import PCI, Bus
from webhook.domain.convention import (
    BLANK,
    CLAIMS,
    IMAGES,
    Convention,
    Hosted,
    Referred,
    VolumePath,
    taken,
    with_content,
    with_only,
)
from webhook.domain.devices.device import PciDevice, VirtioDriver
from webhook.domain.types import Big, Line, Loadparm, ObjectName, Path, Positive, Presence, Switch
from webhook.trees import Tree

Permissions = Annotated[str, text(4, "0?[0-7]{1,3}", "octal permissions")]


class FilesystemDriver(VirtioDriver):
    """Which of libvirt's ways the folder goes; the queue's size is the guest's."""

    type: Annotated[str, choice("path", "handle", "virtiofs", "mtp")] | None = backend("host-path")
    wrpolicy: Annotated[str, choice("immediate")] | None = backend("io-tuning")
    queue: Annotated[int, integer(1, 1024)] | None = frontend()


class Binary(Element, tag="binary"):
    """The daemon of virtiofs on the host."""

    path: Path | None = backend("host-identity")
    xattr: Switch | None = backend("host-path")
    cache: Annotated[str, choice("none", "auto", "always")] | None = backend("io-tuning", "cache/@mode")
    posix: Switch | None = backend("io-tuning", "lock/@posix")
    flock: Switch | None = backend("io-tuning", "lock/@flock")
    sandbox: Annotated[str, choice("namespace", "chroot")] | None = backend("host-identity", "sandbox/@mode")
    thread_pool: Annotated[int, integer(0, 65535)] | None = backend("io-tuning", "thread_pool/@size")
    open_files: Big | None = backend("io-tuning", "openfiles/@max")


class IdRange(Element):
    """Ids of the guest, from `start` on, that are other ids, from `target` on, at the host."""

    start: Big | None = backend("host-identity")
    target: Big | None = backend("host-identity")
    count: Big | None = backend("host-identity")


class FilesystemSource(Element, tag="source"):
    """The folder on the host."""

    dir: Path | None = backend("host-path")
    socket: Path | None = backend("host-path")


_VIRTIOFS = {"type": "virtiofs"}
_FOLDER = VolumePath("dir", CLAIMS)


def _wanted(folder: Tree) -> str:
    """The claim that the host has to find: none for a folder that states where it is."""
    return "" if with_content(folder.get("source", {})) else str(folder.get("claim") or f"{BLANK}folder")


def _of_host(folder: Tree, claim: Tree) -> Tree | None:
    return {**folder, "source": {"dir": claim["folder"]}} if "folder" in claim else None


def _provide(folder: Tree) -> Tree:
    wanted = _wanted(folder)
    source = _FOLDER.source(wanted) if wanted else with_content(folder["source"])
    return {**folder, "driver": {**_VIRTIOFS, **folder.get("driver", {})}, "source": source}


def _withdraw(folder: Tree) -> Tree:
    made = with_only(folder, "driver", taken(folder.get("driver", {}), _VIRTIOFS))
    claim, conventional = _FOLDER.volume(folder.get("source", {}))
    if claim:
        made["claim"] = claim
    if conventional:
        made.pop("source", None)
    return made


class Filesystem(
    PciDevice,
    tag="filesystem",
    plural="filesystems",
    alike=("target",),
    buses=(Bus(PCI, 110, ccw=True),),
    identities=("target",),
    # A claim's folder by virtiofs, which shares the guest's memory.
    convention=Convention(_provide, _withdraw, shared_memory=True),
    optional_backend=True,
    referred=Referred("claim", "claims", IMAGES),
    hosted=(Hosted("claims", "claim", _wanted, _of_host, lambda _: ("folder",)),),
):
    """A folder that the guest mounts by the name `target`. A tenant names a claim instead of a folder."""

    type: Annotated[str, choice("mount")] | None = goal()
    model: Annotated[str, choice("virtio", "virtio-transitional", "virtio-non-transitional")] | None = frontend()
    accessmode: Annotated[str, choice("passthrough", "mapped", "squash")] | None = backend("host-path")
    fmode: Permissions | None = backend("host-path")
    dmode: Permissions | None = backend("host-path")
    multidevs: Annotated[str, choice("default", "remap", "forbid", "warn")] | None = backend("host-path")
    uids: list[IdRange] | None = backend("host-identity", "idmap/uid")
    gids: list[IdRange] | None = backend("host-identity", "idmap/gid")
    claim: ObjectName | None = reference("PersistentVolumeClaim", "-")
    driver: FilesystemDriver | None = goal()
    binary: Binary | None = goal()
    source: FilesystemSource | None = goal()
    target: Line | None = frontend("target/@dir")
    readonly: Presence | None = frontend("readonly")
    space_hard_limit: Big | None = backend("io-tuning", "space_hard_limit[@unit='bytes']")
    space_soft_limit: Big | None = backend("io-tuning", "space_soft_limit[@unit='bytes']")
    boot_order: Positive | None = frontend("boot/@order")
    loadparm: Loadparm | None = frontend("boot/@loadparm")
