"""PCI and PCI Express addresses.

On PCI Express every device has a root port to itself, in slot 0 of its bus; eight ports share a slot of bus 0, and
some stay free for hot-plug. On conventional PCI devices have slots of bus 0, the usual ones first. Plain PCI devices
on PCI Express, and devices for which bus 0 has no free slot, are behind a bridge.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from webhook.abi.plugging import may_be_plugged
from webhook.domain.address import on_pci, parts_of
from webhook.domain.bus import PCI
from webhook.domain.root_ports import FUNCTIONS, LAST_SLOT, ROOT_PORT, is_run, ports_of
from webhook.expand.addresses.controllers import Controllers
from webhook.expand.addresses.reserving import give_up, to_give
from webhook.expand.addresses.waiting import Waiting, waiting
from webhook.machines import Bus
from webhook.trees import Tree

# Bus, slot and function.
Place = tuple[int, int, int]


def place(devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
    """Give every PCI device without an address one, in libvirt's order of assignment; ports and bridges are none."""
    slots = _Slots(devices, controllers, reserved)
    entries = list(waiting(PCI, devices, controllers))
    if controllers.machine.order:
        slots.bridge_first(entries)
    elif not slots.fresh:
        # Ports that are there may be few: what can be plugged while the guest runs comes before what waits for a boot.
        entries.sort(key=lambda entry: not may_be_plugged(entry.listed))
    for entry in entries:
        slots.give(entry)
    slots.finish()


def is_plain(bus: Bus, listed: str, device: Tree) -> bool:
    """Whether a device is one of plain PCI, for which PCI Express needs a bridge."""
    return str(device.get("model") or device.get("type")) in bus.legacy.get(listed, frozenset())


