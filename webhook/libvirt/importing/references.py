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
        nodes = [] if holder is None else holder.iterfind(str(kind.tag))
        for index, (device, node) in enumerate(zip([entries] if single else entries, nodes, strict=False)):
            place = f"devices.{listed}" + ("" if single else f"[{index}]")
            yield from _refer_device(device, kind.referred, _names_of(node), (names, place))
            if "claim" in device and _unlock(device, names):
                if names.conventional:
                    losses.tell(f"{place}.encryption", "has a passphrase, which the XML does not say")
                else:
                    yield _locked(device, f"{place}.encryption")


def _names_of(node: etree._Element) -> list[str]:
    """Every name that a dump has for what a device is connected to, the most telling first."""
    found: list[str] = []
    for source in node.iterfind("source"):
        group = source.get("portgroup")
        if group:
            found += [f"{source.get(name)}/{group}" for name in ("network", "bridge") if source.get(name)] + [group]
            continue
        found += [source.get(name, "") for name in _SOURCES]
        if source.get("pool") and source.get("volume"):
            found.append(f"{source.get('pool')}/{source.get('volume')}")
    own = [text for place in _OWN for text in _texts(node, place)]
    found += [*own, *(value.removeprefix(USER_ALIAS) for value in own if value.startswith(USER_ALIAS))]
    return [name for name in dict.fromkeys(found) if name]


def _texts(node: etree._Element, place: str) -> Iterator[str]:
    """The texts of the elements, or of their attribute, at a place below a node."""
    path, _, attribute = place.partition("/@")
    for found in node.iterfind(path):
        yield (found.get(attribute) if attribute else found.text) or ""


def _refer_device(device: Tree, referred: Referred, said: list[str], where: tuple[Map, str]) -> Iterator[Finding]:
    names, place = where
    known = names.of(referred.names)
    folded = {key.lower(): key for key in known if key.count(":") == 5}
    # A MAC address is one NIC's, what it is connected to may be many's.
    telling = sorted(said, key=lambda name: name.count(":") != 5)
    key = next((key for name in telling if (key := name if name in known else folded.get(name.lower()))), None)
    source = device.get("source", {})
    if key is not None:
        device.pop(referred.field, None)
        if known[key] is not None:
            device[referred.field] = known[key]
        rest = {name: value for name, value in source.items() if name in _KEPT}
        device.pop("source", None)
        if rest:
            device["source"] = rest
        return
    is_open = any(source.get(name) for name in referred.sources) and not device.get(referred.field)
    if is_open or (referred.names == "networks" and not names.conventional):
        yield _unnamed(place, said, referred)


def _unnamed(place: str, said: list[str], referred: Referred) -> Finding:
    if not said:
        way = "give the device a MAC address or an alias in the XML, and add that to the map"
        return Finding(f"{place}.source", "has no name by which the map could have it", way, "import")
    problem = f"is `{shown(said[0])}` of the host, for which the map has no name"
    way = f"add it to `{referred.names}` of the map: `{_quoted(said[0])}: NAME`"
    return Finding(f"{place}.source", problem, way, "import")


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
