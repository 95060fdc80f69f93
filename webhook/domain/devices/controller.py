"""Controllers of every bus (libvirt: formatdomain, "Controllers")."""

from typing import Annotated

from webhook.declare import Element, backend, choice, frontend, integer
from webhook.domain.bus import PCI, USB, VIO, Bus
from webhook.domain.devices.device import NAME, PciDevice, VirtioDriver
from webhook.domain.types import Count, Line, Model, Positive, Serial, Switch
from webhook.trees import Tree


def is_companion(controller: Tree) -> bool:
    """Whether a USB 1 controller serves the slow devices of a USB 2 controller, whose index it shares."""
    return controller.get("type") == "usb" and controller.get("master") is not None


def name_of(controller: Tree) -> str:
    """`type-index`, and for a companion its model too: all of one USB 2 controller have one index."""
    name = f"{controller.get('type', '')}-{controller['index']}"
    return f"{name}-{controller.get('model', 'uhci')}" if is_companion(controller) else name


class ControllerTarget(Element, tag="target"):
    """What tells one PCI port from another: its chassis, its port (slot × 8 + function), its bus number."""

    chassis: Annotated[int, integer(0, 255)] | None = frontend()
    port: Annotated[int, integer(0, 255, hex_digits=1)] | None = frontend()
    chassis_nr: Annotated[int, integer(1, 255)] | None = frontend("@chassisNr")
    bus_nr: Annotated[int, integer(1, 254)] | None = frontend("@busNr")
    index: Annotated[int, integer(0, 30)] | None = frontend("@index")
    hotplug: Annotated[str, choice("on", "off")] | None = frontend()
    node: Annotated[int, integer(0, 127)] | None = frontend("node")


class ControllerModel(Element, tag="model"):
    """The PCI bridge's device model in QEMU."""

    name: Model | None = frontend()


class ControllerQueue(Element, tag="queue", key="dev"):
    """A disk that a controller's iothread serves."""

    dev: Line | None = backend("io-tuning")


class ControllerIothread(Element, tag="iothread", key="id"):
    """An iothread of a controller, and the disks that it serves."""

    id: Positive | None = backend("io-tuning")
    queues: list[ControllerQueue] | None = backend("io-tuning", "queue")


class ControllerDriver(VirtioDriver):
    """A controller's queues are the guest's, its threads the host's."""

    queues: Annotated[int, integer(1, 256)] | None = frontend()
    max_sectors: Annotated[int, integer(1, 65535)] | None = frontend("@max_sectors")
    cmd_per_lun: Annotated[int, integer(1, 65535)] | None = frontend("@cmd_per_lun")
    ioeventfd: Switch | None = frontend()
    iothread: Positive | None = backend("io-tuning")
    iothreads: list[ControllerIothread] | None = backend("io-tuning", "iothreads/iothread")


class Controller(
    PciDevice,
    tag="controller",
    plural="controllers",
    alike=("type", "index", "model"),
    matched_by=("type", "index"),
    # The allocators name it by its type and index; devices depend on it.
    permanent=True,
    # All others are part of the machine or of another controller.
    buses=(
        Bus(USB, 80, when={"type": ("ccid",)}),
        Bus(VIO, 2, when={"type": ("scsi",), "model": ("ibmvscsi",)}, role="type"),
        Bus(PCI, 40, when={"type": ("scsi", "virtio-serial")}, role="type", ccw=True),
        Bus(PCI, 40, when={"type": ("usb", "sata", "ide")}, role="type"),
    ),
):
    """A controller; `type` and `index` tell it from the others, and its name is made of them (`scsi-0`).

    The companions of a USB 2 controller share its index, and their model tells them apart (`usb-0-ich9-uhci1`).
    """

    # libvirt names the root buses itself and cannot rename them: the XML has no place for a controller's name.
    name: Annotated[str, NAME] | None = frontend("-")
    type: (
        Annotated[str, choice("pci", "ide", "sata", "scsi", "usb", "virtio-serial", "fdc", "ccid", "isa", "nvme")]
        | None
    ) = frontend()
    index: Annotated[int, integer(0, 255)] | None = frontend()
    model: Model | None = frontend()
    # In the XML each port is a controller of its own (webhook/domain/root_ports.py).
    count: Annotated[int, integer(2, 255)] | None = frontend(
        "-", doc="So many PCIe root ports in a row: the next indices, at the next functions and slots."
    )
    ports: Annotated[int, integer(1, 31)] | None = frontend()
    vectors: Count | None = frontend()
    driver: ControllerDriver | None = frontend()
    target: ControllerTarget | None = frontend()
    bridge: ControllerModel | None = frontend("model")
    serial: Serial | None = frontend("serial")
    pcihole64: Annotated[int, integer(0, 2**40)] | None = frontend("pcihole64")
    master: Annotated[int, integer(0, 15)] | None = frontend("master/@startport")
