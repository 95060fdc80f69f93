"""The controllers of a domain: those that the machine always has and those that devices need."""

from __future__ import annotations

from itertools import count
from typing import Any

from webhook.declare import shown
from webhook.domain.devices.controller import is_companion, name_of
from webhook.findings import Finding, Findings
from webhook.machines import Machine

Tree = dict[str, Any]

# libvirt's bound of a controller's index (VIR_DOMAIN_CONTROLLER idx, by what its buses can address).
MOST = 255


class Controllers:
    """All controllers by type and index. Controllers are only ever added."""

    def __init__(self, devices: Tree, machine: Machine, path: str) -> None:
        self.machine = machine
        self.path = path
        self.findings = Findings()
        self._list: list[Tree] = devices.setdefault("controllers", [])
        self._by_type: dict[str, dict[int, Tree]] = {}
        # By type: where the search for a free index continues, and the index after the last one.
        self._free: dict[str, int] = {}
        self._next: dict[str, int] = {}
        self._read()
        root = self.ensure("pci", 0, model=machine.bus.root)
        if machine.bus.root_device:
            root.setdefault("bridge", {"name": machine.bus.root_device})
            root.setdefault("target", dict(machine.bus.root_target))
        for wanted in machine.always:
            if wanted["type"] != "usb" or not self._by_type.get("usb"):
                self.ensure(wanted["type"], wanted["index"], **_rest(wanted))

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
        kind, index = entry.get("type", ""), entry["index"]
        if index in self.of(kind):
            problem = f"index {index} is another {entry.get('type')} controller's"
            way = "give each controller of a type an index of its own"
            self.refuse(f".devices.controllers[{place}].index", problem, way)
            return
        self._note(kind, index, entry)
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

    def __iter__(self) -> Any:
        return iter(self._list)

    def refuse(self, place: str, problem: str, way: str) -> None:
        """Add a finding at a place below the domain."""
        self.findings.add(Finding, f"{self.path}{place}", problem, way, "address")


def _rest(wanted: Tree) -> Tree:
    return {name: value for name, value in wanted.items() if name not in ("type", "index")}
