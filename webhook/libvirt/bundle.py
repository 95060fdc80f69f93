"""A domain with the documents that libvirt must have before it: secrets, network filters, node devices.

UUIDs of the companions are made of the domain's own, so that the same VM always has the same ones, and no two VMs
share one. A secret's value is never in any of them: whoever starts the VM sets it by libvirt's own call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import NAMESPACE_OID, UUID, uuid5

from lxml import etree

from webhook.libvirt.backend.provide import provide
from webhook.libvirt.host.facts import Host
from webhook.libvirt.host.place import on_host
from webhook.libvirt.xml.render import refuse_malformed, render
from webhook.trees import Tree

# What the names of filters begin with that are made here.
OURS = "vmconfig-"


@dataclass(frozen=True, slots=True)
class Bundle:
    """XML documents, in the order in which libvirt must get them: the domain comes last."""

    secrets: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    node_devices: list[str] = field(default_factory=list)
    domain: str = ""

    def documents(self) -> list[str]:
        """All of them in that order."""
        return [*self.secrets, *self.filters, *self.node_devices, self.domain]


def bundle(
    domain: Tree, name: str, host: Host | None = None, namespace: str = "default", path: str = "spec.domain"
) -> Bundle:
    """The domain's XML and its companion documents; without a host, those that need no facts of it.

    Raises Refused where the domain is malformed, and where the host lacks what it needs. `path` is the domain's place
    in its object.
    """
    refuse_malformed(domain, name, path)
    made = provide(domain if host is None else on_host(domain, name, host, path))
    host = host or Host()
    devices = dict(made.get("devices", {}))
    made["devices"] = devices
    # A tenant may state another VM's UUID: the ids of companions depend on the VM's name too.
    own = uuid5(UUID(domain["uuid"]) if domain.get("uuid") else NAMESPACE_OID, f"{namespace}/{name}")
    secrets = list(_secrets(devices, name, own))
    filters = list(_filters(devices, own, host.addresses))
    nodes = list(_node_devices(devices, own, host))
    return Bundle(secrets, filters, nodes, render(made, name, backend=False))


def _secrets(devices: Tree, name: str, own: UUID) -> Iterator[str]:
    """A secret for each encrypted disk and an encrypted TPM; their elements get its UUID, in place."""
    disks = [dict(disk) for disk in devices.get("disks", ())]
    for disk in disks:
        encryption = disk.get("encryption", {})
        if encryption.get("secretName") and not encryption.get("secrets"):
            uuid = str(uuid5(own, f"secret/{encryption['secretName']}"))
            disk["encryption"] = {**encryption, "secrets": [{"type": "passphrase", "uuid": uuid}]}
            source = disk.get("source", {})
            usage = source.get("file") or source.get("dev") or f"{name}/{disk.get('name', 'disk')}"
            yield _secret(uuid, encryption["secretName"], "volume", "volume", str(usage))
    if disks:
        devices["disks"] = disks
    tpm = devices.get("tpm") or {}
    if tpm.get("secretName") and not tpm.get("secret"):
        uuid = str(uuid5(own, f"secret/{tpm['secretName']}"))
        devices["tpm"] = {**tpm, "secret": uuid}
        yield _secret(uuid, tpm["secretName"], "vtpm", "name", f"{name}-{own}")


def _secret(uuid: str, secret: str, kind: str, tag: str, usage: str) -> str:
    """A secret that is not stored on disk and whose value cannot be read back (libvirt: formatsecret)."""
    root = etree.Element("secret", ephemeral="no", private="yes")
    etree.SubElement(root, "uuid").text = uuid
    etree.SubElement(root, "description").text = f"the value of the Secret {secret}"
    etree.SubElement(etree.SubElement(root, "usage", type=kind), tag).text = usage
    return _text(root)


def _filters(devices: Tree, own: UUID, known: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A filter for each NIC that has a MAC address and no filter of its own; the NIC refers to it, in place."""
    nics = [dict(nic) for nic in devices.get("interfaces", ())]
    for nic in nics:
        mac = nic.get("mac", {}).get("address")
        if not mac or nic.get("filterRef") or nic.get("type") not in ("bridge", "network", "ethernet"):
            continue
        filter_name = f"{OURS}{own}-{nic.get('name', mac.replace(':', ''))}"
        nic["filterRef"] = {"filter": filter_name}
        addresses = known.get(mac.lower(), ())
        yield _filter(filter_name, str(uuid5(own, f"filter/{filter_name}")), mac, addresses)
    if nics:
        devices["interfaces"] = nics


