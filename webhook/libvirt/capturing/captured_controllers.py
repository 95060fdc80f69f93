"""The controllers of a running domain beside those of its VM, of which some are stored as less than they are."""

from __future__ import annotations

from collections.abc import Iterator

from webhook.declare import told
from webhook.domain import domain_shape
from webhook.domain.root_ports import folded, is_run, ports_of, unfolded
from webhook.findings import Finding
from webhook.machines.controllers import derived, machine_of, root_of, without_derived
from webhook.machines.machine import Machine
from webhook.trees import Tree

_WAY = "what is stored stays; find out why the domain was started with another machine"


def settle_controllers(stored: Tree, facts: Tree, path: str) -> list[Finding]:
    """Leave of the facts, in place, what a capture may add; returns where they are not what is stored.

    The ports of a stored run, what is derived of a stored controller and the root bus are there without being written.
    """
    devices = facts.get("devices", {})
    controllers = stored.get("devices", {}).get("controllers", [])
    machine = machine_of(stored if stored.get("os") else facts)
    found = [without_derived(entry, machine) for entry in unfolded(devices.get("controllers", []))]
    if machine is not None:
        found = [entry for entry in found if entry != root_of(machine)]
    findings: list[Finding] = []
    for index, entry in enumerate(controllers):
        here = f"{path}.devices.controllers[{index}]"
        if is_run(entry):
            findings += _of_run(entry, found, here)
        else:
            findings += _of_derived(entry, found, machine, here)
    if "controllers" in devices:
        devices["controllers"] = folded(found)
        if not devices["controllers"]:
            del devices["controllers"]
    return findings


def _of_run(run: Tree, found: list[Tree], here: str) -> Iterator[Finding]:
    """Take the ports of a run out of what was found; a finding for each that is another one."""
    by_index = {entry.get("index"): entry for entry in found if entry.get("type") == "pci"}
    for port in ports_of(run):
        there = by_index.get(port["index"])
        if there is not None:
            found.remove(there)
            if there != port:
                yield Finding(here, f"port {port['index']} is another one in the running domain", _WAY, "capture")


def _of_derived(entry: Tree, found: list[Tree], machine: Machine | None, here: str) -> Iterator[Finding]:
    """Values that are not stored because they are derived, where the running domain has others."""
    there = next((each for each in found if _is(each, entry)), None)
    if there is None:
        return
    for element, fields in derived(entry, machine).items():
        for name in [name for name in there.get(element, {}) if name in fields and name not in entry.get(element, {})]:
            value = there[element].pop(name)
            problem = (
                f"is {_told(element, name, fields[name])}, but the running domain has {_told(element, name, value)}"
            )
            yield Finding(f"{here}.{element}.{name}", problem, _WAY, "capture")


def _is(one: Tree, other: Tree) -> bool:
    return (one.get("type"), one.get("index")) == (other.get("type"), other.get("index"))


def _told(element: str, name: str, value: object) -> str:
    devices = domain_shape().fields["devices"].shape
    assert devices is not None  # noqa: S101 - devices are an element
    controller = devices.fields["controllers"].shape
    assert controller is not None  # noqa: S101 - a controller is an element
    inner = controller.fields[element].shape
    return told(inner.fields[name] if inner else None, value)
