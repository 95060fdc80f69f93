"""A name that the API does not know is refused with the nearest one, whichever client sends it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.cluster.cluster import Cluster
from tests.e2e.conftest import Tenant
from tests.e2e.service import Service, install
from tests.waiting import until
from webhook.kinds import KINDS, VM, VM_CONFIG, Kind
from webhook.trees import Tree

# A client, and whether it refuses what it is to refuse: the objects are given to it as JSON.
Client = Callable[[Cluster, str, Kind, Tree], tuple[bool, str]]
# Typos at every depth, and what is said of each.
TYPOS: Tree = {
    "feature": {"memory": 512},
    "features": {
        "memroy": "8Gi",
        "cpus": 4,
        "sytem": {"type": "debian"},
        "cpu": {"topology": {"socket": 2}},
        "storage": [{"type": "disk", "source": "a", "bootorder": 1}],
    },
    "abi": {"polcy": "latest"},
    "domain": {
        "memroy": {"size": 512},
        "devices": {"disks": [{"name": "a", "boot_order": 1, "target": {"buss": "sata"}}]},
    },
}
NEAREST = {
    "feature": "features",
    "features.memroy": "memory",
    "features.sytem": "system",
    "features.cpu.topology.socket": "sockets",
    "features.storage[0].bootorder": "bootOrder",
    "abi.polcy": "policy",
    "domain.memroy": "memory",
    "domain.devices.disks[0].boot_order": "bootOrder",
    "domain.devices.disks[0].target.buss": "bus",
}
# A word that stands for a field of an element, and what to write.
BELOW = {"features.cpus": "`count` stands in `cpu`: write `cpu: {count: …}`"}


def whole(kind: Kind, spec: Tree, name: str) -> Tree:
    """An object of this kind with this spec of a VM."""
    for key in reversed(kind.spec):
        spec = {key: spec}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": kind.name, "metadata": {"name": name}, **spec}


def kubectl(validation: str) -> Client:
    """Kubectl, and how strictly it asks the API server to look at fields."""

    def send(cluster: Cluster, namespace: str, _: Kind, obj: Tree) -> tuple[bool, str]:
        words = ("-n", namespace, "create", f"--validate={validation}", "-f", "-")
        done = cluster.kubectl(*words, input=json.dumps(obj), check=False)
        return done.returncode == 0, done.stderr

    return send


def post(cluster: Cluster, namespace: str, kind: Kind, obj: Tree) -> tuple[bool, str]:
    """A bare request, which asks for nothing."""
    with cluster.client() as client:
        answer = client.post(f"/apis/kubevirt.io/v1alpha1/namespaces/{namespace}/{kind.plural}", json=obj)
    return answer.status_code == 201, answer.text


CLIENTS: dict[str, Client] = {
    **{f"kubectl --validate={each}": kubectl(each) for each in ("strict", "warn", "ignore")},
    "a bare POST": post,
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_typo_is_told_the_nearest_name_by_every_client(tenant: Tenant, client: str, kind: Kind) -> None:
    created, said = CLIENTS[client](tenant.cluster, tenant.namespace, kind, whole(kind, TYPOS, "typo"))
    assert not created
    text = " ".join(said.replace("\\n", " ").split())
    ways = {**{path: f"did you mean `{nearest}`?" for path, nearest in NEAREST.items()}, **BELOW}
    for path, way in ways.items():
        assert f"{kind.spec_path}.{path}: is not a field of the API help: {way}" in text, text
    assert tenant.kubectl("get", kind.plural, "-o", "name").stdout == ""


@pytest.mark.parametrize("client", CLIENTS)
def test_without_the_typo_every_client_creates_it(tenant: Tenant, client: str) -> None:
    obj = whole(VM, {"features": {"memory": "8Gi", "cpu": {"count": 4}, "system": {"type": "debian"}}}, "right")
    created, said = CLIENTS[client](tenant.cluster, tenant.namespace, VM, obj)
    assert created, said


@pytest.mark.parametrize("way", ["merge", "json", "apply"])
def test_an_update_with_a_typo_is_refused_and_nothing_of_it_is_stored(tenant: Tenant, way: str) -> None:
    tenant.create(whole(VM, {"features": {"memory": 1024}}, "web"))
    before = tenant.get("web")
    added = [{"op": "add", "path": "/spec/features/memroy", "value": 2048}]
    patches = {"merge": {"spec": {"features": {"memroy": 2048}}}, "json": added}
    if way == "apply":
        manifest = whole(VM, {"features": {"memory": 1024, "memroy": 2048}}, "web")
        words: tuple[str, ...] = ("apply", "--server-side", "--force-conflicts", "--validate=ignore", "-f", "-")
        done = tenant.kubectl(*words, manifest=manifest, check=False)
    else:
        done = tenant.kubectl("patch", "vmd", "web", f"--type={way}", "-p", json.dumps(patches[way]), check=False)
    assert done.returncode != 0
    assert "spec.features.memroy: is not a field of the API" in done.stderr
    assert "did you mean `memory`?" in done.stderr
    assert tenant.get("web") == before


def test_what_was_stored_without_the_webhooks_goes_with_an_update_and_nothing_else_passes(
    cluster: Cluster, service: Service, tenant: Tenant
) -> None:
    hooks = "mutatingwebhookconfiguration,validatingwebhookconfiguration"
    manifest = whole(VM, {"features": {"memory": 1024, "memroy": 2048}}, "web")
    dry = ("create", "--validate=ignore", "--dry-run=server", "-f", "-")
    try:
        cluster.kubectl("delete", hooks, "vmconfig")
        until(lambda: tenant.kubectl(*dry, manifest=manifest, check=False).returncode == 0)
        tenant.kubectl(*dry[:2], "-f", "-", manifest=manifest)
        assert tenant.get("web")["spec"] == manifest["spec"]
    finally:
        install(cluster, service)
    merge = ("patch", "vmd", "web", "--type=merge", "-p")
    kept = tenant.kubectl(*merge, '{"spec": {"features": {"rng": true}}}', check=False)
    assert "did you mean `memory`?" in kept.stderr
    tenant.kubectl(*merge, '{"spec": {"features": {"memroy": null, "memory": 2048}}}')
    spec = tenant.get("web")["spec"]
    assert spec["features"] == {"memory": 2048}
    assert spec["domain"]["memory"]["size"] == 2048


@pytest.mark.parametrize("kind", [VM, VM_CONFIG], ids=lambda kind: kind.name)
def test_a_status_keeps_no_name_that_the_api_does_not_know(tenant: Tenant, kind: Kind) -> None:
    tenant.create(whole(kind, {"features": {"memory": 1024}}, "web"))
    status = {"status": {"phase": "Running", "phse": "x", "current": {"memroy": 1, "devices": {"rng": {"modle": "a"}}}}}
    url = f"/apis/kubevirt.io/v1alpha1/namespaces/{tenant.namespace}/{kind.plural}/web/status"
    with tenant.cluster.client() as client:
        answer = client.patch(
            url, content=json.dumps(status), headers={"Content-Type": "application/merge-patch+json"}
        ).raise_for_status()
    kept = {"phase": "Running", "current": {"devices": {"rng": {}}}}
    assert answer.json().get("status") == (kept if kind is VM else None)


def test_two_managers_of_two_words_of_features_do_not_meet(tenant: Tenant) -> None:
    for manager, features in (("one", {"memory": 1024}), ("two", {"cpu": {"count": 1}})):
        manifest = whole(VM, {"features": features}, "web")
        tenant.kubectl("apply", "--server-side", f"--field-manager={manager}", "-f", "-", manifest=manifest)
    told = json.loads(tenant.kubectl("get", "vmd", "web", "-o", "json", "--show-managed-fields").stdout)
    owned = {
        each["manager"]: each["fieldsV1"]["f:spec"].get("f:features")
        for each in told["metadata"]["managedFields"]
        if each["manager"] in ("one", "two")
    }
    assert owned == {"one": {"f:memory": {}}, "two": {"f:cpu": {"f:count": {}}}}
    assert told["spec"]["features"] == {"memory": 1024, "cpu": {"count": 1}}
