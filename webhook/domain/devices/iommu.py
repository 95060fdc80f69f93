"""IOMMUs (libvirt: formatdomain, "IOMMU devices")."""

from typing import Annotated

from webhook.declare import Element, backend, choice, frontend, goal, integer, text
from webhook.domain.bus import PCI, Bus
from webhook.domain.devices.device import PciDevice
from webhook.domain.types import Amount, Switch


class Granule(Element, tag="granule[@unit='KiB']"):
    """The smallest piece of memory that the guest can map."""

    size: Amount | None = frontend()
    mode: Annotated[str, choice("host")] | None = goal()


class IommuDriver(Element, tag="driver"):
    """What an IOMMU offers the guest."""

    intremap: Switch | None = frontend()
    caching_mode: Switch | None = frontend("@caching_mode")
    iotlb: Switch | None = frontend()
    eim: Switch | None = frontend()
    aw_bits: Annotated[int, integer(0, 255)] | None = frontend("@aw_bits")
    dma_translation: Switch | None = frontend("@dma_translation")
    passthrough: Switch | None = frontend()
    xtsup: Switch | None = frontend()
    pci_bus: Annotated[int, integer(0, 255)] | None = frontend("@pciBus")
    accel: Switch | None = backend("passthrough")
    cmdqv: Switch | None = backend("passthrough")
    ats: Switch | None = frontend()
    ril: Switch | None = frontend()
    ssidsize: Annotated[str, text(4, "auto|[0-9]{1,2}", "a number of bits, or `auto`")] | None = frontend()
    oas: Annotated[str, text(4, "auto|[0-9]{1,2}", "a number of bits, or `auto`")] | None = frontend()
    granule: Granule | None = frontend()


class Iommu(PciDevice, tag="iommu", single="iommu", buses=(Bus(PCI, 140, when={"model": ("virtio",)}, ccw=True),)):
    """An IOMMU of the guest's own."""

    model: Annotated[str, choice("intel", "smmuv3", "virtio")] | None = frontend()
    driver: IommuDriver | None = frontend()
