"""The reviews that are sent: creations of one VM, before and after mutation, with unlike names."""

from __future__ import annotations

import base64
import functools
from pathlib import Path

import jsonpatch
import orjson
import yaml

from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.review import answer, parse
from webhook.kinds import declared_fields
from webhook.policy import Policies, shipped
from webhook.trees import Tree

EXAMPLE = Path(__file__).parents[1] / "examples" / "proposal-features.yaml"
# Distinct VMs, so that nothing is served from a memory of the last one.
VARIANTS = 64


def context() -> AdmissionContext:
    return AdmissionContext(policies=Policies(shipped(), declared_fields()))


@functools.cache
def _example() -> bytes:
    # As JSON, since the loads make thousands of these and reading YAML would be the slowest thing in the bench.
    return orjson.dumps(yaml.safe_load(EXAMPLE.read_text()))


def vm(number: int, disks: int = 0) -> Tree:
    """The proposal's features example under another name, with its own claim and MAC address; or with many disks."""
    tree: Tree = orjson.loads(_example())
    tree["metadata"].update(name=f"vm-{number}", namespace="default")
    features = tree["spec"]["features"]
    features["storage"][1]["source"] = f"disk-of-vm-{number}"
    features["network"][0]["mac"] = f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"
    if disks:
        features["storage"] = [
            {"type": "disk", "interface": "virtio", "source": f"disk-{number}-{disk}"} for disk in range(disks)
        ]
    return tree


def review(obj: Tree) -> bytes:
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": "kubevirt.io", "version": "v1alpha1", "kind": "VM"},
        "resource": {"group": "kubevirt.io", "version": "v1alpha1", "resource": "vmdefinitions"},
        "requestKind": {"group": "kubevirt.io", "version": "v1alpha1", "kind": "VM"},
        "name": obj["metadata"]["name"],
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {"username": "tenant", "uid": "1", "groups": ["tenants", "system:authenticated"]},
        "object": obj,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return orjson.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request})


def stored(body: bytes, used: AdmissionContext) -> tuple[Tree, bytes]:
    """The object as it would be stored, and the answer of the mutating webhook."""
    made = answer("705ab4f5-6393-11e8-b7cc-42010a800002", mutate(parse(body), used))
    response = orjson.loads(made)["response"]
    patch = orjson.loads(base64.b64decode(response["patch"]))
    return jsonpatch.apply_patch(orjson.loads(body)["request"]["object"], patch), made


def pairs(disks: int = 0, count: int = VARIANTS) -> list[tuple[bytes, bytes]]:
    """Bodies of /mutate and of the /validate that follows it."""
    used = context()
    found = []
    for number in range(count):
        body = review(vm(number, disks))
        found.append((body, review(stored(body, used)[0])))
    return found