def _filter(name: str, uuid: str, mac: str, addresses: Sequence[str]) -> str:
    """Nothing leaves with another MAC address, nor, where addresses are known, with another of those.

    Low priorities are evaluated first (libvirt: formatnwfilter).
    """
    root = etree.Element("filter", name=name, chain="root")
    etree.SubElement(root, "uuid").text = uuid
    _rule(root, "drop", -1000, "mac", match="no", srcmacaddr=mac)
    _rule(root, "drop", -950, "arp", match="no", arpsrcmacaddr=mac)
    families = {"ip": [one for one in addresses if ":" not in one], "ipv6": [one for one in addresses if ":" in one]}
    for protocol, known in families.items():
        for address in known:
            _rule(root, "return", -800, protocol, srcipaddr=address)
        if known and protocol == "ip":
            # A guest without an address sends DHCP requests, and ARP requests with its own address.
            _rule(root, "return", -790, "ip", srcipaddr="0.0.0.0", protocol="udp", srcportstart="68", dstportstart="67")  # noqa: S104 - what the guest sends
            for address in known:
                _rule(root, "return", -780, "arp", arpsrcipaddr=address)
            _rule(root, "drop", -770, "arp")
        if known:
            _rule(root, "drop", -760, protocol)
    return _text(root)


def _rule(root: etree._Element, action: str, priority: int, what: str, **match: str) -> None:
    rule = etree.SubElement(root, "rule", action=action, direction="out", priority=str(priority))
    etree.SubElement(rule, what, match)


def _node_devices(devices: Tree, own: UUID, host: Host) -> Iterator[str]:
    """Mediated devices and virtual Fibre Channel adapters that must exist before the domain that uses them.

    A mediated device gets a UUID, and a domain names such an adapter and nothing more of it, in place.
    """
    hostdevs = list(devices.get("hostdevs", ()))
    for index, hostdev in enumerate(hostdevs):
        adapter = hostdev.get("source", {}).get("adapter", {})
        offered = host.mediated(hostdev.get("device", "")) if hostdev.get("type") == "mdev" else None
        if offered is not None:
            stated = hostdev.get("source", {}).get("address", {}).get("uuid")
            uuid = stated or str(uuid5(own, f"mdev/{hostdev.get('name', index)}"))
            yield _mediated(uuid, offered)
            hostdevs[index] = {**hostdev, "source": {"address": {"uuid": uuid}}}
        elif adapter.get("type") == "fc_host" and adapter.get("parent"):
            yield _adapter(adapter)
            named = {name: value for name, value in adapter.items() if name == "name"}
            hostdevs[index] = {**hostdev, "source": {**hostdev["source"], "adapter": named}}
    if hostdevs:
        devices["hostdevs"] = hostdevs


def _mediated(uuid: str, offered: Tree) -> str:
    root = etree.Element("device")
    etree.SubElement(root, "parent").text = offered["parent"]
    capability = etree.SubElement(root, "capability", type="mdev")
    etree.SubElement(capability, "type", id=offered["mdev"])
    etree.SubElement(capability, "uuid").text = uuid
    return _text(root)


def _adapter(adapter: Tree) -> str:
    root = etree.Element("device")
    etree.SubElement(root, "parent").text = adapter["parent"]
    outer = etree.SubElement(root, "capability", type="scsi_host")
    inner = etree.SubElement(outer, "capability", type="fc_host")
    for name in ("wwnn", "wwpn"):
        if adapter.get(name):
            etree.SubElement(inner, name).text = str(adapter[name]).removeprefix("0x")
    return _text(root)


def _text(root: etree._Element) -> str:
    etree.indent(root)
    return etree.tostring(root, encoding="unicode") + "\n"
