"""The reverse of a render: the frontend facts that a running domain's XML adds to its VM, and nothing of the backend.

A value of the VM never changes: where the XML has another one, that is a finding.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from webhook.declare import Field, Frontend, Shape, told
from webhook.domain import domain_shape
from webhook.domain.address import parts
from webhook.domain.bus import DIMM
from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.libvirt.capturing.captured_controllers import settle_controllers
from webhook.libvirt.capturing.frontend import frontend_of
from webhook.libvirt.capturing.likeness import AMBIGUOUS, matched
from webhook.libvirt.xml.parse import Reading, read
from webhook.trees import Tree

# Values that change while a machine runs, and how libvirt checked the CPU: no facts about the machine.
_RUNTIME_STATE = frozenset({"memory.current", "vcpu.current", "cpu.check"})
_UNREADABLE = "give the XML as `virsh dumpxml` prints it while the VM runs; a machine that has this cannot be kept"


@dataclass(slots=True)
class Captured:
    """The domain with what was added to it, where, and where the XML disagrees with it."""

    domain: Tree
    added: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def capture(domain: Tree, xml: bytes | str, path: str = "spec.domain") -> Captured:
    """Add to a copy of a domain the frontend facts of `xml`; raises Refused where that is not a domain's XML.

    `path` is the domain's place in its object. Which device is which: `likeness.py` says. Devices that cannot be told
    apart are a finding.
    """
    captured = Captured(deepcopy(domain))
    reading = without_mirrors(read(xml))
    captured.findings += [replace(one, help=_UNREADABLE, rule="capture") for one in reading.malformed]
    facts = frontend_of(reading.domain, domain_shape())
    captured.findings += settle_controllers(domain, facts, path)
    _Capture(captured, path).element(captured.domain, facts, domain_shape(), "")
    return captured


def without_mirrors(reading: Reading) -> Reading:
    """A reading without the console that libvirt shows beside the first serial port, which is the same device."""
    consoles = reading.domain.get("devices", {}).get("consoles")
    if consoles and reading.domain["devices"].get("serials"):
        rest = [console for console in consoles if console.get("target", {}).get("type") != "serial"]
        devices = {**reading.domain["devices"], "consoles": rest}
        if not rest:
            del devices["consoles"]
        return Reading(reading.name, {**reading.domain, "devices": devices}, reading.left)
    return reading


@dataclass(frozen=True, slots=True)
class _Capture:
    """One capture: its result, and the domain's place in the object. `here` and `below` are paths within the domain."""

    result: Captured
    path: str

    def element(self, target: Tree, facts: Tree, shape: Shape, below: str) -> None:
        """Add the facts about one element to it."""
        for name, value in facts.items():
            entry = shape.fields[name]
            here = f"{below}.{name}".removeprefix(".")
            if entry.shape is None:
                self._value(target, entry, value, here)
            elif entry.many:
                self._entries(target.setdefault(name, []), value, entry, here)
                if not target[name]:
                    del target[name]
            else:
                inner = target.get(name)
                if inner is None:
                    inner = target[name] = {}
                self.element(inner, value, entry.shape, here)
                if not inner:
                    del target[name]

    def _value(self, target: Tree, entry: Field, value: Any, here: str) -> None:
        there = target.get(entry.name)
        if here in _RUNTIME_STATE or not isinstance(entry.class_of_value(value), Frontend):
            return
        if there is None:
            if entry.name != "name" or not target:
                target[entry.name] = value
                self.result.added.append(f"{self.path}.{here}")
        elif entry.name == "address" and _is_chosen_at_start(there, value):
            return
        elif entry.name != "name" and entry.scalar is not None and not entry.scalar.same(there, value):
            problem = f"is {told(entry, there)}, but the running domain has {told(entry, value)}"
            way = "what is stored stays; find out why the domain was started with another machine"
            self.result.findings.append(Finding(f"{self.path}.{here}", problem, way, "capture"))

    def _entries(self, there: list[Tree], facts: list[Tree], entry: Field, here: str) -> None:
        assert entry.shape is not None  # noqa: S101 - the caller's case
        pairs = matched(there, facts, entry.name) if entry.shape.key == "name" else _in_order(there, facts, entry.shape)
        for fact, match in zip(facts, pairs, strict=True):
            if match is AMBIGUOUS or not fact:  # an entry of nothing is one that is backend alone, as a pin
                continue
            if match is None:
                there.append(deepcopy(fact))
                self.result.added.append(f"{self.path}.{here}[{len(there) - 1}]")
                continue
            number = next(number for number, other in enumerate(there) if other is match)
            self.element(match, fact, entry.shape, f"{here}[{number}]")
        unclear = sum(match is AMBIGUOUS for match in pairs)
        if unclear:
            problem = (
                f"has entries that may be any of {unclear} devices of the running domain: nothing tells them apart"
            )
            way = "give each its `name`, or " + _telling(entry.name)
            self.result.findings.append(Finding(f"{self.path}.{here}", problem, way, "capture"))


def _is_chosen_at_start(there: str, running: str) -> bool:
    """Whether all that a running DIMM's address has more is its base, which QEMU gives the slots anew at each start."""
    place, comma, more = running.partition(",")
    return place == there and bool(comma) and more.startswith("base=") and parts(there).get("type") == DIMM


def _telling(listed: str) -> str:
    """The fields that tell the devices of a list apart."""
    fields = dict.fromkeys((*KINDS[listed].matched_by, *KINDS[listed].identities)) if listed in KINDS else {}
    return ", ".join(f"its `{field}`" for field in (*fields, "address"))


def _in_order(there: list[Tree], facts: list[Tree], shape: Shape) -> list[Tree | None]:
    """Entries without a name: by their key, else one after the other where there are as many."""
    if shape.key:
        by_key = {other.get(shape.key): other for other in there}
        return [by_key.get(fact.get(shape.key)) for fact in facts]
    return [*there] if len(there) == len(facts) else [None] * len(facts)
