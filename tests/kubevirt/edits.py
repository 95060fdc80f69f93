"""A VM of kubevirt.io/v1 as tests write it, and what its owner does to it later."""

from __future__ import annotations

import copy
from typing import Any

from tests.kubevirt.kubevirt import Tree

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

    `disk` or `card` adds (`at` a place in the list), `drop` removes, `reverse` turns a list round, `memory` is the
    guest's, `cores` of one socket, `boot` the disk that it boots from, `set` states fields of the devices; null removes them.
    """
    template = vm["spec"]["template"]["spec"]
    devices = template["domain"]["devices"]
    match asked:
        case {"disk": name, "bus": bus}:
            _insert(devices["disks"], {"name": name, asked.get("device", "disk"): {"bus": bus}}, asked)
            template["volumes"].append({"name": name, "persistentVolumeClaim": {"claimName": name}})
        case {"card": name}:
            first = not devices["interfaces"]
            _insert(devices["interfaces"], {"name": name, **({"masquerade": {}} if first else {"bridge": {}})}, asked)
            template["networks"].append({"name": name, **({"pod": {}} if first else {"multus": {"networkName": name}})})
        case {"drop": name}:
            for lists in ((devices["disks"], template["volumes"]), (devices["interfaces"], template["networks"])):
                for listed in lists:
                    listed[:] = [each for each in listed if each["name"] != name]
        case {"reverse": name}:
            devices[name].reverse()
        case {"memory": size}:
            template["domain"]["memory"]["guest"] = size
        case {"cores": number}:
            template["domain"]["cpu"]["cores"] = number
        case {"boot": name}:
            for each in devices["disks"]:
                each.pop("bootOrder", None)
                if each["name"] == name:
                    each["bootOrder"] = 1
        case {"set": fields}:
            _state(devices, fields)
        case _:
            raise ValueError(f"no such edit: {asked}")


def _state(devices: Tree, fields: Tree) -> None:
    for name, value in fields.items():
        if value is None:
            devices.pop(name, None)
        else:
            devices[name] = copy.deepcopy(value)


def _insert(entries: list[Tree], entry: Tree, asked: Edit) -> None:
    entries.insert(asked.get("at", len(entries)), entry)
