"""Devices that need each other, and sizes that devices accept."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.consistency.rule import Tree, rule
from webhook.declare import kib, shown
from webhook.findings import Finding

# These backends support virtio alone (libvirt: src/conf/domain_validate.c, src/qemu/qemu_validate.c).
_VIRTIO_ONLY = frozenset({"vhostuser", "vdpa"})


@rule
def virtio_backends_have_virtio_nics(domain: Tree, path: str) -> Iterator[Finding]:
    """vhost-user and vDPA work on virtio's queues: no other NIC has them."""
    for index, nic in enumerate(domain.get("devices", {}).get("interfaces", ())):
        if nic.get("type") in _VIRTIO_ONLY and not str(nic.get("model", "virtio")).startswith("virtio"):
            problem = f"`{shown(nic['model'])}` cannot be on a `{nic['type']}` network, which needs virtio"
            yield Finding(f"{path}.devices.interfaces[{index}].model", problem, "name the model `virtio`", "interface")


@rule
def block_sizes_are_powers_of_two(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU: powers of two, and a physical block holds whole logical ones (hw/block/block.c)."""
    for index, disk in enumerate(domain.get("devices", {}).get("disks", ())):
        where, sizes = f"{path}.devices.disks[{index}].blockio", disk.get("blockio", {})
        for name in ("logicalBlockSize", "physicalBlockSize"):
            size = sizes.get(name)
            if size and size & (size - 1):
                yield Finding(f"{where}.{name}", f"is {size}, no power of two", "state 512 or 4096", "blockio")
        logical, physical = sizes.get("logicalBlockSize"), sizes.get("physicalBlockSize")
        if logical and physical and logical > physical:
            problem = f"is {logical}, more than the physical {physical}"
            yield Finding(f"{where}.logicalBlockSize", problem, "state at most `physicalBlockSize`", "blockio")


@rule
def share_backing_needs_a_transient_disk(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt writes `shareBacking` on the element `transient`, which other disks do not have."""
    for index, disk in enumerate(domain.get("devices", {}).get("disks", ())):
        if "shareBacking" in disk and disk.get("transient") is not True:
            where = f"{path}.devices.disks[{index}].shareBacking"
            yield Finding(where, "has no meaning for a disk that is not transient", "remove it", "disk")


@rule
def many_vcpus_have_interrupt_remapping(domain: Tree, path: str) -> Iterator[Finding]:
    """More than 255 vCPUs of a PC need an IOMMU with extended interrupt mode (QEMU: hw/i386/x86.c)."""
    count = domain.get("vcpu", {}).get("count") or 0
    if count <= 255 or domain.get("os", {}).get("type", {}).get("arch") != "x86_64":
        return
    driver = domain.get("devices", {}).get("iommu", {}).get("driver", {})
    if driver.get("eim") is not True or driver.get("intremap") is not True:
        way = "add `iommu: {model: intel, driver: {intremap: true, eim: true}}` to the devices, and an ioapic of `qemu`"
        yield Finding(f"{path}.vcpu.count", f"is {count}: more than 255 need an IOMMU", way, "vcpu")


@rule
def sizes_fit_the_machine(domain: Tree, path: str) -> Iterator[Finding]:
    """pSeries takes memory in blocks of 256 MiB where it can grow (QEMU: hw/ppc/spapr.c, SPAPR_MEMORY_BLOCK_SIZE)."""
    if domain.get("os", {}).get("type", {}).get("arch") != "ppc64le" or not domain.get("maxmemory"):
        return
    for field in ("memory", "maxmemory"):
        value = domain.get(field, {}).get("size")
        amount = kib(value)
        if amount is not None and amount % (256 * 1024):
            problem = f"`{shown(value)}` is not in whole blocks of 256 MiB"
            yield Finding(f"{path}.{field}.size", problem, "state a multiple of 256 MiB, or no `maxmemory`", "memory")


@rule
def one_smartcard_reader(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU has one reader for all (libvirt: src/qemu/qemu_validate.c)."""
    for index in range(1, len(domain.get("devices", {}).get("smartcards", ()))):
        where = f"{path}.devices.smartcards[{index}]"
        yield Finding(where, "is a second reader; QEMU has one", "leave it out", "smartcard")


@rule
def filesystems_have_a_source(domain: Tree, path: str) -> Iterator[Finding]:
    """The convention takes the folder of the claim; without a claim and a source there is none."""
    for index, folder in enumerate(domain.get("devices", {}).get("filesystems", ())):
        source = folder.get("source", {})
        if not (folder.get("claim") or source.get("dir") or source.get("socket")):
            place = f"{path}.devices.filesystems[{index}].claim"
            yield Finding(place, "names no PersistentVolumeClaim", "name the claim whose folder it is", "filesystem")


@rule
def claims_have_a_name(domain: Tree, path: str) -> Iterator[Finding]:
    """An empty claim asks to eject a medium; an update does so and keeps none."""
    for index, disk in enumerate(domain.get("devices", {}).get("disks", ())):
        if disk.get("claim") == "":
            place = f"{path}.devices.disks[{index}].claim"
            yield Finding(place, "is empty", "name the claim, or leave it out for an empty drive", "disk")


@rule
def virtual_functions_are_of_a_network(domain: Tree, path: str) -> Iterator[Finding]:
    """SR-IOV takes a card of a network's, which says what the guest sees; libvirt has no model and no queues for it."""
    for index, nic in enumerate(domain.get("devices", {}).get("interfaces", ())):
        if nic.get("sriov") is not True:
            continue
        where = f"{path}.devices.interfaces[{index}]"
        if not nic.get("network"):
            yield Finding(f"{where}.network", "is missing beside `sriov`", "name the network of the card", "interface")
        for name in ("model", "type", "driver"):
            if nic.get(name):
                problem = "is said beside `sriov`: the guest sees the network's card"
                yield Finding(f"{where}.{name}", problem, f"leave `{name}` or `sriov` out", "interface")


@rule
def shared_memory_is_named(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt's schema requires the name of a shared memory region."""
    for index, shmem in enumerate(domain.get("devices", {}).get("shmems", ())):
        if not shmem.get("region"):
            place = f"{path}.devices.shmems[{index}].region"
            yield Finding(place, "is missing", "name the region, which an admin must permit, or remove it", "shmem")
