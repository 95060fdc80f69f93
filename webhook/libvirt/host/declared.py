"""What a host file says, as declarations: who provides what on one host. Nothing here is of a VM.

The same declarations as a VM's give the inspection of the file and its reference page.
"""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Element, choice, goal, integer, text
from webhook.domain.storage import IMAGES
from webhook.domain.types import (
    FileName,
    Flag,
    IpAddress,
    Line,
    Mac,
    NetworkName,
    Nodeset,
    ObjectName,
    ResourceName,
    Size,
    Word,
)

_Path = Annotated[str, text(4096, "/.+", "an absolute path")]
# Linux: IFNAMSIZ is 16 with its end, and a device's name has no slash (net/core/dev.c, dev_valid_name).
_LinkName = Annotated[str, text(15, "[^/: ]+", "the name of a network device")]
_SEED = text(10 + 253, "(secret|configmap)/[a-z0-9]([-a-z0-9.]*[a-z0-9])?", "the name of a seed like `secret/web-init`")
_Arch = Annotated[str, choice("x86_64", "aarch64", "s390x", "ppc64le", "riscv64")]


class Hypervisor(Element, key="arch"):
    """How VMs of an architecture run here."""

    arch: _Arch | None = goal(doc="The guest's architecture.")
    type: Annotated[str, choice("kvm", "qemu")] | None = goal(doc="`kvm`, or `qemu` for emulation.")


class Core(Element):
    """A whole core."""

    cpus: Nodeset | None = goal(doc="Its CPUs, which are its threads: `0,32`.")


class Pages(Element, key="size"):
    """Huge pages of one size."""

    size: Annotated[str, choice("2Mi", "1Gi")] | None = goal(doc="How large a page is.")
    free: Word | None = goal(doc="How many nobody uses.")


class Node(Element, key="id"):
    """A NUMA node."""

    id: Word | None = goal(doc="Its number.")
    free: Size | None = goal(doc="How much of its memory nobody uses; unsaid is as much as one wants.")
    cores: list[Core] | None = goal(doc="Its cores.")
    hugepages: list[Pages] | None = goal(doc="Its huge pages.")


class Claim(Element, key="name"):
    """Where a PersistentVolumeClaim's content is: one of `file`, `block` and `folder`."""

    name: ObjectName | None = goal(doc="The claim's name.")
    file: _Path | None = goal(doc="The image, a file.")
    block: _Path | None = goal(doc="The block device.")
    folder: _Path | None = goal(doc="The folder, for a filesystem of the VM.")
    format: Annotated[str, IMAGES] | None = goal(doc="The image's format; `raw` where it is unsaid.")


class Seed(Element, key="name"):
    """What a host has made of a Secret or a ConfigMap that a VM is set up with."""

    name: Annotated[str, _SEED] | None = goal(doc="`secret/NAME` or `configmap/NAME`.")
    file: _Path | None = goal(doc="The image of a disk, or the text for Ignition.")


class Connection(Element):
    """What a NIC is connected to: one of the four."""

    bridge: _LinkName | None = goal(doc="A bridge.")
    network: Line | None = goal(doc="A network of libvirt's own, which may have a pool of virtual functions.")
    tap: _LinkName | None = goal(doc="A tap that is there, for one VM.")
    user: Flag | None = goal(doc="`true`: QEMU's user networking, which needs no rights and reaches what QEMU reaches.")


class Network(Connection, key="name"):
    """What a network is here: one of `bridge`, `network`, `tap` and `user`."""

    name: NetworkName | None = goal(doc="The network's name.")


class NicAddress(Element):
    """An IP address that a NIC may send from; a NIC without one may send from any."""

    mac: Mac | None = goal(doc="The NIC's MAC address.")
    ip: IpAddress | None = goal(doc="The address.")


class Firmware(Element):
    """An image of UEFI for pflash, and the empty variables that go with it."""

    arch: _Arch | None = goal(doc="The guest's architecture.")
    loader: _Path | None = goal(doc="The image.")
    template: _Path | None = goal(doc="The variables of a new VM.")
    format: Annotated[str, choice("raw", "qcow2")] | None = goal(doc="The format of both; `raw` where it is unsaid.")
    secure_boot: Flag | None = goal(doc="Whether it is one for secure boot; `false` where it is unsaid.")
    enrolled_keys: Flag | None = goal(doc="Whether the variables have Microsoft's keys; `false` where it is unsaid.")


class Resource(Element):
    """What is there of a device resource, an entry each: a PCI function, or mediated devices of a type."""

    name: ResourceName | None = goal(doc="The resource's name.")
    pci: (
        Annotated[str, text(16, "[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]", "a PCI address like 0000:06:00.0")]
        | None
    ) = goal(doc="The PCI function that is given away.")
    mdev: FileName | None = goal(doc="The type of mediated device that is made of `parent`.")
    parent: FileName | None = goal(doc="libvirt's name of the device that makes them, like `pci_0000_06_00_0`.")
    free: Annotated[int, integer(0, 1024)] | None = goal(doc="How many of the type can be made; 1 where it is unsaid.")


class HostFile(Element):
    """The facts of one host."""

    hypervisors: list[Hypervisor] | None = goal()
    nodes: list[Node] | None = goal()
    taken: Nodeset | None = goal(doc="CPUs that no VM gets for itself: those of the host's own work and of other VMs.")
    claims: list[Claim] | None = goal()
    seeds: list[Seed] | None = goal()
    networks: list[Network] | None = goal()
    pod_network: Connection | None = goal(doc="What a NIC is connected to that names no network.")
    addresses: list[NicAddress] | None = goal()
    firmware: list[Firmware] | None = goal()
    nvram: _Path | None = goal(doc="The folder of the VMs' UEFI variables; unsaid is libvirt's own.")
    devices: list[Resource] | None = goal()
