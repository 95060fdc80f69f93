"""A machine that was found elsewhere, complete: what libvirt and QEMU mean where its XML is silent.

The rows of `silence.yaml` say it. No best practice is here: what is written out is there anyhow, so that another node's
libvirt cannot choose otherwise. A dump of libvirt's own leaves little open; a document that a person wrote leaves more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from webhook import machines
from webhook.abi.freeze import device_keys
from webhook.declare.tree import copied
from webhook.domain.bus import PCI, is_none
from webhook.domain.root_ports import unfolded
from webhook.expand.addresses import allocate
from webhook.expand.bare_consoles import place_bare_consoles
from webhook.expand.completing import complete
from webhook.expand.identity import identify
from webhook.expand.libvirt_order import (
    add_disk_controllers,
    free_lone_ports,
    number_ports,
    order_controllers,
    order_disks,
)
from webhook.expand.naming import name_devices
from webhook.expand.unseen import is_root, unplaced, usb_controllers, without_hubs
from webhook.findings import Finding
from webhook.machines import Machine, Ports
from webhook.machines.controllers import root_of
from webhook.rule_sets import NEWEST
from webhook.trees import Tree

# QEMU's own numbers where a controller states none: of a virtio-serial controller's ports, of an xHCI controller's.
_VIRTIO_SERIAL_PORTS = 31
_XHCI_PORTS = {"qemu-xhci": 4, "nec-xhci": 4}
# What libvirt takes where the clock is unsaid (virDomainDefClock); what it takes of the events is implied.
_CLOCK = {"offset": "utc"}
# The bus of a disk that names none, by its target (virDomainDiskDefPostParse).
_BUSES = {"fd": "fdc", "hd": "ide", "sd": "scsi", "vd": "virtio"}
# A tablet stands for the mouse that libvirt would add on its bus.
_STANDS_FOR = {"tablet": "mouse"}
_EXACT = {"mode": "custom", "match": "exact"}


def complete_imported(domain: Tree, domain_type: str, entropy: Callable[[int], bytes]) -> list[Finding]:
    """Write out, in place, what libvirt and QEMU mean where the domain is silent; returns what has no place.

    `domain_type` is the type that the XML had, `kvm` or `qemu`.
    A UUID and MAC addresses, which libvirt would draw, are drawn; a serial number is not: nobody would see one. The
    machine has to be one that is modelled, with its architecture.
    """
    kind = domain["os"]["type"]
    machine = machines.find(kind["arch"], kind["machine"], NEWEST)
    assert machine is not None  # noqa: S101 - the import has refused it
    silence, devices = silence_of(machine), domain.setdefault("devices", {})
    own = silence.get("emulated" if domain_type == "qemu" else "accelerated", {})
    _fill(domain, copied(own.get("domain", {})))
    _fill(domain, {"clockOffset": dict(_CLOCK), "vcpu": {"count": 1}})
    _cpu(domain, own.get("cpu"))
    _boot(domain)
    _unasked(devices, silence)
    for disk in devices.get("disks", ()):
        target = disk.get("target", {})
        if "bus" not in target and target.get("dev", "")[:2] in _BUSES:
            target["bus"] = _BUSES[target["dev"][:2]]
    order_disks(devices)
    order_controllers(devices)
    for port in devices.get("parallels", ()):
        port.setdefault("type", "pty")
    _ports(devices, machine.defaults["serial"])
    number_ports(devices)
    # The first one is the primary one now; `ramfb` is no device of PCI.
    found = _as_found(machine, silence, any(each.get("type") != "ramfb" for each in _displays(devices)[:1]))
    _root(devices, found)
    complete(domain, found, None, silence["nic"])
    name_devices(devices)
    place_bare_consoles(devices)
    findings = list(unplaced(devices, found))
    if not findings:
        add_disk_controllers(domain, found)
        before = usb_controllers(devices)
        ports = {each["index"] for each in unfolded(devices.get("controllers", ())) if each.get("type") == PCI}
        findings = allocate(domain, found, [], "spec.domain") or without_hubs(before, devices)
        free_lone_ports(devices, ports)
    identify(domain, entropy, settled=device_keys([domain]))
    return findings


def drawn(domain: Tree) -> Iterator[Finding]:
    """What `complete_imported` draws for a domain, of which the guest that there is has another one."""
    kept = "what libvirt keeps (`virsh dumpxml --inactive`) has the one that the guest knows"
    if not domain.get("uuid") and not domain.get("sysinfo", {}).get("uuid"):
        yield Finding("uuid", f"is not said, and gets drawn: {kept}")
    for index, nic in enumerate(domain.get("devices", {}).get("interfaces", ())):
        if not nic.get("mac", {}).get("address"):
            yield Finding(f"devices.interfaces[{index}].mac", f"is not said, and gets drawn: {kept}")


def silence_of(machine: Machine) -> Tree:
    """What silence means on a machine."""
    return _table()[machine.family if machine.family != "virt" else f"virt-{machine.arch}"]


def _fill(tree: Tree, add: Tree) -> None:
    for name, value in add.items():
        if type(value) is dict:
            _fill(tree.setdefault(name, {}), value)
        else:
            tree.setdefault(name, value)


def _cpu(domain: Tree, own: Tree | None) -> None:
    """QEMU's own model where none is named, which libvirt writes out (qemuDomainDefSetDefaultCPU)."""
    cpu = domain.get("cpu", {})
    if cpu.get("mode", "custom") != "custom":
        return
    if cpu.get("model"):
        _fill(domain, {"cpu": dict(_EXACT)})
    elif own and own.get("mode"):
        domain["cpu"] = {**cpu, **own}
    elif own:
        _fill(domain, {"cpu": {**_EXACT, "check": "none", "fallback": "forbid", **copied(own)}})


