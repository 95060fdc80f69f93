"""Network interfaces (libvirt: formatdomain, "Network interfaces")."""

from typing import Annotated, Any

from webhook.declare import Backend, Element, backend, choice, frontend, goal, integer, reference, text
from webhook.declare import backend as reaching
from webhook.domain.bus import PCI, VIO, Bus, Made
from webhook.domain.convention import Convention, Referred, has_content, is_name
from webhook.domain.devices.device import PciDevice, VirtioDriver
from webhook.domain.devices.hostdev import Teaming
from webhook.domain.devices.rom import Rom
from webhook.domain.storage import HostPciAddress, Reconnect
from webhook.domain.types import (
    DeviceId,
    Flag,
    HostPort,
    IpAddress,
    Line,
    Loadparm,
    Mac,
    ObjectName,
    Path,
    Positive,
    Switch,
    Uuid,
    Word,
)

Tree = dict[str, Any]

# libvirt hands a model that it does not know to QEMU as a device's name, so these are all: QEMU's NICs as QEMU names
# them, and those that libvirt has names of its own for.
_MODELS = (
    "virtio", "virtio-transitional", "virtio-non-transitional", "e1000", "e1000e", "e1000-82544gc", "e1000-82545em",
    "igb", "rtl8139", "ne2k_pci", "ne2k_isa", "pcnet", "i82550", "i82551", "i82557a", "i82557b", "i82557c", "i82558a",
    "i82558b", "i82559a", "i82559b", "i82559c", "i82559er", "i82562", "i82801", "vmxnet3", "tulip", "usb-net",
    "spapr-vlan", "lan9118", "smc91c111", "sungem", "sunhme", "netfront",
)  # fmt: skip


class MacAddress(Element, tag="mac"):
    """The NIC's address as the guest sees it."""

    address: Mac | None = frontend()
    type: Annotated[str, choice("generated", "static")] | None = goal()
    check: Flag | None = goal()


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


class HostOffloads(Element, tag="host"):
    """What the host may leave to the NIC."""

    csum: Switch | None = frontend()
    gso: Switch | None = frontend()
    tso4: Switch | None = frontend()
    tso6: Switch | None = frontend()
    ecn: Switch | None = frontend()
    ufo: Switch | None = frontend()
    mrg_rxbuf: Switch | None = frontend("@mrg_rxbuf")


class GuestOffloads(Element, tag="guest"):
    """What the guest may leave to the NIC."""

    csum: Switch | None = frontend()
    tso4: Switch | None = frontend()
    tso6: Switch | None = frontend()
    ecn: Switch | None = frontend()
    ufo: Switch | None = frontend()


class NicDriver(VirtioDriver):
    """Queues are the guest's; who moves the packets is the host's."""

    queues: Annotated[int, integer(1, 256)] | None = frontend()
    rx_queue_size: Annotated[int, integer(256, 1024)] | None = frontend("@rx_queue_size")
    tx_queue_size: Annotated[int, integer(256, 1024)] | None = frontend("@tx_queue_size")
    name: Annotated[str, choice("vhost", "qemu", "kvm", "vfio")] | None = backend("io-tuning")
    txmode: Annotated[str, choice("iothread", "timer")] | None = backend("io-tuning")
    ioeventfd: Switch | None = frontend()
    event_idx: Switch | None = frontend("@event_idx")
    rss: Switch | None = frontend()
    rss_hash_report: Switch | None = frontend("@rss_hash_report")
    host: HostOffloads | None = frontend()
    guest: GuestOffloads | None = frontend()


class Mtu(Element, tag="mtu"):
    """The MTU in bytes that the NIC offers the guest."""

    size: Annotated[int, integer(68, 65535)] | None = frontend()


class InterfaceTarget(Element, tag="target"):
    """The NIC's other end on the host."""

    dev: Line | None = backend("host-network")
    managed: Flag | None = backend("host-network")


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


# A NIC without a network is on the pod's; no network's name has an underscore.
_POD_NETWORK = "pod_network"
_NETWORKS = {"bridge": "bridge", "network": "network"}


def _provide(interface: Tree) -> Tree:
    kind = interface.get("type", "bridge")
    made = {**interface, "type": kind}
    if kind not in _NETWORKS or has_content(interface.get("source")):
        return made
    return {**made, "source": {_NETWORKS[kind]: interface.get("network", _POD_NETWORK)}}


def _withdraw(interface: Tree) -> Tree:
    kind, source = interface.get("type"), interface.get("source", {})
    network = source.get(_NETWORKS.get(str(kind), ""))
    if len(source) != 1 or not (network == _POD_NETWORK or is_name(network)):
        return interface
    made = {name: value for name, value in interface.items() if name != "source"}
    if network != _POD_NETWORK:
        made["network"] = network
    if kind == "bridge":
        del made["type"]
    return made


class Interface(
    PciDevice,
    tag="interface",
    plural="interfaces",
    alike=("mac.address",),
    buses=(Bus(VIO, 1, when={"model": ("spapr-vlan",)}), Bus(PCI, 20, ccw=True)),
    own=("mac.address",),
    made=(Made("mac.address", "mac", redrawn=True),),
    met_by=("mac.address",),
    convention=Convention(_provide, _withdraw),
    optional_end=True,
    referred=Referred("network", "networks", ("bridge", "network", "dev", "path", "name")),
):
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
            # QEMU's user emulation reaches whatever the host itself does, its loopback services too.
            **dict.fromkeys(("direct", "ethernet", "internal", "user"), Backend("host-network")),
            **dict.fromkeys(("hostdev", "vdpa"), Backend("passthrough")),
            **dict.fromkeys(("vhostuser", "client", "server", "mcast", "udp"), Backend("host-port")),
        }
    )  # fmt: skip
    network: ObjectName | None = reference("Network", "-")
    source: NetworkSource | None = goal()
    model: Annotated[str, choice(*_MODELS)] | None = frontend("model/@type")
    mac: MacAddress | None = frontend()
    driver: NicDriver | None = goal()
    mtu: Mtu | None = frontend()
    rom: Rom | None = frontend()
    filter_ref: FilterRef | None = goal()
    boot_order: Positive | None = frontend("boot/@order")
    link: Annotated[str, choice("up", "down")] | None = goal("link/@state")
    target: InterfaceTarget | None = goal()
    trust_guest_rx_filters: Flag | None = reaching("host-network", "@trustGuestRxFilters")
    managed: Flag | None = reaching("passthrough")
    vlan: Vlan | None = goal()
    virtualport: VirtualPort | None = goal()
    bandwidth: Bandwidth | None = goal()
    port_forwards: list[PortForward] | None = goal("portForward")
    backend: NicBackend | None = goal()
    teaming: Teaming | None = frontend()
    ips: list[Ip] | None = goal("ip")
    routes: list[Route] | None = goal("route")
    isolated: Flag | None = reaching("host-network", "port/@isolated")
    sndbuf: Word | None = reaching("io-tuning", "tune/sndbuf")
    coalesce: Word | None = reaching("io-tuning", "coalesce/rx/frames/@max")
    script: Path | None = reaching("host-path", "script/@path")
    downscript: Path | None = reaching("host-path", "downscript/@path")
    loadparm: Loadparm | None = frontend("boot/@loadparm")
