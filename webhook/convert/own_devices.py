"""The devices of a complete VM of ours as KubeVirt's: what is there or not, and single devices with a name."""

from __future__ import annotations

from webhook.convert.converted import Converted
from webhook.convert.ledger import Keys, Ledger
from webhook.convert.own_disks import Carrying, cards, disks, filesystems, tell_places
from webhook.trees import Tree

_AT: Keys = ("devices",)
_WATCHDOGS, _ACTIONS = ("i6300esb", "diag288"), ("reset", "poweroff", "shutdown")
_SOUNDS = ("ich9", "ac97")
_VIDEO = ("vga", "bochs", "virtio", "cirrus", "ramfb")
# KubeVirt's own, where nothing is said.
_USUAL_VIDEO = {"amd64": "vga"}
_AGENT = "org.qemu.guest_agent.0"


def carry(ledger: Ledger, instance: Tree, made: Converted, *, keeps_places: bool) -> None:
    """All devices. `keeps_places`: the VM comes from KubeVirt, and its addresses are those of KubeVirt's root ports."""
    carrying = Carrying(ledger, made, keeps_places)
    devices = instance["domain"]["devices"] = carrying.devices
    disks(carrying)
    cards(carrying)
    filesystems(carrying)
    _screen(ledger, devices, instance.get("architecture", ""))
    _switches(ledger, devices)
    _tpm(carrying, instance.get("architecture", ""))
    _inputs(ledger, devices)
    _single(ledger, devices)
    _passed(ledger, devices)
    _without_places(ledger)
    tell_places(carrying)
    if carrying.networks:
        instance["networks"] = carrying.networks
    if carrying.volumes:
        instance["volumes"] = carrying.volumes


def _screen(ledger: Ledger, devices: Tree, arch: str) -> None:
    shows = devices["autoattachGraphicsDevice"] = ledger.count(*_AT, "graphics") > 0
    if ledger.says(*_AT, "graphics", 0, "type") == "vnc":
        _take(ledger, "graphics", ("type", "name"))
    video = ledger.says(*_AT, "video", 0, "type")
    if shows and video in _VIDEO:
        _take(ledger, "video", ("type", "name", "vram", "primary"))
        if video != _USUAL_VIDEO.get(arch, "virtio"):
            devices["video"] = {"type": video}
    elif not shows and ledger.count(*_AT, "video") == 1 and video == "none":
        _take(ledger, "video", ("type", "name"))


def _take(ledger: Ledger, kind: str, names: tuple[str, ...]) -> None:
    for name in names:
        ledger.take(*_AT, kind, 0, name)


def _switches(ledger: Ledger, devices: Tree) -> None:
    devices["autoattachSerialConsole"] = bool(ledger.count(*_AT, "serials") or ledger.count(*_AT, "consoles"))
    for kind, usual in (("serials", "pty"), ("consoles", "pty"), ("audios", "none")):
        if ledger.says(*_AT, kind, 0, "type") == usual:
            ledger.take(*_AT, kind, 0)
    for index in range(ledger.count(*_AT, "channels")):
        if ledger.says(*_AT, "channels", index, "target", "name") == _AGENT:
            ledger.take(*_AT, "channels", index)
    balloon = ledger.says(*_AT, "memballoon", "model")
    devices["autoattachMemBalloon"] = balloon not in (None, "none")
    if balloon in ("virtio", "none"):
        ledger.take(*_AT, "memballoon", "model")
    if ledger.says(*_AT, "rng", "model") == "virtio":
        ledger.take(*_AT, "rng", "model")
        ledger.take(*_AT, "rng", "backend")
        devices["rng"] = {}
    if ledger.flag(*_AT, "vsock", "auto"):
        ledger.take(*_AT, "vsock", "model")
        devices["autoattachVSOCK"] = True


def _tpm(carrying: Carrying, arch: str) -> None:
    """An emulated TPM 2.0. Silence is libvirt's (qemuDomainTPMDefPostParse): a PC's tpm-tis is 1.2, any other 2.0."""
    ledger, at = carrying.ledger, (*_AT, "tpm")
    if not ledger.has(*at) or ledger.says(*at, "backend") not in (None, "emulator"):
        return
    usual = "1.2" if arch == "amd64" and ledger.says(*at, "model") in (None, "tpm-tis") else "2.0"
    if not ledger.has(*at, "version") and usual != "2.0":
        way = "state `version: '2.0'` where the guest can do with another TPM, or remove it"
        carrying.made.lose(
            "spec.domain.devices.tpm.version", "is not said, and is 1.2: KubeVirt emulates a TPM 2.0", way
        )
    elif ledger.says(*at, "version") in (None, "2.0"):
        kept = ledger.flag(*at, "persistentState")
        for name in ("version", "backend", "model"):
            ledger.take(*at, name)
        carrying.devices["tpm"] = {"persistent": True} if kept else {}


def _inputs(ledger: Ledger, devices: Tree) -> None:
    found = []
    for index in range(ledger.count(*_AT, "inputs")):
        at = (*_AT, "inputs", index)
        kind, bus = ledger.says(*at, "type"), ledger.says(*at, "bus")
        if bus == "ps2":
            # A PC has them without a word.
            ledger.take(*at)
        elif kind == "tablet" and bus in ("usb", "virtio"):
            found.append({name: ledger.take(*at, name) for name in ("name", "type", "bus")})
    if found:
        devices["inputs"] = found


def _single(ledger: Ledger, devices: Tree) -> None:
    """One watchdog and one sound card; panic notifiers."""
    dog, card = (*_AT, "watchdogs", 0), (*_AT, "sounds", 0)
    model = ledger.says(*dog, "model")
    if model in _WATCHDOGS and ledger.says(*dog, "action") in _ACTIONS:
        ledger.take(*dog, "model")
        devices["watchdog"] = {"name": ledger.take(*dog, "name"), model: {"action": ledger.take(*dog, "action")}}
    if ledger.says(*card, "model") in _SOUNDS:
        devices["sound"] = {"name": ledger.take(*card, "name"), "model": ledger.take(*card, "model")}
    models = [ledger.take(*_AT, "panics", index, "model") for index in range(ledger.count(*_AT, "panics"))]
    if models:
        devices["panicDevices"] = [{"model": model} for model in models]


def _passed(ledger: Ledger, devices: Tree) -> None:
    found = []
    for index in range(ledger.count(*_AT, "hostdevs")):
        resource = ledger.text(*_AT, "hostdevs", index, "device")
        if resource:
            found.append({"name": ledger.take(*_AT, "hostdevs", index, "name"), "deviceName": resource})
    if found:
        devices["hostDevices"] = found


def _without_places(ledger: Ledger) -> None:
    """Where these are KubeVirt says, as is told of the controllers."""
    for kind in ("memballoon", "rng", "tpm", "vsock"):
        for name in ("name", "address"):
            ledger.take(*_AT, kind, name)
    for kind in ("video", "inputs", "watchdogs", "sounds", "hostdevs", "panics"):
        for index in range(ledger.count(*_AT, kind)):
            ledger.take(*_AT, kind, index, "address")
