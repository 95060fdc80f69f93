"""Network interfaces (libvirt: formatdomain, "Network interfaces")."""

from __future__ import annotations

from typing import Annotated

from webhook.declare import Backend, Element, backend, choice, frontend, goal, integer, reference
from webhook.domain.devices.device import PciDevice
from webhook.domain.types import Line, Mac, Model, ObjectName, Path, Positive, Switch


class MacAddress(Element, tag="mac"):
    """The NIC's address as the guest sees it."""

    address: Mac | None = frontend()


class NetworkSource(Element, tag="source"):
    """What the host connects the NIC to. A tenant names a network instead, see `Interface.network`."""

    network: Line | None = backend("host-network")
    bridge: Line | None = backend("host-network")
    dev: Line | None = backend("host-network")
    mode: Line | None = backend("host-network")
    portgroup: Line | None = backend("host-network")
    type: Line | None = backend("host-port")
    path: Path | None = backend("host-port")
    address: Line | None = backend("host-port")
    port: Line | None = backend("host-port")


class FilterRef(Element, tag="filterref"):
    """A named network filter of the host."""

    filter: Line | None = backend("host-network")


class NicDriver(Element, tag="driver"):
    """Queues are the guest's; who moves the packets is the host's."""

    queues: Annotated[int, integer(1, 256)] | None = frontend()
    rx_queue_size: Annotated[int, integer(256, 1024)] | None = frontend("@rx_queue_size")
    tx_queue_size: Annotated[int, integer(256, 1024)] | None = frontend("@tx_queue_size")
    name: Annotated[str, choice("vhost", "qemu")] | None = backend("io-tuning")


class Mtu(Element, tag="mtu"):
    """The MTU in bytes that the NIC offers the guest."""

    size: Annotated[int, integer(68, 65535)] | None = frontend()


class Rom(Element, tag="rom"):
    """The NIC's option ROM; a file would be read from the host."""

    bar: Switch | None = frontend()
    enabled: Annotated[str, choice("yes", "no")] | None = frontend()
    file: Path | None = backend("host-path")


class InterfaceTarget(Element, tag="target"):
    """The NIC's other end on the host."""

    dev: Line | None = backend("host-network")


class Interface(PciDevice, tag="interface", plural="interfaces", alike=("mac.address",)):
    """A NIC. What it is connected to is a network, named by `network`."""

    type: (
        Annotated[
            str,
            choice(
                "network", "bridge", "user", "direct", "hostdev", "vhostuser", "vdpa", "ethernet", "internal",
                "client", "server", "mcast", "udp", "null",
            ),
        ]
        | None
    ) = goal(
        unless={
            **dict.fromkeys(("direct", "ethernet", "internal"), Backend("host-network")),
            **dict.fromkeys(("hostdev", "vdpa"), Backend("passthrough")),
            **dict.fromkeys(("vhostuser", "client", "server", "mcast", "udp"), Backend("host-port")),
        }
    )  # fmt: skip
    network: ObjectName | None = reference("Network", "-")
    source: NetworkSource | None = goal()
    model: Model | None = frontend("model/@type")
    mac: MacAddress | None = frontend()
    driver: NicDriver | None = goal()
    mtu: Mtu | None = frontend()
    rom: Rom | None = frontend()
    filter_ref: FilterRef | None = goal()
    boot_order: Positive | None = frontend("boot/@order")
    link: Annotated[str, choice("up", "down")] | None = goal("link/@state")
    target: InterfaceTarget | None = goal()
    script: Path | None = backend("host-path", "script/@path")
