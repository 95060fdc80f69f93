"""Where a crashing kernel leaves its log (libvirt: formatdomain, "Pstore"; not in libvirt 9.0 yet)."""

from typing import Annotated

from webhook.declare import backend as reaching
from webhook.declare import choice, frontend
from webhook.domain.bus import PCI, Bus
from webhook.domain.devices.device import PciDevice
from webhook.domain.types import Amount, Path


class Pstore(PciDevice, tag="pstore", single="pstore", buses=(Bus(PCI, 180),)):
    """An ACPI ERST, kept in a file of the host."""

    backend: Annotated[str, choice("acpi-erst")] | None = frontend()
    path: Path | None = reaching("host-path", "path")
    size: Amount | None = frontend("size[@unit='KiB']")
