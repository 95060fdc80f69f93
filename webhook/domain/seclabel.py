"""Security labels of the host's sVirt (libvirt: formatdomain, "Security label")."""

from typing import Annotated

from webhook.declare import Element, backend, choice
from webhook.domain.types import Flag, Line


class Seclabel(Element, tag="seclabel"):
    """How the host's security driver confines QEMU, or may touch one file of it."""

    type: Annotated[str, choice("dynamic", "static", "none")] | None = backend("host-identity")
    model: Line | None = backend("host-identity")
    relabel: Flag | None = backend("host-identity")
    label: Line | None = backend("host-identity", "label")
    baselabel: Line | None = backend("host-identity", "baselabel")
    imagelabel: Line | None = backend("host-identity", "imagelabel")


class SourceSeclabel(Element, tag="seclabel"):
    """How the host's security driver labels one source."""

    model: Line | None = backend("host-identity")
    relabel: Flag | None = backend("host-identity")
    label_skip: Flag | None = backend("host-identity", "@labelskip")
    label: Line | None = backend("host-identity", "label")
