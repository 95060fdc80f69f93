"""Devices that need each other, and sizes that devices accept."""

from __future__ import annotations

from collections.abc import Iterator

from webhook import machines
from webhook.consistency.rule import devices, path_of, rule
from webhook.declare import kib, shown
from webhook.domain.bus import PCI, bus_of
from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.trees import Tree

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
def one_base_board(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU's SMBIOS has one block of type 2 (libvirt: src/qemu/qemu_command.c, at start)."""
    for index in range(1, len(domain.get("sysinfo", {}).get("baseBoards", ()))):
        where = f"{path}.sysinfo.baseBoards[{index}]"
        yield Finding(where, "is a second board; QEMU has one", "leave it out", "sysinfo")


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
def passing_halves_name_the_staying(domain: Tree, path: str) -> Iterator[Finding]:
    """QEMU pairs two NICs by the name of the one that stays, without which the other never comes (virtio-net.c)."""
    lists = domain.get("devices", {})
    for kind in ("interfaces", "hostdevs"):
        for index, device in enumerate(lists.get(kind, ())):
            name = device.get("teaming", {}).get("persistent")
            if name is not None and not any(
                _stays(nic, name.removeprefix("ua-")) for nic in lists.get("interfaces", ())
            ):
                place = f"{path}.devices.{kind}[{index}].teaming.persistent"
                way = "name a virtio NIC of this VM that has `teaming: {type: persistent}`"
                yield Finding(place, f"`{shown(name)}` is no NIC that stays", way, "teaming")


def _stays(nic: Tree, name: str) -> bool:
    return nic.get("name") == name and nic.get("teaming", {}).get("type") == "persistent"


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


@rule
def acpi_indices_are_of_pci_devices(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses an ACPI index of a device that is not on PCI (src/qemu/qemu_validate.c)."""
    kind = domain.get("os", {}).get("type", {})
    arch, name = kind.get("arch", ""), kind.get("machine", "")
    for listed, index, device in devices(domain):
        if "acpiIndex" not in device:
            continue
        bus = bus_of(device, KINDS[listed].buses, machines.lacking(arch, name))
        if bus is None or bus.name != PCI or machines.has_channels(arch, name):
            problem = "numbers a device on PCI for the guest, and this one is not there"
            yield Finding(f"{path}{path_of(listed, index)}.acpiIndex", problem, "remove it", "acpi-index")


@rule
def interrupt_remapping_has_its_controller(domain: Tree, path: str) -> Iterator[Finding]:
    """Intel's IOMMU remaps interrupts of an I/O APIC in QEMU alone (libvirt: src/qemu/qemu_validate.c)."""
    if domain.get("devices", {}).get("iommu", {}).get("driver", {}).get("intremap") is not True:
        return
    features = {entry.get("feature"): entry for entry in domain.get("features", ())}
    if features.get("ioapic", {}).get("driver") != "qemu":
        way = "add `{feature: ioapic, driver: qemu}` to `features` of the domain"
        yield Finding(f"{path}.devices.iommu.driver.intremap", "needs QEMU's own I/O APIC", way, "iommu")


@rule
def targets_fit_devices(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt keeps targets that begin with `fd` for floppy drives (src/conf/domain_validate.c)."""
    for index, disk in enumerate(domain.get("devices", {}).get("disks", ())):
        target = disk.get("target", {}).get("dev")
        if target and target.startswith("fd") is not (disk.get("device") == "floppy"):
            problem = f"`{shown(target)}` is no target of a `{shown(disk.get('device', 'disk'))}`"
            yield Finding(f"{path}.devices.disks[{index}].target.dev", problem, "leave it out: it is filled in", "disk")
