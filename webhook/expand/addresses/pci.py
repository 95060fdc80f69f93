"""PCI and PCI Express: who needs a place, which places there are, and who gets which.

On PCI Express every device has a root port to itself, in slot 0 of its bus; ports stand eight to a slot of bus 0, and
some stay free for hot-plug. On conventional PCI devices have slots of bus 0, the usual ones first. Plain PCI devices
on PCI Express, and what bus 0 has no room for, sit behind a bridge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from webhook.abi.state import is_none
from webhook.expand.addresses.controllers import Controllers
from webhook.machines import Machine

Tree = dict[str, Any]

_LAST_SLOT = 31
_FUNCTIONS = 8
# Controllers that are themselves PCI devices; others are part of the machine or of another controller.
_PCI_CONTROLLERS = frozenset({"usb", "scsi", "virtio-serial", "sata", "ide"})
_ISA_WATCHDOGS = frozenset({"ib700", "itco", "diag288"})
_NO_PCI_SOUND = frozenset({"sb16", "usb"})
_VIRTIO_MEMORY = frozenset({"virtio-mem", "virtio-pmem"})
_ROOT_PORT = "pcie-root-port"
# QEMU's device of a bridge, where it is not called what libvirt calls the bridge.
_DEVICES = {"pcie-to-pci-bridge": "pcie-pci-bridge"}


def place(devices: Tree, controllers: Controllers, machine: Machine, resting: list[Tree], path: str) -> None:  # noqa: ARG001
    """Give every PCI device without an address one."""
    slots = _Slots(devices, controllers, machine, resting)
    for kind, where, device in list(waiting(devices, controllers)):
        slots.give(kind, where, device)
    slots.finish()


def waiting(devices: Tree, controllers: Controllers) -> Iterator[tuple[str, str, Tree]]:
    """Devices that need a PCI place and have none, in libvirt's order of assignment."""
    for kind, where, device in _all(devices, controllers):
        if not device.get("address") and not is_none(device):
            yield kind, where, device


def _all(devices: Tree, controllers: Controllers) -> Iterator[tuple[str, str, Tree]]:
    """Every PCI device but the ports and bridges themselves; `kind` names its role."""
    yield from _listed("video", devices)
    yield from _listed("interfaces", devices)
    yield from _listed("sounds", devices, lambda device: device.get("model") not in _NO_PCI_SOUND)
    for index, controller in enumerate(controllers):
        if controller.get("type") in _PCI_CONTROLLERS:
            yield controller["type"], f".devices.controllers[{index}]", controller
    yield from _listed("disks", devices, lambda device: device["target"]["bus"] == "virtio")
    yield from _listed("memballoon", devices)
    yield from _listed("rng", devices)
    yield from _listed("watchdogs", devices, lambda device: device.get("model") not in _ISA_WATCHDOGS)
    yield from _listed("inputs", devices, lambda device: device.get("bus") == "virtio")
    yield from _listed("serials", devices, lambda device: device.get("target", {}).get("type") == "pci-serial")
    yield from _listed("filesystems", devices)
    yield from _listed("hostdevs", devices, _on_pci)
    yield from _listed("shmems", devices)
    yield from _listed("iommu", devices, lambda device: device.get("model") == "virtio")
    yield from _listed("vsock", devices)
    yield from _listed("memories", devices, lambda device: device.get("model") in _VIRTIO_MEMORY)
    yield from _listed("cryptos", devices)
    yield from _listed("pstore", devices)


def _on_pci(hostdev: Tree) -> bool:
    """Whether the guest sees a device of the host on PCI: USB and SCSI ones are on those buses (libvirt: hostdev)."""
    if hostdev.get("type") == "mdev":
        return hostdev.get("model") in (None, "vfio-pci")
    return hostdev.get("type") in ("pci", "scsi_host")


def _listed(
    kind: str, devices: Tree, wanted: Callable[[Tree], bool] = lambda _: True
) -> Iterator[tuple[str, str, Tree]]:
    entries = devices.get(kind, ())
    if type(entries) is dict:
        if wanted(entries):
            yield kind, f".devices.{kind}", entries
        return
    for index, device in enumerate(entries):
        if wanted(device):
            yield kind, f".devices.{kind}[{index}]", device


