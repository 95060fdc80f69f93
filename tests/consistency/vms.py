"""A VM around a part of a domain: the machine, memory, vCPUs, a disk and a NIC; and what the webhooks say of it."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.declare.tree import copied
from webhook.features.platform import Site
from webhook.findings import Finding
from webhook.kinds import declared_fields
from webhook.policy import Policies
from webhook.trees import Tree

ROOT = Path(__file__).parents[2]
PRIVILEGED = {"vmconfig.kubevirt.io/enforce": "privileged"}
MACHINES: dict[str, Tree] = {
    "q35": {"machine": "q35"},
    "i440fx": {"machine": "i440fx"},
    "virt-aarch64": {"arch": "aarch64"},
    "s390-ccw-virtio": {"arch": "s390x"},
    "pseries": {"arch": "ppc64le"},
    "virt-riscv64": {"arch": "riscv64"},
}


@cache
def policies() -> Policies:
    """The shipped policies, read once."""
    return Policies(ROOT / "policies", declared_fields())


def context() -> AdmissionContext:
    """An emulated site whose admin permits all that can be permitted, with identities that are the same each time."""
    made = random.Random("identities").randbytes
    return AdmissionContext(policies(), site=Site(domain_type="qemu"), labels=lambda _: PRIVILEGED, entropy=made)


def vm(machine: str, domain: Tree) -> Tree:
    """The object that a tenant sends who states this much of the domain."""
    features: Tree = {"system": {"type": "linux", **MACHINES[machine]}, "memory": 1024, "cpu": {"count": 2}}
    features["storage"] = [{"type": "disk", "source": "root"}]
    features["network"] = [{"source": "net"}]
    if domain.get("memory") or domain.get("cpu", {}).get("numa"):
        del features["memory"]
    if domain.get("vcpu") or domain.get("cpu", {}).get("topology"):
        del features["cpu"]
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm", "namespace": "tenant"}}
    return {**head, "spec": {"features": features, "domain": copied(domain)}}


def checked(obj: Tree, context: AdmissionContext) -> tuple[Tree | None, list[Finding]]:
    """The domain as it would be stored, where it can be made at all, and what check finds."""
    made, findings, _ = expand_object(obj, context)
    return (made["spec"]["domain"] if made is not None else None), findings
