"""Kubernetes' names for what a dump's devices are connected to: by any name that the dump has for it.

A map says `claims` for disks and folders, `networks` for NICs, `secrets` for the passphrases of encrypted disks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from webhook.declare import shown
from webhook.domain.convention import Referred
from webhook.domain.devices import KINDS
from webhook.domain.devices.device import USER_ALIAS
from webhook.findings import Finding
from webhook.libvirt.importing.losses import Losses
from webhook.trees import Tree

# Drives that may be empty: any other disk has content (libvirt, virDomainDiskDefParseXML).
_REMOVABLE = ("cdrom", "floppy")
# The attributes of a source that name what is connected, in the order in which they are looked up.
_SOURCES = ("network", "bridge", "file", "dev", "dir", "volume", "name", "path")
# What names the device itself: its target, its alias, its MAC address, its serial number.
_OWN = ("mac/@address", "target/@dev", "target/@dir", "alias/@name", "serial")
# What of a source is not where it is.
_KEPT = ("startupPolicy", "encryption")


@dataclass(frozen=True, slots=True)
class Map:
    """Names of Kubernetes objects: claims by image, networks by bridge or libvirt network, Secrets by libvirt's UUID.

    Each may also go by the device's target, alias, MAC address or serial number. A network of None is the pod's own.
    A NIC in a port group goes by the group, alone or behind its network and `/`, not by the network: its other groups
    are other networks. `conventional`: whether a bridge without a name here is a network of the same name, as the
    isolated form writes it.
    """

    claims: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str | None] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    conventional: bool = True

    def of(self, names: str) -> Mapping[str, Any]:
        """One part by its name."""
        return {"claims": self.claims, "networks": self.networks}[names]


def refer(devices: Tree, root: etree._Element, names: Map, losses: Losses) -> Iterator[Finding]:
    """Replace what devices are connected to by references, in place; a finding for each that has no name."""
    holder = root.find("devices")
    for listed, kind in KINDS.items():
        entries = devices.get(listed)
        if kind.referred is None or not entries:
            continue
        single = isinstance(entries, dict)
        nodes = [] if holder is None else list(holder.iterfind(str(kind.tag)))
        shared = _shared(nodes) if kind.referred.names == "claims" else frozenset()
        for index, (device, node) in enumerate(zip([entries] if single else entries, nodes, strict=False)):
            place = f"devices.{listed}" + ("" if single else f"[{index}]")
            found = _refer_device(device, kind.referred, _names_of(node), names)
            if not found and _is_open(device, node, kind.referred, names):
                yield _unnamed(place, device, node, kind.referred, shared)
            if "claim" in device and _unlock(device, names):
                if names.conventional:
                    losses.tell(f"{place}.encryption", "has a passphrase, which the XML does not say")
                else:
                    yield _locked(device, f"{place}.encryption")


def _names_of(node: etree._Element) -> list[str]:
    """Every name that a dump has for what a device is connected to, the most telling first."""
    found = _names_of_source(node)
    own = [text for place in _OWN for text in _texts(node, place)]
    found += [*own, *(value.removeprefix(USER_ALIAS) for value in own if value.startswith(USER_ALIAS))]
    return [name for name in dict.fromkeys(found) if name]


def _names_of_source(node: etree._Element) -> list[str]:
    found: list[str] = []
    for source in node.iterfind("source"):
        group = source.get("portgroup")
        if group:
            found += [f"{source.get(name)}/{group}" for name in ("network", "bridge") if source.get(name)] + [group]
            continue
        if source.get("pool") and source.get("volume"):
            # Each pool has volumes of its own.
            found.append(f"{source.get('pool')}/{source.get('volume')}")
        found += [source.get(name, "") for name in _SOURCES]
    return [name for name in found if name]


def _shared(nodes: list[etree._Element]) -> frozenset[str]:
    """The names that several devices have for different sources, so that no claim can go by them."""
    meant: dict[str, set[str]] = {}
    for node in nodes:
        parts = [sorted(each.attrib.items()) for source in node.iterfind("source") for each in source.iter()]
        for name in _names_of_source(node):
            meant.setdefault(name, set()).add(str(parts))
    return frozenset(name for name, sources in meant.items() if len(sources) > 1)


def _texts(node: etree._Element, place: str) -> Iterator[str]:
    """The texts of the elements, or of their attribute, at a place below a node."""
    path, _, attribute = place.partition("/@")
    for found in node.iterfind(path):
        yield (found.get(attribute) if attribute else found.text) or ""


def _refer_device(device: Tree, referred: Referred, said: list[str], names: Map) -> bool:
    """Put the map's name in place of what a device is connected to; whether the map has one."""
    known = names.of(referred.names)
    folded = {key.lower(): key for key in known if key.count(":") == 5}
    # A MAC address is one NIC's, what it is connected to may be many's.
    telling = sorted(said, key=lambda name: name.count(":") != 5)
    key = next((key for name in telling if (key := name if name in known else folded.get(name.lower()))), None)
    if key is None:
        return False
    device.pop(referred.field, None)
    if known[key] is not None:
        device[referred.field] = known[key]
    rest = {name: value for name, value in device.pop("source", {}).items() if name in _KEPT}
    if rest:
        device["source"] = rest
    return True


