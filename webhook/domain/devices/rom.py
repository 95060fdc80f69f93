"""Option ROMs of PCI devices (libvirt: formatdomain, "Host device assignment", `rom`)."""

from webhook.declare import Element, backend, frontend
from webhook.domain.types import Flag, Path, Switch


class Rom(Element, tag="rom"):
    """A device's option ROM; a file would be read from the host."""

    bar: Switch | None = frontend()
    enabled: Flag | None = frontend()
    file: Path | None = backend("host-path")