class _Slots:
    """The PCI topology of one domain during allocation: the taken places, the ports and the bridges."""

    def __init__(self, devices: Tree, controllers: Controllers, reserved: list[Tree]) -> None:
        self.controllers = controllers
        self.bus = controllers.machine.bus
        # bus -> slot -> function -> the device there
        self.taken: dict[int, dict[int, dict[int, str]]] = {}
        self.fresh = not any(entry.get("model") == ROOT_PORT for entry in controllers.of("pci").values())
        for slot in self.bus.builtin_slots:
            self.taken.setdefault(0, {})[slot] = {}
        for where, device in _placed(devices):
            self._enter(device, where)
        for entry in reserved:
            address = parts_of(entry["device"])
            if address.get("type") == PCI:
                self._occupy((address["bus"], address["slot"], address["function"]), _removed(entry))
        self.reserved = reserved
        self._check_buses(devices)
        self.places = self._port_places() if self.bus.ports else iter(())
        self.ports = self._free_ports()
        self.bridges = self._bridge_slots()

    # -- what is there already

    def _enter(self, device: Tree, where: str) -> None:
        address = parts_of(device)
        if address.get("type") != PCI:
            return
        functions = self.taken.setdefault(address["bus"], {}).setdefault(address["slot"], {})
        function = address["function"]
        if function in functions:
            problem = f"is the place of `{functions[function]}` too"
            self.controllers.refuse(f"{where}.address", problem, "leave one of the two addresses out")
        functions[function] = f"{self.controllers.path}{where}"

    def _occupy(self, place: Place, device: str) -> None:
        bus, slot, function = place
        self.taken.setdefault(bus, {}).setdefault(slot, {}).setdefault(function, device)

    def _check_buses(self, devices: Tree) -> None:
        """A stated bus needs its controller: libvirt would otherwise make one by itself."""
        known = self.controllers.of("pci")
        for where, device in _placed(devices):
            address = parts_of(device)
            if address.get("type") == PCI and address["bus"] not in known:
                problem = f"is on PCI bus {address['bus']}, for which there is no controller"
                way = f"state a controller of type pci with index {address['bus']}, or leave the address out"
                self.controllers.refuse(f"{where}.address", problem, way)

    def _used(self, bus: int) -> dict[int, dict[int, str]]:
        return self.taken.setdefault(bus, {})

    # -- giving places

    def give(self, entry: Waiting) -> None:
        """Find a place for one device and write it."""
        found = self._fixed(entry) or (self._express(entry) if self.bus.ports else self._conventional(entry.role))
        if found is None:
            way = "leave out a device; the machine has no more places"
            self.controllers.refuse(entry.where, "finds no free PCI place", way)
            return
        entry.device["address"] = on_pci(*found)
        self._occupy(found, entry.where)

    def _fixed(self, entry: Waiting) -> Place | None:
        """The place that the machine fixes for a device by its role, else by its model."""
        role, device = entry.role, entry.device
        if role == "video" and self.bus.video_slot and not self._used(0).get(self.bus.video_slot):
            return 0, self.bus.video_slot, 0
        place = self.bus.fixed.get(role) or self.bus.fixed.get(str(device.get("model")))
        if place is None or device.get("index", 0) or place[1] in self._used(0).get(place[0], {}):
            return None
        return 0, *place

    def _express(self, entry: Waiting) -> Place | None:
        if self._is_legacy(entry):
            return next(self.bridges, None)
        bus = next(self.ports, None)
        return None if bus is None else (bus, 0, 0)

    def _is_legacy(self, entry: Waiting) -> bool:
        return is_plain(self.bus, entry.listed, entry.device)

    def bridge_first(self, entries: list[Waiting]) -> None:
        """Place the bridge that one of these needs before any device, as libvirt does.

        Its index is behind the ports of the devices that come before that one, and it takes the first of the ports.
        """
        waits = [entry for entry in entries if self._fixed(entry) is None]
        first = next((place for place, entry in enumerate(waits) if self._is_legacy(entry)), None)
        if first is None or not self.fresh or not self.bus.ports:
            return
        for _ in range(first + 1):
            self._new_port()
        behind = next(self.bridges, None)
        if behind is not None:
            self.bridges = chain((behind,), self.bridges)

    def _conventional(self, role: str) -> Place | None:
        used = self._used(0)
        usual = self.bus.preferred.get(role)
        if usual is not None and usual not in used:
            return 0, usual, 0
        overflow = (*range(self.bus.next, self.bus.bridge_slot), *range(self.bus.video_slot + 1, self.bus.next))
        free = next((slot for slot in overflow if slot not in used), None)
        return next(self.bridges, None) if free is None else (0, free, 0)

    # -- ports and bridges

    def _free_ports(self) -> Iterator[int]:
        """Buses of root ports without a device, the lowest first; then of new ports."""
        for index, controller in sorted(self.controllers.of("pci").items()):
            if controller.get("model") == ROOT_PORT and not self._used(index):
                yield index
        while (added := self._new_port()) is not None:
            yield added
        yield from (bus for bus, _, _ in self._given_up(ROOT_PORT))

    def _new_port(self) -> int | None:
        place = next(self.places, None)
        if place is None:
            return None
        slot, function = place
        index = self.controllers.add_port(slot, function, in_run=self.fresh)
        self._occupy((0, slot, function), f"pci-{index}")
        return index

    def _port_places(self) -> Iterator[tuple[int, int]]:
        """Free functions of slots that hold ports alone, and free slots of bus 0, the lowest first."""
        assert self.bus.ports is not None  # noqa: S101 - only machines with ports get here
        addresses = (parts_of(each) for each in self.controllers.of("pci").values() if each.get("model") == ROOT_PORT)
        ours = {(each["slot"], each["function"]): each for each in addresses if each.get("bus") == 0}
        for slot in range(self.bus.ports.first_slot, self.bus.ports.last_slot + 1):
            used = self._used(0).get(slot)
            if used is None:
                yield from ((slot, function) for function in range(FUNCTIONS))
            elif ours.get((slot, 0), {}).get("multifunction") and all((slot, one) in ours for one in used):
                yield from ((slot, function) for function in range(FUNCTIONS) if function not in used)

    def _bridge_slots(self) -> Iterator[Place]:
        """Slots behind bridges, of which one is made where there is none or the last one is full."""
        for index, controller in sorted(self.controllers.of("pci").items()):
            if controller.get("model") == self.bus.bridge:
                yield from self._behind(index)
        while (added := self._new_bridge()) is not None:
            yield from self._behind(added)
        yield from self._given_up(self.bus.bridge)

    def _given_up(self, model: str) -> Iterator[Place]:
        """Places of removed devices behind controllers of a model, or in a plain slot of conventional PCI's bus 0."""
        for entry, address in to_give(PCI, self.reserved):
            bus, slot, function = address["bus"], address["slot"], address["function"]
            if bus:
                fits = self.controllers.of("pci").get(bus, {}).get("model") == model
            else:
                fits = self.bus.ports is None and slot > self.bus.video_slot
            if fits and not function and self._used(bus).get(slot) == {0: _removed(entry)}:
                give_up(entry)
                del self._used(bus)[slot]
                yield bus, slot, 0

    def _behind(self, bus: int) -> Iterator[Place]:
        for slot in range(1, LAST_SLOT + 1):
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
        made["address"] = on_pci(*place)
        self._occupy((*place, 0), made["name"])
        return index

    def finish(self) -> None:
        """The first time: spare ports for hot-plug, behind all others."""
        ports = self.bus.ports
        if self.fresh and ports and (ports.lone or self.controllers.following("pci") > 1):
            for _ in range(ports.spare):
                self._new_port()


def _removed(entry: Tree) -> str:
    return f"the removed {entry['name']}"


def _placed(devices: Tree) -> Iterator[tuple[str, Tree]]:
    """Every device that has an address, each port of a run for itself."""
    for listed, entries in devices.items():
        if type(entries) is dict:
            if entries.get("address"):
                yield f".devices.{listed}", entries
            continue
        for index, device in enumerate(entries):
            where = f".devices.{listed}[{index}]"
            if listed == "controllers" and is_run(device):
                yield from ((where, port) for port in ports_of(device))
            elif device.get("address"):
                yield where, device
