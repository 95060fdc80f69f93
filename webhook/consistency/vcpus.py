"""How many vCPUs a machine can have, and which of them are there."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import yaml

from webhook import machines
from webhook.consistency.rule import rule
from webhook.declare import shown
from webhook.findings import Finding
from webhook.trees import Tree

# The version in a machine's name that QEMU itself gave it: `pc-q35-7.2`, and not `pc-q35-rhel9.2.0`.
_VERSION = re.compile("-([0-9]+)\\.([0-9]+)$")


@rule
def machine_has_so_many_vcpus(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt refuses more vCPUs than the machine can have (QEMU: max_cpus of the machine's class)."""
    kind = domain.get("os", {}).get("type", {})
    count = domain.get("vcpu", {}).get("count") or 0
    most = _most(kind.get("arch", ""), kind.get("machine", ""))
    if most and count > most:
        problem = f"is {count}, and `{shown(kind['machine'])}` has at most {most}"
        yield Finding(f"{path}.vcpu.count", problem, f"state at most {most}", "vcpu")


@rule
def first_vcpu_is_there(domain: Tree, path: str) -> Iterator[Finding]:
    """libvirt takes vCPUs that are not listed for absent, where some are; the first one never is."""
    vcpus = domain.get("vcpus", ())
    if vcpus and not any(vcpu.get("id") == 0 for vcpu in vcpus):
        way = "add `{id: 0, enabled: true}`, and all others that are there at boot"
        yield Finding(f"{path}.vcpus", "leaves out the first vCPU, which would be absent", way, "vcpu")


@rule
def vcpus_come_in_order(domain: Tree, path: str) -> Iterator[Finding]:
    """Of vCPUs at boot all or none have an order, and those that stay come by number (libvirt: qemu_validate.c)."""
    present = [(index, vcpu) for index, vcpu in enumerate(domain.get("vcpus", ())) if vcpu.get("enabled") is True]
    ordered = [vcpu.get("order") is not None for _, vcpu in present]
    if any(ordered) and not all(ordered):
        index = next(index for (index, _), stated in zip(present, ordered, strict=True) if not stated)
        yield Finding(f"{path}.vcpus[{index}].order", "is missing, other vCPUs have one", "state it, or none", "vcpu")
    elif all(ordered):
        staying = sorted((vcpu.get("id", 0), vcpu["order"], index) for index, vcpu in present if _stays(vcpu))
        for (before, earlier, _), (number, order, index) in itertools.pairwise(staying):
            if order < earlier:
                problem = f"is {order}, before vCPU {before} whose order is {earlier}; those that stay come by number"
                where = f"{path}.vcpus[{index}].order"
                yield Finding(where, problem, f"state more than {earlier} for vCPU {number}", "vcpu")


def _stays(vcpu: Tree) -> bool:
    return vcpu.get("hotpluggable") is False or vcpu.get("id") == 0


# Names come from tenants, so that the answers are bounded.
@lru_cache(1024)
def _most(arch: str, name: str) -> int:
    """The most vCPUs of a machine; 0 where the machine is unknown, or its vendor's own."""
    family = machines.family(arch, name)
    version = _VERSION.search(name)
    newest = (int(version[1]), int(version[2])) if version else (10**6, 0)
    found = [
        row["vcpus"] for row in _rows() if (row["family"], row["arch"]) == (family, arch) and newest >= _since(row)
    ]
    return found[-1] if found else 0


def _since(row: Tree) -> tuple[int, int]:
    major, _, minor = str(row.get("since", "0.0")).partition(".")
    return int(major), int(minor)


# Package data, read once.
@cache
def _rows() -> tuple[Tree, ...]:
    return tuple(yaml.safe_load(Path(__file__).with_name("vcpus.yaml").read_text()))
