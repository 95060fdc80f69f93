"""Objects of other kinds than a verb is about: how many there are, and the way from them to what it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from webhook.declare import shown
from webhook.findings import Finding, Refused
from webhook.kinds import GROUP, KINDS

_TEMPLATE = "make its objects first, as `oc process --local -o yaml -f FILE` does, and give what that prints"
# By what there is instead: the way to a VirtualMachine of KubeVirt's, and to a VM of ours.
_TO_KUBEVIRTS = {
    "VirtualMachineInstance": "give its VirtualMachine, or write its `spec` as `spec.template.spec` of one",
    "VirtualMachineInstanceReplicaSet": "write its `template` as that of a VirtualMachine",
    "VirtualMachinePool": "write its `virtualMachineTemplate` as a VirtualMachine",
    "Template": _TEMPLATE,
    "VM": "make a VirtualMachine of it: `vmconfig convert`",
}
_TO_OURS = {"VirtualMachine": "make a VM of it: `vmconfig convert`", "Template": _TEMPLATE}


def counted(kinds: Counter[str]) -> str:
    """Kinds with how many there are of each; empty where there are none."""
    return ", ".join(f"{shown(kind)} {number}" for kind, number in sorted(kinds.items()) if kind)


def skipped(kinds: Counter[str]) -> str:
    """What is left out, in words; empty where nothing is."""
    count = sum(number for kind, number in kinds.items() if kind)
    return f"{count} object{'s' if count > 1 else ''} of other kinds skipped ({counted(kinds)})" if count else ""


def without_vms(sources: Iterable[object], kinds: Counter[str], *, kubevirt: bool) -> Refused:
    """There is no VM of ours, or with `kubevirt` none of KubeVirt's, but what of other kinds there is."""
    what, way = "VM", f"name manifests of {' or '.join(KINDS)} (`apiVersion: {GROUP}/…`)"
    if kubevirt:
        what = "VirtualMachine of KubeVirt's"
        way = "name a manifest of a VirtualMachine (`apiVersion: kubevirt.io/v1`)"
    only = skipped(kinds)
    problem = f"holds no {what}, only {only}" if only else f"holds no {what}"
    ways = _TO_KUBEVIRTS if kubevirt else _TO_OURS
    way = next((known for kind, known in ways.items() if kinds[kind]), way)
    return Refused([Finding(", ".join(map(str, sources)), problem, way, "kind")])
