"""The container beside a virtual machine of KubeVirt's that restates its domain: what the launcher's pod gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.trees import Tree

LABEL, LAUNCHER = "kubevirt.io", "virt-launcher"
# Where KubeVirt's launcher looks for the sockets of plugins: a volume that it makes where the gate `Plugins` is on.
VOLUME = "kubevirt-plugin-sockets"
# A pod that only has claims bound, and ends at once.
_PROVISIONING = "kubevirt.io/ephemeral-provisioning"
_COMPUTE = "compute"
# The user that KubeVirt's launcher is, unless it is root.
_USER = 107
_MEASURED = ("cpu", "memory")


def wanted(pod: Any) -> bool:
    """Whether this is the pod of a machine that is kept."""
    metadata = pod.get("metadata") if type(pod) is dict else None
    if type(metadata) is not dict:
        return False
    labels, annotations = metadata.get("labels"), metadata.get("annotations")
    if type(labels) is not dict or labels.get(LABEL) != LAUNCHER or type(annotations) is not dict:
        return False
    return ANNOTATION in annotations and _PROVISIONING not in annotations


def has_sockets(pod: Tree) -> bool:
    """Whether KubeVirt has given the pod the volume for sockets of plugins."""
    return any(volume.get("name") == VOLUME for volume in _entries(pod, "volumes"))


def addition(pod: Tree, container: Mapping[str, Any]) -> list[Tree]:
    """The patch that adds this container, started before the launcher; none where one of its name is there."""
    if any(each.get("name") == container["name"] for each in _containers(pod)):
        return []
    made = {**container, "resources": _resources(pod, container.get("resources") or {})}
    user = {"runAsUser": _user(pod), "runAsGroup": _user(pod)}
    made["securityContext"] = {**(container.get("securityContext") or {}), **user}
    if type(pod["spec"].get("initContainers")) is list:
        return [{"op": "add", "path": "/spec/initContainers/-", "value": made}]
    return [{"op": "add", "path": "/spec/initContainers", "value": [made]}]


def _resources(pod: Tree, stated: Mapping[str, Any]) -> Tree:
    """What is asked for and allowed, so that the pod stays in its class of service: CPUs of its own need a pod whose
    containers all ask for what they may use; elsewhere a limit of CPU only makes a start slower."""
    limits, requests = dict(stated.get("limits") or {}), dict(stated.get("requests") or {})
    if all(_guaranteed(each) for each in _containers(pod)):
        return {"limits": limits, "requests": dict(limits)}
    if not any("cpu" in _part(each, "limits") for each in _containers(pod)):
        limits.pop("cpu", None)
    return {"limits": limits, "requests": requests}


def _guaranteed(container: Tree) -> bool:
    limits, requests = _part(container, "limits"), _part(container, "requests")
    return all(name in limits and requests.get(name, limits[name]) == limits[name] for name in _MEASURED)


def _part(container: Tree, name: str) -> Tree:
    resources = container.get("resources")
    part = resources.get(name) if type(resources) is dict else None
    return part if type(part) is dict else {}


def _user(pod: Tree) -> int:
    """The user of the launcher, whose socket it is; never root."""
    compute = [each for each in _entries(pod, "containers") if each.get("name") == _COMPUTE]
    for owner in (*compute, pod["spec"]):
        context = owner.get("securityContext")
        user = context.get("runAsUser") if type(context) is dict else None
        if type(user) is int and user > 0:
            return user
    return _USER


def _containers(pod: Tree) -> list[Tree]:
    return [*_entries(pod, "containers"), *_entries(pod, "initContainers")]


def _entries(pod: Tree, name: str) -> Iterator[Tree]:
    spec = pod.get("spec")
    entries = spec.get(name) if type(spec) is dict else None
    return (each for each in (entries if type(entries) is list else ()) if type(each) is dict)
