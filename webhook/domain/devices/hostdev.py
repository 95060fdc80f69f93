"""Devices of the host, given to the guest (libvirt: formatdomain, "Host device assignment").

All that names one is `passthrough`; what the guest sees of it is frontend.
"""

from dataclasses import replace
from typing import Annotated

from webhook.declare import Element, Frontend, backend, choice, frontend, goal, integer, reference, text
from webhook.domain.address import Zpci
from webhook.domain.bus import DRIVE, PCI, USB, Bus
from webhook.domain.convention import NO_PLACE, Convention, Hosted, taken
from webhook.domain.devices.device import NAME, PciDevice
from webhook.domain.devices.rom import Rom
from webhook.domain.storage import Auth, Host, HostPciAddress
from webhook.domain.types import (
    Big,
    DeviceId,
    Flag,
    Line,
    Loadparm,
    Path,
    Positive,
    Presence,
    ResourceName,
    Switch,
    Uuid,
    Word,
)
from webhook.trees import Tree

Wwn = Annotated[str, text(18, "(0x)?[0-9a-fA-F]{16}", "16 hex digits")]


class HostAddress(HostPciAddress, tag="address"):
    """Where on the host a device sits: on PCI, USB, SCSI, or by a mediated device's UUID."""

    zpci: Zpci | None = backend("passthrough")
    controller: Word | None = backend("passthrough")
    device: Annotated[int, integer(0, 4095)] | None = backend("passthrough")
    port: Line | None = backend("passthrough")
    target: Word | None = backend("passthrough")
    unit: Big | None = backend("passthrough")
    uuid: Uuid | None = backend("passthrough")


class ParentAddress(Element, tag="parentaddr"):
    """The PCI function that a SCSI host adapter of the host belongs to."""

    unique_id: Word | None = backend("passthrough", "@unique_id")
    address: HostPciAddress | None = goal()


class Adapter(Element, tag="adapter"):
    """A SCSI host adapter of the host, by name or by its place in a fabric."""

    name: Line | None = backend("passthrough")
    type: Annotated[str, choice("scsi_host", "fc_host")] | None = backend("passthrough")
    parent: Line | None = backend("passthrough")
    managed: Flag | None = backend("passthrough")
    parent_wwnn: Wwn | None = backend("passthrough", "@parent_wwnn")
    parent_wwpn: Wwn | None = backend("passthrough", "@parent_wwpn")
    parent_fabric_wwn: Wwn | None = backend("passthrough", "@parent_fabric_wwn")
    wwnn: Wwn | None = backend("passthrough")
    wwpn: Wwn | None = backend("passthrough")
    parent_address: ParentAddress | None = goal("parentaddr")


class HostdevSource(Element, tag="source"):
    """Which device of the host."""

    protocol: Annotated[str, choice("adapter", "iscsi", "vhost")] | None = backend("passthrough")
    name: Line | None = backend("passthrough")
    wwpn: Annotated[str, text(20, "naa\\.[0-9a-fA-F]{16}", "a name like naa.5123456789abcde0")] | None = backend(
        "passthrough"
    )
    startup_policy: Annotated[str, choice("mandatory", "requisite", "optional")] | None = goal("@startupPolicy")
    guest_reset: Annotated[str, choice("off", "uninitialized", "on")] | None = backend("passthrough", "@guestReset")
    write_filtering: Flag | None = backend("passthrough", "@writeFiltering")
    vendor: DeviceId | None = backend("passthrough", "vendor/@id")
    product: DeviceId | None = backend("passthrough", "product/@id")
    address: HostAddress | None = goal()
    adapter: Adapter | None = goal()
    hosts: list[Host] | None = goal("host")
    auth: Auth | None = goal()
    initiator: Line | None = backend("host-port", "initiator/iqn/@name")
    block: Path | None = backend("raw-device", "block")
    char: Path | None = backend("raw-device", "char")
    interface: Line | None = backend("host-network", "interface")


# Who knows libvirt writes the alias as libvirt has it, with its `ua-`.
_ALIAS = replace(NAME, to_text=lambda value: value if value.startswith("ua-") else f"ua-{value}")


