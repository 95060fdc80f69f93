"""What guest and host, or two guests, share: memory and disk leases (libvirt: formatdomain, "Shared memory device",
"Device leases")."""

from typing import Annotated

from webhook.declare import Element, backend, choice, frontend, integer
from webhook.domain.bus import PCI, Bus
from webhook.domain.devices.device import NAME, Named, PciDevice
from webhook.domain.types import Big, Flag, Line, Path, Switch


class Msi(Element, tag="msi"):
    """Interrupts by which peers of a shared memory ring each other."""

    enabled: Flag | None = frontend()
    vectors: Annotated[int, integer(0, 65535)] | None = frontend()
    ioeventfd: Switch | None = frontend()


class Shmem(PciDevice, tag="shmem", plural="shmems", alike=("region",), buses=(Bus(PCI, 130),)):
    """Memory that other processes of the host see too, so its very presence is the host's to allow."""

    region: Line | None = backend("host-path", "@name")
    role: Annotated[str, choice("master", "peer")] | None = backend("host-path")
    model: Annotated[str, choice("ivshmem", "ivshmem-plain", "ivshmem-doorbell")] | None = backend(
        "host-path", "model/@type"
    )
    size: Big | None = frontend("size[@unit='bytes']")
    server: Path | None = backend("host-port", "server/@path")
    msi: Msi | None = frontend()


class Lease(Named, tag="lease", plural="leases", alike=("leaseKey",)):
    """A lease of the host's lock manager that the VM holds while it runs."""

    # libvirt's leases are no devices and have no alias.
    name: Annotated[str, NAME] | None = frontend("-")
    lockspace: Line | None = backend("host-path", "lockspace")
    lease_key: Line | None = backend("host-path", "key")
    path: Path | None = backend("host-path", "target/@path")
    offset: Big | None = backend("host-path", "target/@offset")
