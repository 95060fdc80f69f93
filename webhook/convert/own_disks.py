"""Disks, cards and folders of a complete VM of ours as KubeVirt's, with their volumes and networks."""

from __future__ import annotations

from dataclasses import dataclass, field

from webhook.convert.converted import Converted
from webhook.convert.kubevirt_seeds import DATASOURCES
from webhook.convert.ledger import Keys, Ledger
from webhook.declare import shown
from webhook.kubevirt.starting.layout import port_of
from webhook.trees import Tree

_PATH = "spec.domain.devices"
_BUSES = ("virtio", "scsi", "sata", "usb")
# Buses on which KubeVirt counts: the order of the list is the place.
_COUNTED = ("sata", "scsi")
MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "pcnet", "ne2k_pci")
_SOURCES = {datasource: source for source, datasource in DATASOURCES.items()}
SIZES = {"logical": "logicalBlockSize", "physical": "physicalBlockSize", "discardGranularity": "discardGranularity"}


@dataclass(slots=True)
class Carrying:
    """What is carried so far, and the places: `keeps` says that the addresses are those of KubeVirt's root ports."""

    ledger: Ledger
    made: Converted
    keeps: bool
    devices: Tree = field(default_factory=dict)
    volumes: list[Tree] = field(default_factory=list)
    networks: list[Tree] = field(default_factory=list)
    # Devices that get another place than they have.
    chosen: list[str] = field(default_factory=list)

    def place(self, at: Keys, name: str, *, stated: bool) -> str:
        """The address that a device keeps; empty where it gets one. `stated`: whether KubeVirt has a field for it."""
        address = self.ledger.take(*at, "address")
        if self.keeps and stated and type(address) is str and port_of(address):
            return address
        if address and (stated or not self.keeps):
            self.chosen.append(name)
        return ""

    def copy(self, at: Keys, into: Tree, names: dict[str, str]) -> None:
        """Carry values under their names there, as far as there are any."""
        for own, name in names.items():
            value = self.ledger.take(*at, *own.split("."))
            if value:
                into[name] = value


def disks(carrying: Carrying) -> None:
    """Every disk with its volume, in the order in which KubeVirt counts."""
    ledger, found = carrying.ledger, []
    for index in range(ledger.count("devices", "disks")):
        at = ("devices", "disks", index)
        device, bus = ledger.says(*at, "device"), ledger.says(*at, "target", "bus")
        if device in ("disk", "cdrom") and bus in _BUSES:
            found.append((_order(bus, str(ledger.says(*at, "address"))), _disk(carrying, at, device, bus)))
    if not carrying.keeps:
        found.sort(key=lambda each: each[0])
    if found:
        listed = carrying.devices["disks"] = [disk for _, disk in found]
        names = [disk["name"] for disk in listed]
        carrying.volumes.sort(key=lambda volume: names.index(volume["name"]))


def _disk(carrying: Carrying, at: Keys, device: str, bus: str) -> Tree:
    ledger = carrying.ledger
    name = str(ledger.take(*at, "name"))
    for taken in (("device",), ("target", "bus"), ("target", "dev")):
        ledger.take(*at, *taken)
    target: Tree = {"bus": bus}
    # A CD-ROM drive is read-only without a word.
    if ledger.flag(*at, "readonly") and device == "disk":
        target["readonly"] = True
    if device == "cdrom" and ledger.says(*at, "target", "tray"):
        target["tray"] = ledger.take(*at, "target", "tray")
    place = carrying.place(at, name, stated=device == "disk" and bus == "virtio")
    if place:
        target["pciAddress"] = place
    disk: Tree = {"name": name, device: target}
    carrying.copy(at, disk, {"bootOrder": "bootOrder", "serial": "serial"})
    sizes: Tree = {}
    carrying.copy((*at, "blockio"), sizes, {own: key for key, own in SIZES.items()})
    if sizes:
        disk["blockSize"] = {"custom": sizes}
    if ledger.says(*at, "seed") in _SOURCES and ledger.says(*at, "secret"):
        problem = "is user data there: where it has network data as well, name it in `networkDataSecretRef`, too"
        carrying.made.tell(f"{_PATH}.disks[{at[-1]}].secret", problem)
    volume = _volume(ledger, at)
    if volume is None:
        problem = "has nothing in it, and KubeVirt takes no drive without a volume"
        carrying.made.lose(f"{_PATH}.disks[{at[-1]}]", problem, "name a claim, or remove the disk")
    else:
        carrying.volumes.append({"name": name, **volume})
    return disk


