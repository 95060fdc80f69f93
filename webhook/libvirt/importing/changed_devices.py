"""Devices of a dump that would become others without what the host says of them, or would not start."""

from __future__ import annotations

from lxml import etree

from webhook.declare import shown
from webhook.domain.devices.disk import shows_alias
from webhook.findings import Finding
from webhook.libvirt.importing.losses import Losses
from webhook.trees import Tree

# What QEMU's 9p device is called: all that is not virtiofs.
_NINE_P = "is 9p, which is another device for the guest than the virtiofs that there is"
_POOLED = "has an address and no model: it is a network function of the host, from a pool of libvirt's"
_MODELLED = (
    "write the `<model>` that the guest shall have instead (a libvirt of before 2013 left it out of every card without "
    "one: on a PC that is `<model type='rtl8139'/>`), or remove it from the XML"
)
_UNDRAWN = "needs OpenGL of the host (`gl` of a display), which is not carried over: the VM would not start"


def change_devices(devices: Tree, root: etree._Element, losses: Losses) -> None:
    """Write out in place what the devices are, and list what they would lose."""
    for index, folder in enumerate(root.iterfind("devices/filesystem")):
        driver = folder.find("driver")
        if driver is None or driver.get("type") != "virtiofs":
            losses.of_guest(f"devices.filesystems[{index}].driver.type", _NINE_P)
    for index, disk in enumerate(devices.get("disks", ())):
        if shows_alias(disk) and disk.get("name"):
            problem = f"is told by libvirt's alias `{shown(disk['name'])}` alone, which another host would change"
            losses.of_guest(f"devices.disks[{index}].serial", problem)
    for index, nic in enumerate(devices.get("interfaces", ())):
        _model(nic, f"devices.interfaces[{index}].model", losses)
    for index, video in enumerate(devices.get("video", ())):
        if (video.get("acceleration") or {}).get("accel3D"):
            way = "write `accel3d='no'`: the guest keeps its device and draws without the host's GPU"
            place = f"devices.video[{index}].acceleration.accel3D"
            losses.guests.append(Finding(place, _UNDRAWN, way, "import"))
    vsock = devices.get("vsock")
    if vsock and vsock.get("cid"):
        vsock["auto"] = True


def _model(nic: Tree, place: str, losses: Losses) -> None:
    """Which model a NIC without one has (libvirt, qemuDomainDeviceNetDefPostParse): a function of the host has none."""
    if nic.get("model") or nic.get("type") == "hostdev":
        return
    if nic.get("type") == "vdpa":
        nic["model"] = "virtio"
    elif nic.get("type") == "network" and nic.get("address"):
        losses.guests.append(Finding(place, _POOLED, _MODELLED, "import"))
    else:
        losses.tell(place, "is not said: it is what libvirt takes on this machine")


def forget_ends(devices: Tree, losses: Losses) -> None:
    """Remove, in place, what refers to a port or an audio backend of the host that the import has left out."""
    audios = {audio.get("id") for audio in devices.get("audios", ())} or {1}
    for listed in ("graphics", "sounds"):
        for index, device in enumerate(devices.get(listed, ())):
            gone = ["audio"] if device.get("audio", 1) not in audios else []
            if device.get("autoport") is False and not {"port", "tlsPort", "socket"} & device.keys():
                gone.append("autoport")
            for name in gone:
                if device.pop(name, None) is not None:
                    losses.of_host(f"devices.{listed}[{index}].{name}")