def _is_open(device: Tree, node: etree._Element, referred: Referred, names: Map) -> bool:
    """Whether a device is connected to something that has no name of Kubernetes' yet."""
    if referred.names == "networks" and not names.conventional:
        return True
    if device.get(referred.field):
        return False
    source = device.get("source", {})
    if any(source.get(name) for name in referred.sources):
        return True
    # What the isolated form has for a device without a claim is read as no source.
    return referred.names == "claims" and not _names_of_source(node) and device.get("device") not in _REMOVABLE


def _unnamed(place: str, device: Tree, node: etree._Element, referred: Referred, shared: frozenset[str]) -> Finding:
    place = f"{place}.source"
    keys = [name for name in _names_of(node) if name not in shared]
    if not keys:
        way = "give the device a MAC address or an alias in the XML, and add that to the map"
        return Finding(place, "has no name by which the map could have it", way, "import")
    way = f"add it to `{referred.names}` of the map: `{_quoted(keys[0])}: NAME`"
    if device.get("type") == "nvme":
        problem = "is a PCI device of the host, for which the map has no name"
        way = f"copy its content into a claim, and {way}"
    elif referred.names == "networks" or keys[0] in _names_of_source(node):
        problem = f"is `{shown(keys[0])}` of the host, for which the map has no name"
    else:
        problem = f"has no name, and the map has none for `{shown(keys[0])}`"
    return Finding(place, problem, way, "import")


def _quoted(name: str) -> str:
    """A name as a key of YAML: in quotes where it has a character that means something there."""
    plain = all(letter.isalnum() or letter in "._/-" for letter in name) and not name.isdigit() and name[0] != "-"
    return shown(name) if plain else f'"{shown(name)}"'


def _unlock(device: Tree, names: Map) -> bool:
    """An encrypted disk's format is its own, its passphrase is a Secret by the map; whether the map has none."""
    source = device.get("source", {})
    encryption = source.pop("encryption", None) or device.get("encryption")
    if "source" in device and not source:
        del device["source"]
    if not encryption:
        return False
    uuids = [secret.get("uuid", "") for secret in encryption.get("secrets", ())]
    secret = next((names.secrets[uuid] for uuid in uuids if uuid in names.secrets), None)
    device["encryption"] = {**encryption, **({"secretName": secret} if secret else {})}
    return secret is None


def _locked(device: Tree, place: str) -> Finding:
    uuid = next((each["uuid"] for each in device["encryption"].get("secrets", ()) if each.get("uuid")), "UUID")
    way = f"add it to `secrets` of the map: `{shown(uuid)}: NAME`"
    return Finding(
        place, "has a passphrase, and the map names no Secret with it: the disk would not open", way, "import"
    )
