"""The devices of a KubeVirt instance as the words of `spec.features`, and beside them what those have no word for."""

from __future__ import annotations

from webhook.convert.converted import Converted
from webhook.convert.ledger import Keys, Ledger
from webhook.declare import shown
from webhook.domain.names import label
from webhook.kubevirt.starting.devices import TARGETS
from webhook.kubevirt.starting.layout import port_of
from webhook.trees import Tree

_AT: Keys = ("domain", "devices")
# libvirt: units of a SATA controller.
_SATA_UNITS = 6
_PATH = "spec.template.spec.domain.devices"
INTERFACES = {"virtio": "virtio", "scsi": "virtio-scsi", "sata": "sata", "usb": "usb"}
# Models that `spec.features.network` has a word for; the domain has all.
MODELS = ("virtio", "e1000e", "e1000", "rtl8139")


def carry(ledger: Ledger, spec: Tree, made: Converted) -> None:
    """Everything but disks: `without_volume` and `webhook.convert.kubevirt_seeds` have those."""
    features, devices = spec["features"], spec["domain"].setdefault("devices", {})
    _switches(ledger, features, devices)
    _networks(ledger, spec, made)
    _disks(ledger, spec, made)
    _passed(ledger, features, made)
    _filesystems(ledger, features)
    _named(ledger, devices)
    _ports(spec)


def _switches(ledger: Ledger, features: Tree, devices: Tree) -> None:
    """What is there or not. The agent's channel KubeVirt gives every guest."""
    shows = ledger.flag(*_AT, "autoattachGraphicsDevice") is not False
    features["graphics"] = "vnc" if shows else False
    features["console"] = ledger.flag(*_AT, "autoattachSerialConsole") is not False
    features["balloon"] = ledger.flag(*_AT, "autoattachMemBalloon") is not False
    features["guestAgent"] = True
    if ledger.empty(*_AT, "rng"):
        features["rng"] = True
    if ledger.has(*_AT, "tpm"):
        features["tpm"] = ledger.flag(*_AT, "tpm", "enabled") is not False
        if ledger.says(*_AT, "tpm", "persistent") is True:
            ledger.take(*_AT, "tpm", "persistent")
        ledger.empty(*_AT, "tpm")
    video = ledger.text(*_AT, "video", "type") or ("vga" if features["system"].get("arch") == "x86_64" else "virtio")
    if shows:
        devices["video"] = [{"name": "video", "type": video}]
    if ledger.flag(*_AT, "autoattachVSOCK"):
        devices["vsock"] = {"auto": True}
    # They are stated by now, as KubeVirt adds them.
    for name in ("autoattachInputDevice", "autoattachPodInterface"):
        ledger.flag(*_AT, name)


def _networks(ledger: Ledger, spec: Tree, made: Converted) -> None:
    known = _known_networks(ledger)
    # An s390x has no option ROMs.
    with_rom = spec["features"]["system"].get("arch") != "s390x"
    places = [(*_AT, "interfaces", at) for at in range(ledger.count(*_AT, "interfaces"))]
    pairs = [_card(ledger, at, known, made, with_rom=with_rom) for at in places]
    stated = [own for _, own in pairs if len(own) > 1]
    if pairs:
        spec["features"]["network"] = [card for card, _ in pairs]
    if stated:
        spec["domain"]["devices"]["interfaces"] = stated


def _known_networks(ledger: Ledger) -> dict[str, Tree]:
    known: dict[str, Tree] = {}
    for index in range(ledger.count("networks")):
        where = ("networks", index)
        name, network = ledger.text(*where, "name") or "", ledger.text(*where, "multus", "networkName")
        if network:
            known[name] = {"source": network}
        elif ledger.has(*where, "pod"):
            known[name] = {"type": "pod"}
            ledger.empty(*where, "pod")
    return known


def _card(ledger: Ledger, at: Keys, known: dict[str, Tree], made: Converted, *, with_rom: bool) -> tuple[Tree, Tree]:
    """A card as `spec.features.network` has it, and what only the domain has a word for."""
    place = f"{_PATH}.interfaces[{at[-1]}].name"
    name = ledger.text(*at, "name") or ""
    card: Tree = {"name": named(name, place, made), **known.get(name, {})}
    own: Tree = {"name": card["name"]}
    if name not in known:
        made.lose(place, f"`{shown(name)}` is on no network that can be carried")
    if ledger.empty(*at, "sriov"):
        card["type"] = "sriov"
    elif card.get("type") == "pod":
        _binding(ledger, at, made)
    else:
        ledger.empty(*at, "bridge")
    model = ledger.text(*at, "model") or ("" if card.get("type") == "sriov" else "virtio")
    if model:
        (card if model in MODELS else own)["model"] = model
    _identity(ledger, at, card, own)
    if with_rom and card.get("type") != "sriov" and "bootOrder" not in card:
        # KubeVirt turns the option ROM off of a card that has no turn at boot (converter/network: withROMDisabled).
        own["rom"] = {"enabled": False}
    return card, own