class _Slots:
    """The PCI topology of one domain while it fills: who is where, and which ports and bridges there are."""

    def __init__(self, devices: Tree, controllers: Controllers, machine: Machine, resting: list[Tree]) -> None:
        self.controllers = controllers
        self.bus = machine.bus
        # bus -> slot -> function -> whose
        self.taken: dict[int, dict[int, dict[int, str]]] = {}
        self.fresh = not any(entry.get("model") == _ROOT_PORT for entry in controllers.of("pci").values())
        for slot in self.bus.builtin_slots:
            self.taken.setdefault(0, {})[slot] = {}
        for where, device in _placed(devices):
            self._enter(device["address"], where)
        for entry in resting:
            address = entry["device"].get("address", {})
            if address.get("type") == "pci":
                self._occupy(address, f"the removed {entry['name']}")
        self._check_buses(devices)
        self.places = self._port_places() if self.bus.ports else iter(())
        self.ports = self._free_ports()
        self.bridges = self._bridge_slots()

    # -- what is there already

    def _enter(self, address: Tree, where: str) -> None:
        if address.get("type") != "pci":
            return
        functions = self.taken.setdefault(address.get("bus", 0), {}).setdefault(address.get("slot", 0), {})
        function = address.get("function", 0)
        if function in functions:
            problem = f"is the place of `{functions[function]}` too"
            self.controllers.refuse(f"{where}.address", problem, "leave one of the two addresses out")
        functions[function] = f"{self.controllers.path}{where}"

    def _occupy(self, address: Tree, whose: str) -> None:
        slots = self.taken.setdefault(address.get("bus", 0), {})
        slots.setdefault(address.get("slot", 0), {}).setdefault(address.get("function", 0), whose)

    def _check_buses(self, devices: Tree) -> None:
        """A stated bus needs its controller: libvirt would otherwise make one by itself."""
        known = self.controllers.of("pci")
        for where, device in _placed(devices):
            bus = device["address"].get("bus", 0)
            if device["address"].get("type") == "pci" and bus not in known:
                problem = f"is PCI bus {bus}, for which there is no controller"
                way = f"state a controller of type pci with index {bus}, or leave the address out"
                self.controllers.refuse(f"{where}.address.bus", problem, way)

    def _used(self, bus: int) -> dict[int, dict[int, str]]:
        return self.taken.setdefault(bus, {})

    # -- giving places

    def give(self, kind: str, where: str, device: Tree) -> None:
        """Find a place for one device and write it."""
        fixed = self._fixed(kind, device)
        found = fixed or (self._express(kind, device) if self.bus.ports else self._conventional(kind))
        if found is None:
            way = "leave out a device; the machine has no more places"
            self.controllers.refuse(where, "finds no free PCI place", way)
            return
        bus, slot, function = found
        address = {"type": "pci", "domain": 0, "bus": bus, "slot": slot, "function": function}
        device["address"] = address
        self._occupy(address, where)

    def _fixed(self, kind: str, device: Tree) -> tuple[int, int, int] | None:
        """The place that the machine itself, or long custom, has for a device."""
        if kind == "video" and self.bus.video_slot and not self._used(0).get(self.bus.video_slot):
            return 0, self.bus.video_slot, 0
        name = kind if kind in ("sata", "ide", "iommu") else str(device.get("model"))
        place = self.bus.fixed.get(name)
        if place is None or device.get("index", 0) or place[1] in self._used(0).get(place[0], {}):
            return None
        return 0, *place

    def _express(self, kind: str, device: Tree) -> tuple[int, int, int] | None:
        models = self.bus.legacy.get(_list_of(kind), frozenset())
        if str(device.get("model") or device.get("type")) in models:
            return next(self.bridges, None)
        bus = next(self.ports, None)
        return None if bus is None else (bus, 0, 0)

    def _conventional(self, kind: str) -> tuple[int, int, int] | None:
        used = self._used(0)
        usual = self.bus.preferred.get(kind)
        if usual is not None and usual not in used:
            return 0, usual, 0
        overflow = (*range(self.bus.next, self.bus.bridge_slot), *range(self.bus.video_slot + 1, self.bus.next))
        free = next((slot for slot in overflow if slot not in used), None)
        return next(self.bridges, None) if free is None else (0, free, 0)

    # -- ports and bridges

    def _free_ports(self) -> Iterator[int]:
        """Buses of root ports with nobody behind them, the lowest first; then of new ports."""
        for index, controller in sorted(self.controllers.of("pci").items()):
            if controller.get("model") == _ROOT_PORT and not self._used(index):
                yield index
        while (added := self._new_port()) is not None:
            yield added

    def _new_port(self) -> int | None:
        place = next(self.places, None)
        if place is None:
            return None
        slot, function = place
        index = self.controllers.following("pci")
        address: Tree = {"type": "pci", "domain": 0, "bus": 0, "slot": slot, "function": function}
        if function == 0:
            address["multifunction"] = True
        made = self.controllers.ensure("pci", index, model=_ROOT_PORT)
        made["bridge"] = {"name": _ROOT_PORT}
        made["target"] = {"chassis": index, "port": slot * _FUNCTIONS + function}
        made["address"] = address
        self._occupy(address, made["name"])
        return index

    def _port_places(self) -> Iterator[tuple[int, int]]:
        """Free functions of slots that hold ports alone, and free slots of bus 0, the lowest first."""
        assert self.bus.ports is not None  # noqa: S101 - only machines with ports get here
        ours = {
            (entry["address"]["slot"], entry["address"].get("function", 0)): entry["address"]
            for entry in self.controllers.of("pci").values()
            if entry.get("model") == _ROOT_PORT and entry.get("address", {}).get("bus") == 0
        }
        for slot in range(self.bus.ports.first_slot, self.bus.ports.last_slot + 1):
            used = self._used(0).get(slot)
            if used is None:
                yield from ((slot, function) for function in range(_FUNCTIONS))
            elif ours.get((slot, 0), {}).get("multifunction") and all((slot, one) in ours for one in used):
                yield from ((slot, function) for function in range(_FUNCTIONS) if function not in used)

    def _bridge_slots(self) -> Iterator[tuple[int, int, int]]:
        """Slots behind bridges, of which one is made where there is none or the last one is full."""
        for index, controller in sorted(self.controllers.of("pci").items()):
            if controller.get("model") == self.bus.bridge:
                yield from self._behind(index)
        while (added := self._new_bridge()) is not None:
            yield from self._behind(added)

    def _behind(self, bus: int) -> Iterator[tuple[int, int, int]]:
        for slot in range(1, _LAST_SLOT + 1):
            if slot not in self._used(bus):
                yield bus, slot, 0

    def _new_bridge(self) -> int | None:
        if self.bus.ports:
            upstream = next(self.ports, None)
            place = None if upstream is None else (upstream, 0)
        else:
            place = None if self.bus.bridge_slot in self._used(0) else (0, self.bus.bridge_slot)
        if place is None:
            return None
        index = self.controllers.following("pci")
        made = self.controllers.ensure("pci", index, model=self.bus.bridge)
        made["bridge"] = {"name": _DEVICES.get(self.bus.bridge, self.bus.bridge)}
        if not self.bus.ports:
            made["target"] = {"chassisNr": index}
        made["address"] = {"type": "pci", "domain": 0, "bus": place[0], "slot": place[1], "function": 0}
        self._occupy(made["address"], made["name"])
        return index

    def finish(self) -> None:
        """The first time: spare ports for hot-plug, behind all others."""
        if self.fresh and self.bus.ports:
            for _ in range(self.bus.ports.spare):
                self._new_port()


def _placed(devices: Tree) -> Iterator[tuple[str, Tree]]:
    """Every device that has an address."""
    for kind, entries in devices.items():
        if type(entries) is dict:
            if entries.get("address"):
                yield f".devices.{kind}", entries
            continue
        for index, device in enumerate(entries):
            if device.get("address"):
                yield f".devices.{kind}[{index}]", device


def _list_of(kind: str) -> str:
    return "controllers" if kind in _PCI_CONTROLLERS else kind