class Teaming(Element, tag="teaming"):
    """Two NICs that the guest's driver joins: the other one's name."""

    type: Annotated[str, choice("persistent", "transient")] | None = frontend()
    persistent: Annotated[str, _ALIAS] | None = frontend()


_BY_RESOURCE: Tree = {"type": "pci", "managed": True, "source": {"address": NO_PLACE}}


def _wanted(hostdev: Tree) -> str:
    """The device resource that the host has to find: none for one that says which device it is."""
    return "" if hostdev.get("type") else str(hostdev.get("device", ""))


def _of_host(hostdev: Tree, device: Tree) -> Tree:
    """The device with the PCI function that a host offers, or as one that is mediated by a kind of it."""
    if "pci" not in device:
        return {"model": "vfio-pci", **hostdev, "mode": "subsystem", "type": "mdev"}
    domain, bus, rest = device["pci"].split(":")
    slot, function = rest.split(".")
    parts = {"domain": domain, "bus": bus, "slot": slot, "function": function}
    source = {"address": {name: int(part, 16) for name, part in parts.items()}}
    return {**hostdev, "mode": "subsystem", "type": "pci", "managed": True, "source": source}


def _provide(hostdev: Tree) -> Tree:
    return {**_BY_RESOURCE, **hostdev} if _wanted(hostdev) else hostdev


def _withdraw(hostdev: Tree) -> Tree:
    if any(hostdev.get(name) != value for name, value in _BY_RESOURCE.items()):
        return hostdev
    return taken(hostdev, _BY_RESOURCE)


class Hostdev(
    PciDevice,
    tag="hostdev",
    plural="hostdevs",
    also_called=("devices", "gpu", "gpus", "hostdevices", "pci"),
    alike=("type",),
    # Devices of the other kinds, and mediated ones of other models, have no address of these.
    buses=(
        Bus(PCI, 120, when={"type": ("pci", "scsi_host")}),
        Bus(PCI, 120, when={"type": ("mdev",), "model": (None, "vfio-pci")}),
        Bus(USB, 7, when={"type": ("usb",)}),
        Bus(DRIVE, when={"type": ("scsi",)}, role="type"),
        # One that a resource names, whatever the host finds for it, is a PCI device to the guest.
        Bus(PCI, 120, when={"type": (None,)}, unless={"device": (None,)}),
    ),
    convention=Convention(_provide, _withdraw),
    hosted=(Hosted("devices", "device", _wanted, _of_host, lambda _: ("pci", "mdev"), shared=False),),
):
    """A device of the host. A tenant names a device resource (`device`) instead of saying which."""

    mode: Annotated[str, choice("subsystem", "capabilities")] | None = backend(
        "passthrough", unless={"subsystem": Frontend()}
    )
    type: Annotated[str, choice("usb", "pci", "scsi", "scsi_host", "mdev", "storage", "misc", "net")] | None = backend(
        "passthrough"
    )
    device: ResourceName | None = reference("DeviceResource", "-")
    managed: Flag | None = backend("passthrough")
    model: (
        Annotated[
            str,
            choice("vfio-pci", "vfio-ccw", "vfio-ap", "virtio", "virtio-transitional", "virtio-non-transitional"),
        ]
        | None
    ) = frontend()
    display: Switch | None = frontend()
    ramfb: Switch | None = frontend()
    rawio: Flag | None = backend("passthrough")
    sgio: Annotated[str, choice("filtered", "unfiltered")] | None = backend("passthrough")
    driver: Annotated[str, choice("kvm", "vfio")] | None = backend("passthrough", "driver/@name")
    driver_model: Line | None = backend("passthrough", "driver/@model")
    iommufd: Flag | None = backend("passthrough", "driver/@iommufd")
    source: HostdevSource | None = goal()
    rom: Rom | None = frontend()
    teaming: Teaming | None = frontend()
    readonly: Presence | None = frontend("readonly")
    shareable: Presence | None = backend("passthrough", "shareable")
    boot_order: Positive | None = frontend("boot/@order")
    loadparm: Loadparm | None = frontend("boot/@loadparm")
