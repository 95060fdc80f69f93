"""The ways past libvirt's model: arguments, properties and capabilities handed to QEMU as they are, and content for
whoever reads it (libvirt: drvqemu, "Pass-through of arbitrary qemu commands"; formatdomain, "General metadata").

Declared so that policy can speak of them; none of the shipped levels permits one.
"""

from typing import Annotated

from webhook.declare import Element, backend, choice, text
from webhook.domain.types import Line


class Argument(Element, tag="qemu:arg"):
    """One argument of QEMU's command line."""

    value: Annotated[str, text(4096)] | None = backend("escape-hatch")


class Environment(Element, tag="qemu:env", key="name"):
    """One variable of QEMU's environment."""

    name: Annotated[str, text(64, "[A-Za-z0-9_]+", "a variable's name")] | None = backend("escape-hatch")
    value: Annotated[str, text(4096)] | None = backend("escape-hatch")


class Commandline(Element, tag="qemu:commandline"):
    """What is added to QEMU's command line."""

    args: list[Argument] | None = backend("escape-hatch", "qemu:arg")
    env: list[Environment] | None = backend("escape-hatch", "qemu:env")


class Capability(Element):
    """One of QEMU's capabilities by libvirt's name for it."""

    capability: Line | None = backend("escape-hatch")


class Capabilities(Element, tag="qemu:capabilities"):
    """What libvirt is told that QEMU can or cannot do."""

    add: list[Capability] | None = backend("escape-hatch", "qemu:add")
    remove: list[Capability] | None = backend("escape-hatch", "qemu:del")


class Deprecation(Element, tag="qemu:deprecation"):
    """What becomes of QEMU's deprecated commands."""

    behavior: Annotated[str, choice("omit", "reject", "crash", "none")] | None = backend("escape-hatch")


class Property(Element, tag="qemu:property", key="name"):
    """One property of a device, set past libvirt."""

    name: Line | None = backend("escape-hatch")
    type: Annotated[str, choice("signed", "unsigned", "bool", "string", "remove")] | None = backend("escape-hatch")
    value: Annotated[str, text(4096)] | None = backend("escape-hatch")


class OverriddenDevice(Element, tag="qemu:device", key="alias"):
    """A device by libvirt's alias, and the properties that are set on it."""

    alias: Line | None = backend("escape-hatch")
    properties: list[Property] | None = backend("escape-hatch", "qemu:frontend/qemu:property")


class Override(Element, tag="qemu:override"):
    """Properties of devices that libvirt does not set so."""

    devices: list[OverriddenDevice] | None = backend("escape-hatch", "qemu:device")


class MetadataEntry(Element, tag="vmconfig:entry", key="name"):
    """One entry of the domain's metadata, which libvirt keeps and hooks of the host read."""

    name: Line | None = backend("escape-hatch")
    value: Annotated[str, text(4096)] | None = backend("escape-hatch", ".")