def _binding(ledger: Ledger, at: Keys, made: Converted) -> None:
    """A card on the pod's network: who runs the VM here says how it is connected."""
    if ledger.empty(*at, "bridge"):
        place = f"{_PATH}.interfaces[{at[-1]}].bridge"
        made.tell(place, "is not carried over: how the pod's own network is reached is the site's")
    ledger.empty(*at, "masquerade")


def _identity(ledger: Ledger, at: Keys, card: Tree, own: Tree) -> None:
    mac, order = ledger.text(*at, "macAddress"), ledger.number(*at, "bootOrder")
    if mac:
        # KubeVirt takes what Go's `ParseMAC` does: pairs with `-`, too.
        card["mac"] = mac.replace("-", ":")
    if order:
        card["bootOrder"] = order
    index, address = ledger.number(*at, "acpiIndex"), ledger.says(*at, "pciAddress")
    if index:
        own["acpiIndex"] = index
    if type(address) is str and port_of(address):
        own["address"] = ledger.take(*at, "pciAddress")
    if ledger.says(*at, "state") in ("up", "down"):
        own["link"] = ledger.take(*at, "state")


def _disks(ledger: Ledger, spec: Tree, made: Converted) -> None:
    """The drives; what is in them the volumes say."""
    drives, stated, lettered = [], [], 0
    for index in range(ledger.count(*_AT, "disks")):
        at = (*_AT, "disks", index)
        volume = ledger.text(*at, "name") or ""
        name = named(volume, f"{_PATH}.disks[{index}].name", made)
        target = next((target for target in TARGETS[::2] if ledger.has(*at, target)), "")
        drive: Tree = {"name": name, "type": target or "disk"}
        own: Tree = {"name": name}
        bus = ledger.says(*at, target, "bus") if target else "sata"
        if bus in INTERFACES:
            drive["interface"] = INTERFACES[bus]
            ledger.take(*at, target or "disk", "bus")
        _drive(ledger, at, target, (drive, own))
        if bus != "virtio":
            # KubeVirt counts all of these, whatever their bus, and their letter is their unit.
            own |= _unit(str(bus), lettered)
            lettered += 1
        drives.append((volume, drive))
        # The order of the list is kept, too, by stating every disk.
        stated.append(own)
    spec["features"]["storage"] = [{**drive, "volume": volume} for volume, drive in drives]
    if stated:
        spec["domain"]["devices"]["disks"] = stated


def _unit(bus: str, letter: int) -> Tree:
    if bus == "sata":
        return {"address": f"drive:{letter // _SATA_UNITS}:0:0:{letter % _SATA_UNITS}"}
    return {"address": f"drive:0:0:0:{letter}"} if bus == "scsi" else {}


def _drive(ledger: Ledger, at: Keys, target: str, said: tuple[Tree, Tree]) -> None:
    drive, own = said
    order, serial = ledger.number(*at, "bootOrder"), ledger.text(*at, "serial")
    if order:
        drive["bootOrder"] = order
    if serial:
        drive["serial"] = serial
    if target == "disk" and ledger.flag(*at, target, "readonly"):
        drive["readonly"] = True
    elif target == "cdrom" and ledger.says(*at, target, "readonly") is True:
        ledger.take(*at, target, "readonly")
    if target == "cdrom" and ledger.says(*at, target, "tray") in ("open", "closed"):
        own["target"] = {"tray": ledger.take(*at, target, "tray")}
    address = ledger.says(*at, "disk", "pciAddress")
    if type(address) is str and port_of(address):
        own["address"] = ledger.take(*at, "disk", "pciAddress")
    sizes = {
        field: size
        for name, field in _SIZES.items()
        if (size := ledger.number(*at, "blockSize", "custom", name)) is not None
    }
    if sizes:
        own["blockio"] = sizes
    if target:
        ledger.empty(*at, target)


_SIZES = {
    "logical": "logicalBlockSize",
    "physical": "physicalBlockSize",
    "discardGranularity": "discardGranularity",
}


def without_volume(ledger: Ledger, spec: Tree, made: Converted) -> None:
    """What is in each drive: a claim, nothing, or what a seed took already."""
    volumes = {ledger.says("volumes", index, "name"): index for index in range(ledger.count("volumes"))}
    kept = []
    for drive in spec["features"].pop("storage"):
        volume = drive.pop("volume")
        index = volumes.get(volume)
        if index is None:
            if drive["type"] == "cdrom":
                kept.append(drive)
            elif not any(seed.get("name") == drive["name"] for seed in spec["features"].get("seed", ())):
                made.lose(f"{_PATH}.disks", f"`{shown(volume)}` has no volume", "add the volume, or remove the disk")
            continue
        at = ("volumes", index)
        claim = ledger.text(*at, "persistentVolumeClaim", "claimName") or ledger.text(*at, "dataVolume", "name")
        if ledger.flag(*at, "persistentVolumeClaim", "readOnly") and drive["type"] == "disk":
            drive["readonly"] = True
        if claim:
            ledger.take(*at, "name")
            kept.append({**drive, "source": claim})
        elif ledger.has(*at, "emptyDisk"):
            ledger.take(*at, "name")
            kept.append({**drive, "blank": True})
            ledger.empty(*at, "emptyDisk")
        else:
            ledger.take(*at, "name")
    _boot(spec, kept)
    if kept:
        spec["features"]["storage"] = kept


