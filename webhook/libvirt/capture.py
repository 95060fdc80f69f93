"""From a running domain's XML back to its VM: the frontend facts that libvirt added, and nothing of the backend.

What the VM says is never moved: where the XML says something else, that is a finding.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from webhook.declare import Field, Frontend, Shape, told
from webhook.declare.tree import at
from webhook.domain import domain_shape
from webhook.domain.devices import KINDS
from webhook.findings import Finding
from webhook.libvirt.frontend import frontend_of
from webhook.libvirt.parse import Reading, read
from webhook.libvirt.place import Tree

# What changes while a machine runs, and how libvirt checked the CPU: no facts of the machine.
_OF_THE_MOMENT = frozenset({"memory.current", "vcpu.current", "cpu.check"})


@dataclass(slots=True)
class Captured:
    """The domain with what was added to it, where, and where the XML disagrees with it."""

    domain: Tree
    added: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def capture(domain: Tree, xml: bytes | str, path: str = "spec.domain") -> Captured:
    """Add to a domain, which is left as it is, the frontend facts of `xml`; raises Refused where that is no domain.

    `path` is the domain's place in its object. Devices meet by name (libvirt's user alias), else by what tells
    them apart (a disk's target, a NIC's MAC address), else by being the only ones of their kind.
    """
    found = Captured(deepcopy(domain))
    facts = frontend_of(without_mirrors(read(xml)).domain, domain_shape())
    _lay(found.domain, facts, domain_shape(), "", path, found)
    return found


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


def _lay(target: Tree, facts: Tree, shape: Shape, below: str, path: str, found: Captured) -> None:
    for name, value in facts.items():
        entry = shape.fields[name]
        here = f"{below}.{name}".removeprefix(".")
        if entry.shape is None:
            _leaf(target, entry, value, here, path, found)
        elif entry.many:
            _entries(target.setdefault(name, []), value, entry, here, path, found)
            if not target[name]:
                del target[name]
        else:
            inner = target.get(name)
            if inner is None:
                inner = target[name] = {}
            _lay(inner, value, entry.shape, here, path, found)
            if not inner:
                del target[name]


def _leaf(target: Tree, entry: Field, value: Any, here: str, path: str, found: Captured) -> None:
    there = target.get(entry.name)
    if here in _OF_THE_MOMENT or not isinstance(entry.class_of_value(value), Frontend):
        return
    if there is None:
        if entry.name != "name" or not target:
            target[entry.name] = value
            found.added.append(f"{path}.{here}")
    elif entry.name != "name" and entry.scalar is not None and not entry.scalar.same(there, value):
        problem = f"is {told(entry, there)}, but the running domain has {told(entry, value)}"
        way = "what is stored stays; find out why the domain was started with another machine"
        found.findings.append(Finding(f"{path}.{here}", problem, way, "capture"))


def _entries(there: list[Tree], facts: list[Tree], entry: Field, here: str, path: str, found: Captured) -> None:
    assert entry.shape is not None  # noqa: S101 - the caller's case
    free = list(there)
    for index, fact in enumerate(facts):
        met = _met(free, fact, entry, index, len(facts))
        if met is None:
            made: Tree = deepcopy(fact)
            there.append(made)
            found.added.append(f"{path}.{here}[{len(there) - 1}]")
            continue
        free = [other for other in free if other is not met]
        number = next(number for number, other in enumerate(there) if other is met)
        _lay(met, fact, entry.shape, f"{here}[{number}]", path, found)


def _met(free: list[Tree], fact: Tree, entry: Field, index: int, many: int) -> Tree | None:
    """The entry that a fact is about."""
    assert entry.shape is not None  # noqa: S101 - the caller's case
    key = entry.shape.key
    if not key:
        return free[0] if free and len(free) == many - index else None
    named = [other for other in free if fact.get(key) is not None and other.get(key) == fact[key]]
    if named:
        return named[0]
    if key != "name":
        return None
    told_by = KINDS[entry.name].met_by if entry.name in KINDS else ()
    values = [_lower(at(fact, dotted)) for dotted in told_by]
    if values and None not in values:
        alike = [other for other in free if [_lower(at(other, dotted)) for dotted in told_by] == values]
        if alike:
            return alike[0]
    placed = [other for other in free if fact.get("address") and other.get("address") == fact["address"]]
    if placed:
        return placed[0]
    return free[0] if len(free) == many == 1 else None


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
