"""Network interfaces (libvirt: formatdomain, "Network interfaces")."""

from typing import Annotated, get_args

from webhook.declare import Backend, Element, Scalar, backend, choice, frontend, goal, integer, reference
from webhook.declare import backend as reaching
from webhook.domain.bus import PCI, VIO, Bus, Generated
from webhook.domain.convention import NO_PLACE, POD_NETWORK, Convention, Hosted, Referred, has_content, taken, with_only
from webhook.domain.devices.device import PciDevice, VirtioDriver
from webhook.domain.devices.hostdev import Teaming
from webhook.domain.devices.rom import Rom
from webhook.domain.network import (
    Bandwidth,
    FilterRef,
    Ip,
    NetworkSource,
    NicBackend,
    PortForward,
    Route,
    VirtualPort,
    Vlan,
)
from webhook.domain.types import Flag, Line, Loadparm, Mac, NetworkName, Path, Positive, Presence, Switch, Word
from webhook.trees import Tree

# libvirt passes an unknown model to QEMU as a device's name, so the list is closed: QEMU's NICs by QEMU's names, and
# those for which libvirt has its own.
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


_NETWORK: Scalar = get_args(NetworkName)[1]
_NETWORKS = {"bridge": "bridge", "network": "network"}
# What a NIC that is a virtual function has where no host is known.
_FUNCTION: Tree = {"type": "hostdev", "managed": True, "source": {"device": {"type": "pci", **NO_PLACE}}}


def _is_network(name: object) -> bool:
    """Whether a name is one of a network, which on a host with a `/` in it is nobody's: no bridge has such a name."""
    return _NETWORK.check(name) is None


def _provide(interface: Tree) -> Tree:
    kind = interface.get("type", "hostdev" if interface.get("sriov") else "bridge")
    made = {**interface, "type": kind}
    if kind == "hostdev" and interface.get("sriov"):
        return {**_FUNCTION, **made}
    wanted = _wanted(interface)
    return {**made, "source": {_NETWORKS[kind]: wanted}} if wanted else made


def _wanted(interface: Tree) -> str:
    """The network that the host has to find: none for a NIC that states what it is connected to."""
    if interface.get("type", "bridge") not in _NETWORKS or has_content(interface.get("source")):
        return ""
    return str(interface.get("network", POD_NETWORK))


def _of_host(interface: Tree, network: Tree) -> Tree | None:
    """The NIC at the bridge, libvirt's network or tap that a host has for its network, or in user networking.

    A virtual function is one of the pool that a network of libvirt's own has.
    """
    nic = with_only(interface, "source", {})
    if "network" in network:
        return {**nic, "type": "network", "source": {"network": network["network"]}}
    if interface.get("sriov"):
        return None
    if "bridge" in network:
        return {**nic, "type": "bridge", "source": {"bridge": network["bridge"]}}
    if "tap" in network:
        return {**nic, "type": "ethernet", "target": {"dev": network["tap"], "managed": False}}
    return {**nic, "type": "user"}


def _forms(interface: Tree) -> tuple[str, ...]:
    return ("network",) if interface.get("sriov") else ("bridge", "network", "tap", "user")


def _withdraw(interface: Tree) -> Tree:
    kind, source = interface.get("type"), interface.get("source", {})
    if all(interface.get(name) == value for name, value in _FUNCTION.items()):
        return {**taken(interface, {**_FUNCTION, "type": kind}), "sriov": True}
    network = source.get(_NETWORKS.get(str(kind), ""))
    if len(source) != 1 or not (network == POD_NETWORK or _is_network(network)):
        return interface
    made = {name: value for name, value in interface.items() if name != "source"}
    if network != POD_NETWORK:
        made["network"] = network
    if kind == "bridge":
        del made["type"]
    return made


class Interface(
    PciDevice,
    tag="interface",
    plural="interfaces",
    also_called=("network", "networks", "nic", "nics"),
    alike=("mac.address",),
    buses=(
        Bus(PCI, 20, when={"sriov": (True,)}),
        Bus(VIO, 1, when={"model": ("spapr-vlan",)}),
        Bus(PCI, 20, ccw=True),
    ),
    identities=("mac.address",),
    generated=(Generated("mac.address", "mac", volatile=True),),
    matched_by=("mac.address",),
    convention=Convention(_provide, _withdraw),
    optional_backend=True,
    referred=Referred("network", "networks", ("bridge", "network", "dev", "path", "name")),
    hosted=(Hosted("networks", "network", _wanted, _of_host, _forms),),
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
    network: NetworkName | None = reference("Network", "-")
    sriov: Presence | None = frontend("-", doc="Whether it is a virtual function of the network's own card.")
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
