"""A VM of kubevirt.io/v1 as tests write it, and what its owner does to it later."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from webhook.trees import Tree

Edit = dict[str, Any]


def machine(cards: int = 2, disks: tuple[str, ...] = ("virtio",), **devices: Any) -> Tree:
    """A stopped VM with as many cards, and a disk on each of these buses; the first one boots."""
    vm: Tree = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": {"name": "vm", "namespace": "tenant"},
        "spec": {
            "runStrategy": "Halted",
            "template": {
                "spec": {
                    "domain": {
                        "machine": {"type": "pc-q35-7.2"},
                        "cpu": {"cores": 2, "model": "qemu64"},
                        "memory": {"guest": "4Gi"},
                        "devices": {"disks": [], "interfaces": [], **devices},
                    },
                    "networks": [],
                    "volumes": [],
                }
            },
        },
    }
    for at in range(cards):
        edit(vm, {"card": f"net{at}"})
    for at, bus in enumerate(disks):
        edit(vm, {"disk": f"disk{at}", "bus": bus})
    if disks:
        devices_of(vm)["disks"][0]["bootOrder"] = 1
    return vm


def devices_of(vm: Tree) -> Tree:
    """The devices of a VM's template."""
    found: Tree = vm["spec"]["template"]["spec"]["domain"]["devices"]
    return found


def edited(vm: Tree, *edits: Edit) -> Tree:
    """A copy of a VM with edits made to it."""
    made = copy.deepcopy(vm)
    for each in edits:
        edit(made, each)
    return made


def edit(vm: Tree, asked: Edit) -> None:
    """One edit, in place.

    `disk` or `card` adds (`at` a place in the list), `drop` removes, `reverse` turns a list round, `boot` is the disk
    that it boots from, `memory` and `cores` are the guest's, `network` adds one for a card that is stated, `set` states
    fields of the devices; null removes them.
    """
    (make,) = [make for word, make in _EDITS.items() if word in asked]
    make(vm["spec"]["template"]["spec"], asked)


def _disk(template: Tree, asked: Edit) -> None:
    name = asked["disk"]
    entry = {"name": name, asked.get("device", "disk"): {"bus": asked["bus"]}}
    _insert(template["domain"]["devices"]["disks"], entry, asked)
    template["volumes"].append({"name": name, "persistentVolumeClaim": {"claimName": name}})


def _card(template: Tree, asked: Edit) -> None:
    name, cards = asked["card"], template["domain"]["devices"]["interfaces"]
    pod = not any("masquerade" in card for card in cards)
    _insert(cards, {"name": name, **({"masquerade": {}} if pod else {"bridge": {}})}, asked)
    template["networks"].append({"name": name, "pod": {}} if pod else _multus(name))


def _multus(name: str) -> Tree:
    return {"name": name, "multus": {"networkName": name}}


def _drop(template: Tree, asked: Edit) -> None:
    devices = template["domain"]["devices"]
    for listed in (devices["disks"], template["volumes"], devices["interfaces"], template["networks"]):
        listed[:] = [each for each in listed if each["name"] != asked["drop"]]


def _boot(template: Tree, asked: Edit) -> None:
    for each in template["domain"]["devices"]["disks"]:
        each.pop("bootOrder", None)
        if each["name"] == asked["boot"]:
            each["bootOrder"] = 1


_EDITS: dict[str, Callable[[Tree, Edit], None]] = {
    "disk": _disk,
    "card": _card,
    "drop": _drop,
    "boot": _boot,
    "reverse": lambda template, asked: template["domain"]["devices"][asked["reverse"]].reverse(),
    "memory": lambda template, asked: template["domain"]["memory"].update(guest=asked["memory"]),
    "cores": lambda template, asked: template["domain"]["cpu"].update(cores=asked["cores"]),
    "network": lambda template, asked: template["networks"].append(_multus(asked["network"])),
    "set": lambda template, asked: _state(template["domain"]["devices"], asked["set"]),
}


def _state(devices: Tree, fields: Tree) -> None:
    for name, value in fields.items():
        if value is None:
            devices.pop(name, None)
        else:
            devices[name] = copy.deepcopy(value)


def _insert(entries: list[Tree], entry: Tree, asked: Edit) -> None:
    entries.insert(asked.get("at", len(entries)), entry)


def on_arm64(vm: Tree) -> Tree:
    """A copy of a VM for arm64's machine."""
    made = copy.deepcopy(vm)
    template = made["spec"]["template"]["spec"]
    template["architecture"] = "arm64"
    template["domain"] |= {"machine": {"type": "virt-7.2"}, "cpu": {"cores": 2, "model": "host-passthrough"}}
    return made
