"""What a rule set derives of controllers: what follows from model, index and place is in the XML alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from webhook.domain.address import parts_of
from webhook.domain.implied import with_implied, without_implied
from webhook.domain.root_ports import FUNCTIONS, folded, unfolded
from webhook.machines.lookup import find
from webhook.machines.machine import Machine
from webhook.rule_sets import NEWEST
from webhook.trees import Tree


def derived(controller: Tree, machine: Machine | None) -> Tree:
    """The elements that the machine's rules give a controller, as far as what they follow from is stated."""
    rules = machine.derived.get(controller.get("model", "")) if machine and controller.get("type") == "pci" else None
    made: Tree = {}
    for element, fields in (rules or {}).items():
        for name, rule in fields.items():
            value = _value(rule, controller)
            if value is not None:
                made.setdefault(element, {})[name] = value
    return made


def _value(rule: Any, controller: Tree) -> Any:
    if rule == "$index":
        return controller.get("index")
    if rule == "$port":
        there = parts_of(controller)
        return there["slot"] * FUNCTIONS + there["function"] if there.get("type") == "pci" else None
    return rule


def whole(domain: Tree, rule_set: str = NEWEST) -> Tree:
    """The domain with all that its silence means, as libvirt has it: each controller for itself, and the root."""
    return _with(with_implied(domain), controllers_of(domain, rule_set))


def controllers_of(domain: Tree, rule_set: str = NEWEST) -> list[Tree]:
    """All controllers of a domain as libvirt has them."""
    machine = machine_of(domain, rule_set)
    found = [_filled(entry, derived(entry, machine)) for entry in unfolded(_listed(domain))]
    if machine is not None and not any(each.get("type") == "pci" and each.get("index") == 0 for each in found):
        found = [root_of(machine), *found]
    return found


def compact(domain: Tree, rule_set: str = NEWEST) -> Tree:
    """The reverse: without what is meant by silence, and with runs of root ports. A root bus that is stated stays."""
    machine = machine_of(domain, rule_set)
    return _with(without_implied(domain), folded(without_derived(entry, machine) for entry in _listed(domain)))


def root_of(machine: Machine) -> Tree:
    """The root bus of a machine, which each has: it is not stored where it would be the first controller."""
    bus = machine.bus
    made: Tree = {"name": "pci-0", "type": "pci", "index": 0, "model": bus.root}
    if bus.root_device:
        made["bridge"] = {"name": bus.root_device}
        made["target"] = dict(bus.root_target)
    return made


def machine_of(domain: Tree, rule_set: str = NEWEST) -> Machine | None:
    """The domain's machine, None where no rule set has it."""
    kind = domain.get("os", {}).get("type", {})
    return find(kind.get("arch", ""), kind.get("machine", ""), rule_set)


def without_derived(controller: Tree, machine: Machine | None) -> Tree:
    """A controller without the values that are the derived ones."""
    made = dict(controller)
    for element, fields in derived(controller, machine).items():
        there = made.get(element)
        if there:
            made[element] = {name: value for name, value in there.items() if fields.get(name) != value}
            if not made[element]:
                del made[element]
    return made


def _filled(controller: Tree, rules: Tree) -> Tree:
    """A controller with derived values where it says none."""
    return {**controller, **{name: {**fields, **controller.get(name, {})} for name, fields in rules.items()}}


def _listed(domain: Tree) -> list[Tree]:
    listed: list[Tree] = domain.get("devices", {}).get("controllers", [])
    return listed


def _with(domain: Tree, controllers: Iterable[Tree]) -> Tree:
    devices = {**domain.get("devices", {}), "controllers": list(controllers)}
    if not devices["controllers"]:
        del devices["controllers"]
    return {**domain, "devices": devices} if devices else {name: domain[name] for name in domain if name != "devices"}
