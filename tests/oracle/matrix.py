"""VMs of every machine: all pairs of what a tenant can ask for, and more at random from a fixed seed."""

from __future__ import annotations

import itertools
import random
from typing import Any

from webhook.trees import Tree

# At least so many of each machine.
LEAST = 52

MACHINES: dict[str, Tree] = {
    "q35": {"machine": "q35"},
    "i440fx": {"machine": "i440fx"},
    "virt-aarch64": {"arch": "aarch64"},
    "s390-ccw-virtio": {"arch": "s390x"},
    "pseries": {"arch": "ppc64le"},
    "virt-riscv64": {"arch": "riscv64"},
}
_X86 = ("q35", "i440fx")


def _storages(machine: str) -> list[list[Tree]]:
    buses = {
        "q35": ["virtio", "virtio-scsi", "sata", "usb"],
        "i440fx": ["virtio", "virtio-scsi", "ide", "usb"],
        "s390-ccw-virtio": ["virtio", "virtio-scsi"],
    }.get(machine, ["virtio", "virtio-scsi", "usb"])
    one_each = [{"type": "disk", "source": f"disk-{bus}", "interface": bus} for bus in buses]
    return [
        [{"type": "disk", "source": "root", "bootOrder": 1}],
        [{"type": "cdrom", "source": "iso"}, {"type": "disk", "source": "root", "serial": "S-1"}],
        [*one_each, {"type": "cdrom"}],
        [{"type": "disk", "source": f"data-{n}", "interface": "virtio-scsi"} for n in range(9)],
        [{"type": "disk", "source": f"data-{n}", "interface": "virtio"} for n in range(8)],
        [],
    ]


def _networks(machine: str) -> list[list[Tree]]:
    models = ["virtio"]
    if machine in (*_X86, "pseries"):
        models += ["e1000e", "e1000", "rtl8139"] if machine != "i440fx" else ["e1000", "rtl8139"]
    return [
        [{"source": "net"}],
        [{"source": "net", "mac": "52:54:00:00:00:01", "bootOrder": 2}, {"source": "other"}],
        [{"source": f"net-{model}", "model": model} for model in models],
        [{"source": f"net-{n}"} for n in range(10)],
        [],
    ]


def _factors(machine: str) -> dict[str, list[Any]]:
    """What can be asked on a machine, each with its values; None is: not said."""
    pc = machine in _X86
    factors: dict[str, list[Any]] = {
        "type": ["linux", "other", "fedora", *(["windows"] if pc else [])],
        "graphics": [None, "vnc", *(["spice"] if pc else []), False],
        "storage": _storages(machine),
        "network": _networks(machine),
        "cpu": [None, {"count": 3}, {"topology": {"sockets": 2, "cores": 2, "threads": 1}}],
        "memory": [None, 2048, "4Gi"],
        "rng": [None, True],
        "console": [None, True, False],
        "guestAgent": [None, True, False],
        "balloon": [None, True, False],
        "input": [None, "tablet", "mouse", "keyboard"],
    }
    if machine == "virt-riscv64":
        factors["cpu"] = [None, {"count": 3}]
    if machine != "s390-ccw-virtio":
        factors["tpm"] = [None, True]
    if machine in (*_X86, "s390-ccw-virtio"):
        factors["watchdog"] = [None, True]
    if machine not in ("s390-ccw-virtio", "pseries"):
        factors["sound"] = [None, True]
    if pc:
        factors["numa"] = [None, [{"cpus": [0], "memory": "1Gi"}, {"cpus": [1], "memory": "1Gi"}]]
    if machine == "q35":
        factors["firmware"] = [None, "bios", "efi"]
    return factors


def vms(machine: str) -> list[Tree]:
    """`spec.features` of the machine's VMs, the same in every run."""
    factors = _factors(machine)
    chance = random.Random(machine)
    rows = _pairwise(factors, chance)
    while len(rows) < LEAST:
        rows.append({name: chance.choice(range(len(values))) for name, values in factors.items()})
    return [_features({name: factors[name][which] for name, which in row.items()}, machine) for row in rows]


def _pairwise(factors: dict[str, list[Any]], chance: random.Random) -> list[dict[str, int]]:
    """Rows (the number of each factor's value) in which every pair of values of two factors meets at least once."""
    open_pairs = {
        (one, i, other, j)
        for one, other in itertools.combinations(factors, 2)
        for i in range(len(factors[one]))
        for j in range(len(factors[other]))
    }
    rows: list[dict[str, int]] = []
    while open_pairs:
        row: dict[str, int] = {}
        one, i, other, j = min(open_pairs)
        row[one], row[other] = i, j
        for name in chance.sample(list(factors), len(factors)):
            if name not in row:
                row[name] = max(
                    range(len(factors[name])), key=lambda which, name=name: _gain(row, name, which, open_pairs)
                )
        open_pairs -= {(a, row[a], b, row[b]) for a, b in itertools.combinations(factors, 2)}
        rows.append(row)
    return rows


def _gain(row: dict[str, int], name: str, which: int, open_pairs: set[tuple[str, int, str, int]]) -> int:
    return sum(
        (other, value, name, which) in open_pairs or (name, which, other, value) in open_pairs
        for other, value in row.items()
    )


def _features(values: Tree, machine: str) -> Tree:
    """The words of a tenant; two NUMA cells have two vCPUs, and memory of their own."""
    said = {name: value for name, value in values.items() if value is not None and name not in ("type", "firmware")}
    system = {"type": values["type"], **MACHINES[machine]}
    if values.get("firmware"):
        system["firmware"] = values["firmware"]
    if said.get("numa"):
        said.pop("memory", None)
        said["cpu"] = {"topology": {"sockets": 2}}
    return {"system": system, **said}
