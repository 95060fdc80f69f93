"""What libvirt alone places: parts of a document that it has not seen, to which no dump lacks an address."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.domain.address import parts_of
from webhook.domain.bus import PCI
from webhook.domain.root_ports import unfolded
from webhook.expand.addresses.pci import is_plain
from webhook.findings import Finding
from webhook.machines import Machine
from webhook.trees import Tree


def unplaced(devices: Tree, machine: Machine) -> Iterator[Finding]:
    """The first device that libvirt places by what it does before any other, on a machine as libvirt completes it."""
    controllers = devices.get("controllers", ())
    ports = [each for each in controllers if each.get("type") == PCI and not is_root(each)]
    buses = {0} | {each.get("index", 0) for each in unfolded(controllers) if each.get("type") == PCI}
    for place, device in each_device(devices):
        problem = _unseen(device, buses)
        if not device.get("address"):
            listed = place.partition("[")[0]
            behind_bridge = is_plain(machine.bus, listed, device) and (bool(ports) or place == "video[1]")
            port = any(device is each for each in ports)
            problem = "is missing" if behind_bridge or port or _is_placed_first(machine, listed, device) else ""
        if problem:
            yield _not_seen(f"{place}.address", problem)
            return


def without_hubs(before: int, devices: Tree) -> list[Finding]:
    """That devices have found no port on the USB controllers: libvirt adds a hub, this service a controller."""
    if usb_controllers(devices) <= max(before, 1):
        return []
    return [_not_seen("controllers", "has fewer USB ports than there are devices")]


def usb_controllers(devices: Tree) -> int:
    """How many USB controllers there are, a controller with its companions as one."""
    return len({each.get("index") for each in devices.get("controllers", ()) if each.get("type") == "usb"})


def _not_seen(place: str, problem: str) -> Finding:
    way = "let libvirt keep the domain (`virsh define`), and give what `virsh dumpxml --inactive` prints then"
    return Finding(f"spec.domain.devices.{place}", f"{problem}: libvirt has not seen this document", way, "import")


def _is_placed_first(machine: Machine, listed: str, device: Tree) -> bool:
    """Whether a device is placed by a rule of its own: parts of USB 2, card readers, sound, ports and cards."""
    if listed == "controllers":
        usb2 = device.get("type") == "usb" and str(device.get("model")).startswith("ich9-")
        return usb2 or device.get("type") == "ccid"
    if listed == "smartcards" or (listed == "sounds" and device.get("model") == "usb"):
        return True
    if listed == "serials":
        return machine.bus.ports is not None and device.get("target", {}).get("type") == "pci-serial"
    beside = {"interfaces": "virtio", "sounds": "virtio"}.get(listed)
    return machine.bus.kind == "ccw" and beside is not None and device.get("model", beside) != beside


def _unseen(device: Tree, buses: set[int]) -> str:
    """What libvirt would change of a stated place: a bus that is not there, and slot 0 of the first (it is none)."""
    address = parts_of(device)
    if address.get("type") != PCI:
        return ""
    if address["bus"] not in buses:
        return f"is on PCI bus {address['bus']}, for which there is no controller"
    # virPCIDeviceAddressIsEmpty
    return "" if address["domain"] or address["bus"] or address["slot"] else "is no place"


def each_device(devices: Tree) -> Iterator[tuple[str, Tree]]:
    """Every device with its place among them."""
    for listed, entries in devices.items():
        if type(entries) is dict:
            yield listed, entries
        else:
            yield from ((f"{listed}[{index}]", device) for index, device in enumerate(entries))


def is_root(controller: Tree) -> bool:
    """Whether a controller is a root bus of PCI."""
    return str(controller.get("model")).endswith("-root")
