"""Where a guest finds each device: the way from the root of the machine, as libvirt's XML says it."""

from __future__ import annotations

from lxml import etree

Places = dict[str, str]


def places(xml: str) -> Places:
    """Each device's place by its name.

    A PCI device's is the way through root ports and bridges: what the guest sees of it.
    """
    devices = etree.fromstring(xml).find("devices")
    assert devices is not None
    buses = _buses(devices)
    found: Places = {}
    for device in devices:
        address = device.find("address")
        if address is None or (device.tag == "controller" and device.get("type") == "pci"):
            continue
        name = _name(device)
        while name in found:
            name += "'"
        found[name] = _way(address, buses)
    return found


def moved(before: Places, after: Places) -> list[str]:
    """The devices of both that the guest finds elsewhere now."""
    return sorted(name for name, place in before.items() if after.get(name, place) != place)


def _buses(devices: etree._Element) -> dict[int, etree._Element]:
    """The address of the controller behind which each PCI bus is."""
    found = {}
    for controller in devices.findall("controller[@type='pci']"):
        address = controller.find("address")
        if address is not None:
            found[int(controller.get("index", "0"))] = address
    return found


def _way(address: etree._Element, buses: dict[int, etree._Element]) -> str:
    if address.get("type") != "pci":
        values = [value for key, value in sorted(address.attrib.items()) if key != "type"]
        return f"{address.get('type')} {':'.join(map(str, values))}"
    steps: list[str] = []
    at: etree._Element | None = address
    while at is not None:
        steps.insert(0, f"{int(str(at.get('slot')), 16):02x}.{int(str(at.get('function')), 16)}")
        bus = int(str(at.get("bus")), 16)
        at = buses[bus] if bus else None
    return "pci " + "/".join(steps)


def _name(device: etree._Element) -> str:
    """What KubeVirt names it; a device without a name is the only one of its kind and number."""
    alias = device.find("alias")
    if alias is not None and str(alias.get("name")).startswith("ua-"):
        return f"{device.tag} {str(alias.get('name'))[3:]}"
    if device.tag == "controller":
        return f"{device.get('type')}{device.get('index')}"
    target = device.find("target")
    if device.tag in ("channel", "filesystem") and target is not None:
        return f"{device.tag} {target.get('name') or target.get('dir')}"
    return " ".join(filter(None, [device.tag, device.get("type") if device.tag == "input" else ""]))
