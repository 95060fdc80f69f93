"""Limits on quantities of KubeVirt's machines, and machines on either side of each."""

from __future__ import annotations

from typing import Any

from tests.kubevirt.objects import around

# Such a policy, for the namespace that is named.
POLICY = """apiVersion: policy.vmconfig.kubevirt.io/v1
kind: KubeVirtPolicy
metadata: {name: amounts}
match: {namespaces: {names: [NAMESPACE]}}
rules:
  - {name: memory, forbid: {path: vmi.domain.memory.guest}, when: {above: 8Gi}}
  - {name: bytes, forbid: {path: vmi.domain.memory.maxGuest}, when: {in: [17179869184]}}
  - {name: cores, forbid: {path: vmi.domain.resources.requests.cpu}, when: {above: 4}}
  - {name: parts, forbid: {path: vmi.domain.resources.limits.cpu}, when: {below: 1500m}}
  - {name: disks, forbid: {path: "vmi.volumes[*].emptyDisk.capacity"}, when: {not-in: [1Gi, 2Gi]}}
  - {name: exponents, forbid: {path: vmi.domain.resources.requests.memory}, when: {matches: "[0-9]+e[0-9]+"}}
  - name: storage
    forbid: {path: "vm.dataVolumeTemplates[*].spec.storage.resources.requests.storage"}
    when: {above: 500Gi}
  - name: claims
    forbid: {path: "vm.dataVolumeTemplates[*].spec.pvc.resources.requests.storage"}
    when: {above: 500Gi}
  - name: same
    forbid: {path: vmi.domain.resources.limits.memory}
    when: {not-equals: vmi.domain.resources.requests.memory}
...
"""


def memory(value: object) -> dict[str, Any]:
    return {"domain": {"memory": {"guest": value}}}


def resources(**kinds: dict[str, object]) -> dict[str, Any]:
    return {"domain": {"resources": kinds}}


def disk(value: object) -> dict[str, Any]:
    return {"volumes": [{"name": "scratch", "emptyDisk": {"capacity": value}}]}


def storage(size: object, of: str = "storage") -> dict[str, Any]:
    spec = {"source": {"blank": {}}, of: {"resources": {"requests": {"storage": size}}}}
    return {"dataVolumeTemplates": [{"metadata": {"name": "data"}, "spec": spec}]}


def machine(part: dict[str, Any]) -> dict[str, Any]:
    """A VirtualMachine with a part of its instance's spec, or of its own."""
    own = {name: value for name, value in part.items() if name == "dataVolumeTemplates"}
    return around("VirtualMachine", {name: value for name, value in part.items() if name not in own}, own, {})


# Parts of a machine, each with the rule that refuses it.
REFUSED: list[tuple[dict[str, Any], str]] = [
    *((memory(value), "memory") for value in ("8193Mi", "9Gi", "8589934593", 8589934593, "8.0001Gi", "1e10", "10G")),
    ({"domain": {"memory": {"maxGuest": "16Gi"}}}, "bytes"),
    *((resources(requests={"cpu": value}), "cores") for value in ("5", 5, "4001m", "4.1", "1k")),
    *((resources(limits={"cpu": value}), "parts") for value in ("1", 1, "1499m")),
    *((disk(value), "disks") for value in ("3Gi", "1G", "1Mi")),
    (resources(requests={"memory": "1e9"}), "exponents"),
    *((storage(value), "storage") for value in ("501Gi", "1Ti", 536870912001)),
    (storage("1Ti", of="pvc"), "claims"),
    (resources(requests={"memory": "1Gi"}, limits={"memory": "1025Mi"}), "same"),
]
TAKEN = [
    *(memory(value) for value in ("8Gi", "8192Mi", "8589934592", 8589934592, "8e9", "1M", "512")),
    {"domain": {"memory": {"maxGuest": "16G"}}},
    *(resources(requests={"cpu": value}) for value in ("4", 4, "4000m", "0.5")),
    *(resources(limits={"cpu": value}) for value in ("1.5", 2, "1500m")),
    *(storage(value) for value in ("500Gi", "512000Mi", "10G", 1000000)),
    storage("500Gi", of="pvc"),
    *(disk(value) for value in ("1Gi", "1024Mi", "2147483648")),
    *(resources(requests={"memory": value}) for value in ("1Gi", 1000000000)),
    resources(requests={"memory": "1Gi"}, limits={"memory": "1024Mi"}),
]