def _boot(domain: Tree) -> None:
    """The disks, where neither the machine nor a device says what boots."""
    devices = domain["devices"].values()
    ordered = any(each.get("bootOrder") for entries in devices if type(entries) is list for each in entries)
    if not ordered and not domain["os"].get("boot"):
        domain["os"]["boot"] = [{"dev": "hd"}]


def _unasked(devices: Tree, silence: Tree) -> None:
    """The devices that libvirt adds to every machine of a kind, and those that come with a display."""
    if "balloon" in silence:
        devices.setdefault("memballoon", {"model": silence["balloon"]})
    if "panic" in silence and not devices.get("panics"):
        devices["panics"] = [{"model": silence["panic"]}]
    if devices.get("graphics"):
        if not devices.get("video"):
            devices["video"] = [{}]
        for listed, entries in silence.get("beside_display", {}).items():
            there = [
                (_STANDS_FOR.get(each.get("type"), each.get("type")), each.get("bus", "usb"))
                for each in devices.get(listed, ())
            ]
            lacking = [each for each in entries if (each["type"], each["bus"]) not in there]
            if lacking:
                devices[listed] = [*devices.get(listed, ()), *copied(lacking)]
    for video in devices.get("video", ()):
        video.setdefault("type", silence["video"])
    displays = _displays(devices)
    if displays and not any("primary" in each for each in displays):
        displays[0]["primary"] = True


def _ports(devices: Tree, usual: Tree) -> None:
    """The serial port that libvirt makes of the first console of its kind where there is no port (its mirror)."""
    consoles = devices.get("consoles") or ()
    if consoles and not devices.get("serials"):
        target = consoles[0].get("target") or {}
        if target.get("type", "serial") == "serial":
            port = {name: value for name, value in consoles[0].items() if name != "name"}
            devices["serials"] = [{**port, "target": {**usual, "port": 0}}]
            devices["consoles"] = consoles[1:]
            if not devices["consoles"]:
                del devices["consoles"]


def _root(devices: Tree, machine: Machine) -> None:
    """The root bus, behind the controllers that the domain has."""
    controllers = devices.get("controllers")
    there = [each for each in controllers or () if each.get("type") == PCI]
    # One without an index is the root where it is called so: libvirt gives the lowest index that is free.
    if controllers and not any(each.get("index", 0 if is_root(each) else 1) == 0 for each in there):
        controllers.append(root_of(machine))


def _displays(devices: Tree) -> list[Tree]:
    return [each for each in devices.get("video", ()) if not is_none(each)]


def _as_found(machine: Machine, silence: Tree, display: bool) -> Machine:
    """The machine as libvirt completes it: slots from the first on, nothing kept free but one port beside others."""
    bus, first = machine.bus, silence.get("first_slot", 0)
    first += 1 if display and bus.video_slot else 0
    ports = None if bus.ports is None else Ports(first, bus.ports.last_slot, spare=1, lone=False)
    return replace(
        machine,
        bus=replace(bus, ports=ports, preferred={}, next=first, legacy=_plain(bus.legacy, silence)),
        always=tuple(silence.get("controllers", ())),
        models={**machine.models, **silence.get("models", {})},
        usb_ports={**machine.usb_ports, **_XHCI_PORTS},
        virtio_serial_ports=_VIRTIO_SERIAL_PORTS,
        order=tuple(silence["order"]),
    )


def _plain(known: Mapping[str, frozenset[str]], silence: Tree) -> dict[str, frozenset[str]]:
    """What libvirt takes for devices of plain PCI, where the table says it."""
    return {**known, **{listed: frozenset(models) for listed, models in silence.get("plain", {}).items()}}


# Package data, read once.
@cache
def _table() -> dict[str, Tree]:
    table: dict[str, Tree] = yaml.safe_load(Path(__file__).with_name("silence.yaml").read_text())
    return table
