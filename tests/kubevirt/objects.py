"""Objects of KubeVirt's kinds around the spec of an instance, and their reviews."""

from __future__ import annotations

from typing import Any

from webhook.admission.review import Review
from webhook.trees import Tree

# Kinds that have the spec of an instance, each with the prefixes of paths of its parts.
PREFIXES = {
    "VirtualMachine": {
        "vm": "spec",
        "vmi": "spec.template.spec",
        "annotations": "spec.template.metadata.annotations",
        "labels": "spec.template.metadata.labels",
    },
    "VirtualMachineInstance": {
        "vmi": "spec",
        "annotations": "metadata.annotations",
        "labels": "metadata.labels",
    },
    "VirtualMachineInstanceReplicaSet": {
        "vmi": "spec.template.spec",
        "annotations": "spec.template.metadata.annotations",
        "labels": "spec.template.metadata.labels",
    },
    "VirtualMachineSnapshotContent": {
        "vm": "spec.source.virtualMachine.spec",
        "vmi": "spec.source.virtualMachine.spec.template.spec",
        "annotations": "spec.source.virtualMachine.spec.template.metadata.annotations",
        "labels": "spec.source.virtualMachine.spec.template.metadata.labels",
    },
    "VirtualMachinePool": {
        "vm": "spec.virtualMachineTemplate.spec",
        "vmi": "spec.virtualMachineTemplate.spec.template.spec",
        "annotations": "spec.virtualMachineTemplate.spec.template.metadata.annotations",
        "labels": "spec.virtualMachineTemplate.spec.template.metadata.labels",
    },
}
VERSIONS = {
    "VirtualMachine": "kubevirt.io/v1",
    "VirtualMachineInstance": "kubevirt.io/v1",
    "VirtualMachineInstanceReplicaSet": "kubevirt.io/v1",
    "VirtualMachineInstancePreset": "kubevirt.io/v1",
    "VirtualMachinePool": "pool.kubevirt.io/v1beta1",
    "VirtualMachineInstancetype": "instancetype.kubevirt.io/v1beta1",
    "VirtualMachineClusterInstancetype": "instancetype.kubevirt.io/v1beta1",
    "VirtualMachinePreference": "instancetype.kubevirt.io/v1beta1",
    "VirtualMachineClusterPreference": "instancetype.kubevirt.io/v1beta1",
    "VirtualMachineClone": "clone.kubevirt.io/v1beta1",
    "VirtualMachineRestore": "snapshot.kubevirt.io/v1beta1",
    "VirtualMachineSnapshotContent": "snapshot.kubevirt.io/v1beta1",
}


def manifest(kind: str, spec: Tree, metadata: Tree | None = None) -> Tree:
    """An object of a kind."""
    named = {"name": "web", "namespace": "team-a", **(metadata or {})}
    return {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": named, "spec": spec}


def around(kind: str, vmi: Tree, vm: Tree, metadata: Tree) -> Tree:
    """An object of a kind that has an instance's spec in it."""
    template = {"metadata": metadata, "spec": vmi}
    if kind == "VirtualMachineInstance":
        return manifest(kind, vmi, metadata)
    if kind == "VirtualMachineInstanceReplicaSet":
        return manifest(kind, {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template})
    if kind == "VirtualMachinePool":
        inner = {"metadata": {}, "spec": {**vm, "template": template}}
        return manifest(kind, {"replicas": 1, "selector": {}, "virtualMachineTemplate": inner})
    if kind == "VirtualMachineSnapshotContent":
        return manifest(kind, {"source": {"virtualMachine": {"metadata": {}, "spec": {**vm, "template": template}}}})
    return manifest(kind, {**vm, "template": template})


def review(obj: Any, old: Any = None, *, user: str = "jane", kind: str = "") -> Review:
    """The review of a creation, or of an update of what is stored."""
    metadata = obj.get("metadata") or {}
    return Review(
        uid="1",
        operation="CREATE" if old is None else "UPDATE",
        kind=kind or obj["kind"],
        namespace=metadata.get("namespace", ""),
        name=metadata.get("name", ""),
        object=obj,
        old_object=old,
        user=user,
        groups=("system:authenticated",),
        dry_run=False,
        subresource="",
    )