def _order(bus: str, address: str) -> tuple[str, list[int]]:
    if bus not in _COUNTED:
        return "", []
    return bus, [int(part) for part in address.split(":")[1:] if part.isdecimal()]


def _volume(ledger: Ledger, at: Keys) -> Tree | None:
    claim = ledger.text(*at, "claim")
    if claim:
        return {"persistentVolumeClaim": {"claimName": claim}}
    seed = ledger.says(*at, "seed")
    if seed in _SOURCES and ledger.says(*at, "secret"):
        ledger.take(*at, "seed")
        return {_SOURCES[seed]: {"secretRef": {"name": ledger.take(*at, "secret")}}}
    if seed == "Sysprep":
        ledger.take(*at, "seed")
        kind = "secret" if ledger.says(*at, "secret") else "configMap"
        return {"sysprep": {kind: {"name": ledger.take(*at, kind)}}}
    # What is left of another seed is said: KubeVirt makes cloud-init's of Secrets alone.
    return {} if seed else None


def cards(carrying: Carrying) -> None:
    """Every card with its network."""
    count = carrying.ledger.count("devices", "interfaces")
    found = [_card(carrying, ("devices", "interfaces", index)) for index in range(count)]
    if sum("pod" in network for network in carrying.networks) > 1:
        way = "name a network for all but one of them"
        problem = "has several cards on the pod's own network, where KubeVirt takes one"
        carrying.made.lose(f"{_PATH}.interfaces", problem, way)
    if found:
        carrying.devices["interfaces"] = found
    else:
        carrying.devices["autoattachPodInterface"] = False


def _card(carrying: Carrying, at: Keys) -> Tree:
    ledger = carrying.ledger
    name, network = str(ledger.take(*at, "name")), ledger.text(*at, "network")
    binding = "sriov" if ledger.flag(*at, "sriov") else "bridge" if network else "masquerade"
    card: Tree = {"name": name, binding: {}}
    carrying.networks.append({"name": name, **({"multus": {"networkName": network}} if network else {"pod": {}})})
    if ledger.says(*at, "model") in MODELS:
        card["model"] = ledger.take(*at, "model")
    carrying.copy(at, card, _OF_CARDS)
    if "bootOrder" not in card and ledger.says(*at, "rom", "enabled") is False:
        # So is that of every card there that has no turn at boot.
        ledger.take(*at, "rom", "enabled")
    place = carrying.place(at, name, stated=True)
    if place:
        card["pciAddress"] = place
    return card


_OF_CARDS = {"mac.address": "macAddress", "bootOrder": "bootOrder", "acpiIndex": "acpiIndex", "link": "state"}


def filesystems(carrying: Carrying) -> None:
    """Folders, whose tag is their name there."""
    ledger, found = carrying.ledger, []
    for index in range(ledger.count("devices", "filesystems")):
        at = ("devices", "filesystems", index)
        tag, claim = ledger.says(*at, "target"), ledger.says(*at, "claim")
        if claim and type(tag) is str and tag.replace("-", "").isalnum() and tag.islower():
            for name in ("target", "claim", "name", "address"):
                ledger.take(*at, name)
            found.append({"name": tag, "virtiofs": {}})
            carrying.volumes.append({"name": tag, "persistentVolumeClaim": {"claimName": claim}})
    if found:
        carrying.devices["filesystems"] = found


def tell_places(carrying: Carrying) -> None:
    """Which disks and cards the guest finds elsewhere."""
    if carrying.chosen:
        listed = ", ".join(f"`{shown(name)}`" for name in carrying.chosen)
        problem = f"have places of KubeVirt's layout there: the guest finds {listed} elsewhere, once"
        carrying.made.tell(_PATH, problem)
