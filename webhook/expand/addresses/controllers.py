"""The controllers of a domain: those that the machine always has and those that devices need."""

from __future__ import annotations

from itertools import count
from typing import Any

from webhook.declare import shown
from webhook.domain.address import on_pci
from webhook.domain.address import place as place_of
from webhook.domain.devices.controller import is_companion, name_of
from webhook.domain.root_ports import FUNCTIONS, ROOT_PORT, is_run, ports_of
from webhook.expand.device_order import DeviceOrder
from webhook.findings import Finding, Findings
from webhook.machines import Machine
from webhook.machines.controllers import root_of
from webhook.trees import Tree

# libvirt's bound of a controller's index (VIR_DOMAIN_CONTROLLER idx, by what its buses can address).
MOST = 255


class Controllers:
    """All controllers by type and index, which are only ever added; and the `order` in which devices get places."""

    def __init__(self, devices: Tree, machine: Machine, path: str, order: DeviceOrder) -> None:
        self.machine = machine
        self.order = order
        self.path = path
        self.findings = Findings()
        self._list: list[Tree] = devices.setdefault("controllers", [])
        self._by_type: dict[str, dict[int, Tree]] = {}
        # By type: where the search for a free index continues, and the index after the last one.
        self._free: dict[str, int] = {}
        self._next: dict[str, int] = {}
        # The entry of the last root port that was added, and the index and place that the next one in a row has.
        self._port: Tree | None = None
        self._behind = (0, 0)
        self._read()
        self._root()
        for wanted in machine.always:
            if wanted["type"] != "usb" or not self._by_type.get("usb"):
                self.ensure(wanted["type"], wanted["index"], **_rest(wanted))

    def _root(self) -> None:
        """The root bus, which is not written where it is the first; beside stated controllers it is behind them."""
        root, there = root_of(self.machine), self.of("pci").get(0)
        if there is not None:
            for name, value in root.items():
                there.setdefault(name, value)
            return
        if self._list and not any("address" in entry for entry in self._list):
            self._list.append(root)
        self._note("pci", 0, root)

    def _read(self) -> None:
        """Index and complete the controllers of the domain: those with a stated index first, then companions."""
        for place, entry in enumerate(self._list):
            if entry.get("index") is not None and not is_companion(entry):
                self._enter(place, entry)
        for entry in self._list:
            if entry.get("index") is not None and is_companion(entry):
                self._join(entry)
        for place, entry in enumerate(self._list):
            if entry.get("index") is None:
                self._number(place, entry)

    def _join(self, entry: Tree) -> None:
        """A companion shares the index of the controller whose slow devices it serves."""
        if entry["index"] not in self.of("usb"):
            self._note("usb", entry["index"], entry)
        entry.setdefault("name", name_of(entry))

    def _number(self, place: int, entry: Tree) -> None:
        """Give the first free index of its type; one beyond all is refused, and lets the search for findings go on."""
        kind = entry.get("type", "")
        of_type = self._by_type.get(kind, {})
        entry["index"] = next(number for number in count(self._free.get(kind, 0)) if number not in of_type)
        self._free[kind] = entry["index"]
        if entry["index"] > MOST:
            problem = f"is one `{shown(kind)}` controller too many: a machine has at most {MOST + 1} of a type"
            self.refuse(f".devices.controllers[{place}].index", problem, "leave the controller out")
        self._enter(place, entry)

    def _enter(self, place: int, entry: Tree) -> None:
        kind = entry.get("type", "")
        for each in ports_of(entry) if is_run(entry) else (entry,):
            index = each["index"]
            if index in self.of(kind):
                problem = f"index {index} is another {entry.get('type')} controller's"
                way = "give each controller of a type an index of its own"
                self.refuse(f".devices.controllers[{place}].index", problem, way)
                return
            self._note(kind, index, each)
        self._complete(entry)

    def _complete(self, entry: Tree) -> None:
        kind = entry.get("type", "")
        entry.setdefault("name", name_of(entry))
        if kind in self.machine.models:
            entry.setdefault("model", self.machine.models[kind])
        if kind == "virtio-serial":
            entry.setdefault("ports", self.machine.virtio_serial_ports)
        elif kind == "usb" and str(entry.get("model")).endswith("-xhci") and entry["model"] in self.machine.usb_ports:
            entry.setdefault("ports", self.machine.usb_ports[entry["model"]])

    def ensure(self, kind: str, index: int, **fields: Any) -> Tree:
        """The controller of this type and index, made where it is missing."""
        there = self._by_type.setdefault(kind, {}).get(index)
        if there is not None:
            for name, value in fields.items():
                there.setdefault(name, value)
            return there
        made: Tree = {"name": f"{kind}-{index}", "type": kind, "index": index, **fields}
        self._list.append(made)
        self._note(kind, index, made)
        self._complete(made)
        return made

    def _note(self, kind: str, index: int, entry: Tree) -> None:
        self._by_type.setdefault(kind, {})[index] = entry
        if index >= self._next.get(kind, 0):
            self._next[kind] = index + 1

    def following(self, kind: str) -> int:
        """The index behind the last controller of this type."""
        return self._next.get(kind, 0)

    def of(self, kind: str) -> dict[int, Tree]:
        """The controllers of one type by index."""
        return self._by_type.get(kind, {})

    def add(self, kind: str, **fields: Any) -> Tree:
        """One more controller of this type, with the index behind the last."""
        return self.ensure(kind, self.following(kind), **fields)

    def add_port(self, slot: int, function: int, *, in_run: bool) -> int:
        """Add a root port at a function of bus 0, by its index; with `in_run` it may join the entry before it."""
        index, place = self._next["pci"], slot * FUNCTIONS + function
        entry = self._list[-1] if self._list else {}
        if in_run and entry is self._port and self._behind == (index, place):
            count = entry.get("count")
            if count is None:
                count = 1
                # The rest follows from the first: that there are more functions, too.
                entry["address"] = place_of(entry["address"])
            entry["count"] = count + 1
            self._note("pci", index, entry)
        else:
            self._port = entry = self.ensure("pci", index, model=ROOT_PORT)
            entry["address"] = on_pci(0, slot, function, multifunction=function == 0)
        self._behind = (index + 1, place + 1)
        return index

    def refuse(self, place: str, problem: str, way: str) -> None:
        """Add a finding at a place below the domain."""
        self.findings.add(Finding, f"{self.path}{place}", problem, way, "address")


def _rest(wanted: Tree) -> Tree:
    return {name: value for name, value in wanted.items() if name not in ("type", "index")}
