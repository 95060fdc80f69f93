"""What the host connects a NIC to, and how it carries its packets (libvirt: formatdomain, "Network interfaces").

The parts of `webhook/domain/devices/interface.py` that the guest does not see.
"""

from typing import Annotated

from webhook.declare import Element, backend, choice, goal, integer, text
from webhook.domain.storage import HostPciAddress, Reconnect
from webhook.domain.types import DeviceId, Flag, HostPort, IpAddress, Line, Path, Uuid, Word


class Ip(Element, tag="ip"):
    """An IP address of one end of the NIC."""

    address: IpAddress | None = backend("host-network")
    family: Annotated[str, choice("ipv4", "ipv6")] | None = backend("host-network")
    prefix: Annotated[int, integer(0, 128)] | None = backend("host-network")
    peer: IpAddress | None = backend("host-network")


class Route(Element, tag="route"):
    """A route by one end of the NIC."""

    family: Annotated[str, choice("ipv4", "ipv6")] | None = backend("host-network")
    address: IpAddress | None = backend("host-network")
    netmask: IpAddress | None = backend("host-network")
    prefix: Annotated[int, integer(0, 128)] | None = backend("host-network")
    gateway: IpAddress | None = backend("host-network")
    metric: Word | None = backend("host-network")


class LocalEnd(Element, tag="local"):
    """Where a UDP tunnel listens on the host."""

    address: IpAddress | None = backend("host-port")
    port: HostPort | None = backend("host-port")


class SourceDevice(HostPciAddress, tag="address"):
    """The network function of the host that the guest gets."""

    type: Annotated[str, choice("pci", "usb")] | None = backend("passthrough")
    device: Annotated[int, integer(0, 4095)] | None = backend("passthrough")


class NetworkSource(Element, tag="source"):
    """What the host connects the NIC to. A tenant names a network instead, see `Interface.network`."""

    network: Line | None = backend("host-network")
    bridge: Line | None = backend("host-network")
    dev: Line | None = backend("host-network")
    mode: Line | None = backend("host-network")
    portgroup: Line | None = backend("host-network")
    portid: Line | None = backend("host-network")
    name: Line | None = backend("host-network")
    mac_table_manager: Annotated[str, choice("kernel", "libvirt")] | None = backend("host-network", "@macTableManager")
    type: Line | None = backend("host-port")
    path: Path | None = backend("host-port")
    address: Line | None = backend("host-port")
    port: Annotated[str, text(5, "[0-9]{1,5}", "a port's number")] | None = backend("host-port")
    local: LocalEnd | None = goal()
    reconnect: Reconnect | None = goal()
    device: SourceDevice | None = goal("address")
    vendor: DeviceId | None = backend("passthrough", "vendor/@id")
    product: DeviceId | None = backend("passthrough", "product/@id")
    ips: list[Ip] | None = goal("ip")
    routes: list[Route] | None = goal("route")


class FilterParameter(Element, tag="parameter"):
    """A variable of a network filter; several of one name are a list."""

    name: Line | None = backend("host-network")
    value: Line | None = backend("host-network")


class FilterRef(Element, tag="filterref"):
    """A named network filter of the host."""

    filter: Line | None = backend("host-network")
    parameters: list[FilterParameter] | None = backend("host-network", "parameter")


class VirtualPort(Element, tag="virtualport"):
    """How a switch of the host takes the NIC."""

    type: Annotated[str, choice("802.1Qbg", "802.1Qbh", "openvswitch", "midonet")] | None = backend("host-network")
    managerid: Word | None = backend("host-network", "parameters/@managerid")
    typeid: Word | None = backend("host-network", "parameters/@typeid")
    typeidversion: Word | None = backend("host-network", "parameters/@typeidversion")
    instanceid: Uuid | None = backend("host-network", "parameters/@instanceid")
    interfaceid: Uuid | None = backend("host-network", "parameters/@interfaceid")
    profileid: Line | None = backend("host-network", "parameters/@profileid")


class VlanTag(Element, tag="tag"):
    """One VLAN that the NIC is in."""

    id: Annotated[int, integer(0, 4095)] | None = backend("host-network")
    native_mode: Annotated[str, choice("tagged", "untagged")] | None = backend("host-network", "@nativeMode")


class Vlan(Element, tag="vlan"):
    """The VLANs of the NIC."""

    trunk: Flag | None = backend("host-network")
    tags: list[VlanTag] | None = backend("host-network", "tag")


class Limits(Element):
    """Kilobytes a second on average and at peak, kilobytes of a burst; `floor` is what is always there."""

    average: Word | None = backend("io-tuning")
    peak: Word | None = backend("io-tuning")
    burst: Word | None = backend("io-tuning")
    floor: Word | None = backend("io-tuning")


class Inbound(Limits, tag="inbound"):
    """What comes to the guest."""


class Outbound(Limits, tag="outbound"):
    """What the guest sends."""


class Bandwidth(Element, tag="bandwidth"):
    """What the host lets through."""

    class_id: Word | None = backend("io-tuning", "@classID")
    inbound: Inbound | None = goal()
    outbound: Outbound | None = goal()


class PortRange(Element, tag="range"):
    """Ports of the host that lead into the guest."""

    start: HostPort | None = backend("host-port")
    end: HostPort | None = backend("host-port")
    to: HostPort | None = backend("host-port")
    exclude: Flag | None = backend("host-port")


class PortForward(Element, tag="portForward"):
    """What passt forwards from the host's addresses into the guest."""

    proto: Annotated[str, choice("tcp", "udp")] | None = backend("host-port")
    address: IpAddress | None = backend("host-port")
    dev: Line | None = backend("host-network")
    ranges: list[PortRange] | None = backend("host-port", "range")


class NicBackend(Element, tag="backend"):
    """The process or the kernel's devices that move the packets."""

    type: Annotated[str, choice("default", "passt")] | None = backend("host-network")
    tap: Path | None = backend("raw-device")
    vhost: Path | None = backend("raw-device")
    log_file: Path | None = backend("host-path", "@logFile")
    hostname: Line | None = backend("host-network")
    fqdn: Line | None = backend("host-network")
