"""`spec.restoreFrom`: the snapshot that a machine is made again of, and what becomes of devices without a right."""

from __future__ import annotations

from webhook.declare import Element, frontend, goal, reference
from webhook.domain.types import DeviceName, Flag, NetworkName, ObjectName, ResourceName

PLACEHOLDER = "placeholder"


class RestoredDisk(Element, key="name"):
    """A disk or a drive of the snapshot that comes back otherwise: with another claim, or without a medium."""

    name: DeviceName | None = frontend("-", doc="The device's name in the snapshot.")
    placeholder: Flag | None = goal("-", doc="Whether the drive comes back empty.")
    claim: ObjectName | None = reference("PersistentVolumeClaim", "-", doc="The claim that it has instead.")


class RestoredInterface(Element, key="name"):
    """A NIC of the snapshot that comes back otherwise: on another network, or with its link down."""

    name: DeviceName | None = frontend("-", doc="The device's name in the snapshot.")
    placeholder: Flag | None = goal("-", doc="Whether the NIC comes back on no network, with its link down.")
    network: NetworkName | None = reference("Network", "-", doc="The network that it is on instead.")


class RestoredFilesystem(Element, key="name"):
    """A folder of the snapshot that comes back with another claim."""

    name: DeviceName | None = frontend("-", doc="The device's name in the snapshot.")
    claim: ObjectName | None = reference("PersistentVolumeClaim", "-", doc="The claim that it has instead.")


class RestoredHostdev(Element, key="name"):
    """A device of the host's that comes back as one of another resource."""

    name: DeviceName | None = frontend("-", doc="The device's name in the snapshot.")
    device: ResourceName | None = reference("DeviceResource", "-", doc="The resource that it is of instead.")


class RestoredDevices(Element):
    """Devices that do not come back as they were, by the lists of `domain.devices`."""

    disks: list[RestoredDisk] | None = frontend("-")
    interfaces: list[RestoredInterface] | None = frontend("-")
    filesystems: list[RestoredFilesystem] | None = frontend("-")
    hostdevs: list[RestoredHostdev] | None = frontend("-")


class RestoreFrom(Element):
    """The snapshot that the machine is made again of; it stays and means nothing more until it changes."""

    snapshot: ObjectName | None = reference("VMSnapshot", "-", doc="The name of a VMSnapshot of the same namespace.")
    devices: RestoredDevices | None = frontend(
        "-", doc="What becomes of devices that are not to come back as they were."
    )
