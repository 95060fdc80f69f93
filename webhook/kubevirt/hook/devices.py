"""The devices of a domain's XML: what each is called in a frozen machine, and what place it asks for.

KubeVirt names a device by the alias `ua-NAME`; one without is the only one of its kind and number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from webhook.kubevirt.keeping.free_places import BRIDGE, PORT, ROOT
from webhook.kubevirt.starting.devices import CONVENTIONAL_CARDS

_USER = "ua-"
_PASSED_CARD = "sriov-"
_TRANSITIONAL = "virtio-transitional"


def named(devices: Element) -> Iterator[tuple[str, Element]]:
    """Every device with its name; of several without a name of their own the later ones have ticks behind it."""
    seen: set[str] = set()
    alike: Counter[str] = Counter()
    for device in devices:
        own = _name(device)
        name = own + "'" * alike[own]
        while name in seen:
            name += "'"
        seen.add(name)
        alike[own] = len(name) - len(own) + 1
        yield name, device


def is_placeholder(device: Element) -> bool:
    """Whether this is a card by which KubeVirt holds a root port."""
    return device.tag == "interface" and _alias(device).startswith("placeholder-")


def _alias(device: Element) -> str:
    alias = device.find("alias")
    return "" if alias is None else alias.get("name", "")


def _name(device: Element) -> str:
    alias = _alias(device)
    if alias.startswith(_USER):
        name = alias[len(_USER) :]
        if device.tag == "hostdev" and name.startswith(_PASSED_CARD):
            return f"interface {name[len(_PASSED_CARD) :]}"
        return f"{device.tag} {name}"
    if device.tag == "controller":
        return f"{device.get('type')}{device.get('index')}"
    target = device.find("target")
    if device.tag in ("channel", "filesystem") and target is not None:
        return f"{device.tag} {target.get('name') or target.get('dir')}"
    return " ".join(filter(None, (device.tag, device.get("type", "") if device.tag == "input" else "")))


def need(device: Element) -> str:
    """What place a device asks for; empty where the machine has one for it, or it has none."""
    asks = _NEEDS.get(device.tag)
    kind = "" if asks is None else asks(device)
    if kind == PORT and _TRANSITIONAL in (device.get("model"), model_of(device)):
        return BRIDGE
    return kind


def model_of(device: Element) -> str:
    """The type of a device's element `model`."""
    model = device.find("model")
    return "" if model is None else model.get("type", "")


def _disk(device: Element) -> str:
    target = device.find("target")
    bus = "" if target is None else target.get("bus", "")
    return PORT if bus == "virtio" else bus if bus in ("sata", "scsi", "usb", "ide") else ""


def _card(device: Element) -> str:
    model = model_of(device)
    return BRIDGE if model in CONVENTIONAL_CARDS else "usb" if model == "usb-net" else PORT


def _controller(device: Element) -> str:
    kind, model = device.get("type", ""), device.get("model", "")
    if kind == "usb":
        return PORT if model in ("qemu-xhci", "nec-xhci") else ""
    if kind == "scsi":
        return PORT if model.startswith("virtio") else BRIDGE
    if kind == "sata":
        return BRIDGE if device.get("index") != "0" else ""
    return PORT if kind == "virtio-serial" else ""


def _passed(device: Element) -> str:
    if device.get("type") == "mdev":
        return PORT if device.get("model", "vfio-pci") == "vfio-pci" else ""
    return {"pci": PORT, "usb": "usb"}.get(device.get("type", ""), "")


def _sound(device: Element) -> str:
    model = device.get("model", "")
    return {"ich9": ROOT, "ich6": BRIDGE, "ac97": BRIDGE, "es1370": BRIDGE, "virtio": PORT, "usb": "usb"}.get(model, "")


def _virtio(device: Element) -> str:
    return PORT if device.get("model", "").startswith("virtio") else ""


def _by_bus(device: Element) -> str:
    return {"virtio": PORT, "usb": "usb"}.get(device.get("bus", ""), "")


def _serial(device: Element) -> str:
    target = device.find("target")
    return "virtio-serial" if target is not None and target.get("type") == "virtio" else ""


_NEEDS: dict[str, Callable[[Element], str]] = {
    "disk": _disk,
    "interface": _card,
    "controller": _controller,
    "hostdev": _passed,
    "memballoon": _virtio,
    "rng": _virtio,
    "vsock": lambda _: PORT,
    "filesystem": lambda _: PORT,
    "memory": _virtio,
    "input": _by_bus,
    "sound": _sound,
    "watchdog": lambda device: BRIDGE if device.get("model") == "i6300esb" else "",
    "video": lambda device: "" if model_of(device) == "none" else ROOT,
    "redirdev": _by_bus,
    "hub": lambda _: "usb",
    "channel": _serial,
    "console": _serial,
}