def _boot(spec: Tree, drives: list[Tree]) -> None:
    """What libvirt takes where nothing has a turn at boot: the first disk, and nothing after it."""
    if any("bootOrder" in each for each in (*drives, *spec["features"].get("network", ()))):
        return
    disk = next((drive for drive in drives if drive["type"] == "disk"), None)
    if disk is None:
        spec["domain"].setdefault("os", {})["boot"] = [{"dev": "hd"}]
    else:
        disk["bootOrder"] = 1


def _passed(ledger: Ledger, features: Tree, made: Converted) -> None:
    found: list[Tree] = []
    for kind in ("hostDevices", "gpus"):
        for index in range(ledger.count(*_AT, kind)):
            resource = ledger.text(*_AT, kind, index, "deviceName")
            if resource:
                if kind == "gpus":
                    problem = "is a device like those of `hostDevices` here, and comes back as one of these"
                    made.tell(f"{_PATH}.gpus[{index}]", problem)
                name = ledger.text(*_AT, kind, index, "name") or ""
                found.append({"name": label(name) or f"{kind.lower()}-{index}", "resource": resource})
    if found:
        features["devices"] = found


def _filesystems(ledger: Ledger, features: Tree) -> None:
    found = []
    for index in range(ledger.count(*_AT, "filesystems")):
        name = ledger.says(*_AT, "filesystems", index, "name")
        volume = next((at for at in range(ledger.count("volumes")) if ledger.says("volumes", at, "name") == name), None)
        if volume is None:
            continue
        where = ("volumes", volume)
        claim = ledger.text(*where, "persistentVolumeClaim", "claimName") or ledger.text(*where, "dataVolume", "name")
        if claim and ledger.empty(*_AT, "filesystems", index, "virtiofs"):
            ledger.take(*_AT, "filesystems", index, "name")
            ledger.take(*where, "name")
            found.append({"name": label(str(name)), "claim": claim, "tag": name})
    if found:
        features["filesystems"] = found


def _named(ledger: Ledger, devices: Tree) -> None:
    """Input devices, the watchdog, the sound card, panic notifiers."""
    inputs = []
    for index in range(ledger.count(*_AT, "inputs")):
        at = (*_AT, "inputs", index)
        kind = ledger.text(*at, "type") or "tablet"
        name = label(ledger.text(*at, "name") or "") or f"input-{index}"
        inputs.append({"name": name, "type": kind, "bus": ledger.text(*at, "bus") or "usb"})
    if inputs:
        devices["inputs"] = inputs
    dog: Keys = (*_AT, "watchdog")
    for model in ("i6300esb", "diag288"):
        if ledger.has(*dog, model):
            action = ledger.text(*dog, model, "action") or "reset"
            ledger.empty(*dog, model)
            name = label(ledger.text(*dog, "name") or "") or "watchdog"
            devices["watchdogs"] = [{"name": name, "model": model, "action": action}]
    card: Keys = (*_AT, "sound")
    if ledger.has(*card):
        name = label(ledger.text(*card, "name") or "") or "sound"
        devices["sounds"] = [{"name": name, "model": ledger.text(*card, "model") or "ich9"}]
        ledger.empty(*card)
    panics = [ledger.text(*_AT, "panicDevices", index, "model") for index in range(ledger.count(*_AT, "panicDevices"))]
    if any(panics):
        devices["panics"] = [{"name": f"panic-{at}", "model": model} for at, model in enumerate(panics) if model]


def _ports(spec: Tree) -> None:
    """The root ports that stated places are on, as KubeVirt has them: one a bus, in turn."""
    devices = spec["domain"]["devices"]
    stated = [entry.get("address") or "" for kind in ("interfaces", "disks") for entry in devices.get(kind, ())]
    last = max((port_of(address) or 0 for address in stated if not address.startswith("drive")), default=0)
    if last:
        ports = [{"type": "pci", "index": index, "model": "pcie-root-port"} for index in range(1, last + 1)]
        devices["controllers"] = [{"type": "pci", "index": 0, "model": "pcie-root"}, *ports]


def named(name: str, path: str, made: Converted) -> str:
    """A device's name here; where it has to be another one, that is told."""
    known = label(name) or "device"
    if known != name:
        made.tell(path, f"is `{shown(name)}`, and `{known}` here")
    return known
