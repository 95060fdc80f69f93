"""Attacks on a real API server with the chart's webhooks, by a tenant who has all rights on VMs in his namespace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml

from tests.attacks.manifests import HERE, laid_over, manifest
from tests.cluster.cluster import Cluster, running
from tests.e2e.service import account, install, serving
from tests.waiting import until
from webhook.kinds import KINDS
from webhook.trees import Tree

ITEMS: dict[str, Tree] = yaml.safe_load((HERE / "kubernetes.yaml").read_text())
CASES = [
    pytest.param(step, id=f"{item}: {step['title']}")
    for item, sides in ITEMS.items()
    for step in (*sides["attacks"], *sides["twins"])
]
MINE, FREE = "mine", "free"
API = "/apis/kubevirt.io/v1alpha1/namespaces"
TYPES = {
    "patch": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
STORED: Tree = {
    "features": {
        "memory": "2Gi",
        "system": {"type": "debian", "version": "12"},
        "graphics": True,
        "rng": True,
        "storage": [{"name": "root", "source": "new-root"}, {"name": "data", "source": "new-data"}],
        "network": [{"name": "front", "source": "front"}],
    }
}
RIGHTS = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "tenant", "namespace": MINE},
    "rules": [{"apiGroups": ["kubevirt.io"], "resources": ["*"], "verbs": ["*"]}],
}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "tenant", "namespace": MINE},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tenant"},
    "subjects": [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "tenant"},
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "tenants"},
    ],
}


@dataclass
class Attacked:
    """A cluster, and who asks it."""

    cluster: Cluster
    clients: dict[str, httpx.Client]

    def ask(self, method: str, path: str, step: Tree, body: Any, kind: str = "application/json") -> httpx.Response:
        who = step.get("as", {})
        headers = [("Content-Type", kind)]
        headers += [("Impersonate-User", who["user"])] if "user" in who else []
        headers += [("Impersonate-Group", group) for group in who.get("groups", ())]
        query = {"fieldManager": step.get("manager", "attack"), **({"force": "true"} if step.get("force") else {})}
        client = self.clients[who.get("by", "tenant")]
        return client.request(method, path, params=query, headers=headers, content=json.dumps(body))

    def stored(self, kind: str = "vmdefinitions") -> Tree:
        found: Tree = self.clients["admin"].get(f"{API}/{MINE}/{kind}/web").raise_for_status().json()
        return found


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A cluster of its own, two namespaces: the tenant's, and one that an admin has made privileged."""
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "cluster").mkdir()
    with (
        running(folder / "cluster") as cluster,
        serving(folder, kubeconfig=account(cluster)) as service,
        cluster.client("tenant") as tenant,
        cluster.client("admin") as admin,
    ):
        install(cluster, service)
        labels = {FREE: {"vmconfig.kubevirt.io/enforce": "privileged"}, MINE: {}}
        namespaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels[name]}}
            for name in labels
        ]
        cluster.kubectl("create", "-f", "-", input=yaml.safe_dump_all([*namespaces, RIGHTS, BINDING]))
        here = Attacked(cluster, {"tenant": tenant, "admin": admin})
        probe = {**manifest("VM", {"domain": {"devices": {"rng": {"path": "/dev/random"}}}}), "metadata": {"name": "a"}}
        until(
            lambda: (
                here.ask("POST", f"{API}/{FREE}/vmdefinitions?dryRun=All", {"as": {"by": "admin"}}, probe).status_code
                == 201
            )
        )
        yield here


@pytest.fixture
def web(attacked: Attacked, request: pytest.FixtureRequest) -> Iterator[Tree]:
    """A stored VM; it and all that was made beside it is gone afterwards."""
    step: Tree = request.getfixturevalue("step")
    obj = manifest("VM", STORED, "web")
    if step.get("deleted"):
        obj["metadata"]["finalizers"] = ["example.org/wait"]
    answer = attacked.ask("POST", f"{API}/{MINE}/vmdefinitions", {"manager": "owner"}, obj)
    assert answer.status_code == 201, answer.text
    if step.get("deleted"):
        attacked.ask("DELETE", f"{API}/{MINE}/vmdefinitions/web", step, {})
    yield attacked.stored()
    admin = attacked.clients["admin"]
    if step.get("deleted"):
        admin.patch(
            f"{API}/{MINE}/vmdefinitions/web",
            content='{"metadata":{"finalizers":null}}',
            headers={"Content-Type": TYPES["patch"]},
        )
    for namespace in (MINE, FREE):
        for kind in KINDS.values():
            admin.delete(f"{API}/{namespace}/{kind.plural}").raise_for_status()


def call(attacked: Attacked, step: Tree, web: Tree) -> httpx.Response:
    """The step's one call."""
    kind = KINDS[step.get("kind", "VM")]
    named = f"{API}/{MINE}/{kind.plural}/web" + (f"/{step['sub']}" if "sub" in step else "")
    word = next(word for word in ("patch", "json", "apply", "put", "create", "body") if word in step)
    body = step[word]
    if word == "create":
        obj = manifest(kind.name, laid_over(STORED, body.get("spec", {})), "new")
        body = laid_over(obj, {name: value for name, value in body.items() if name != "spec"})
        method, path = "POST", f"{API}/{MINE}/{kind.plural}"
    elif word == "put":
        method, path, body = "PUT", named, laid_over(web, body)
    else:
        method, path = "PATCH", named
    if word == "apply":
        body = {"apiVersion": web["apiVersion"], "kind": web["kind"], "metadata": {"name": "web"}, **body}
    if "call" in step:
        method, _, path = step["call"].partition(" ")
    return attacked.ask(method, path, step, body, TYPES.get(word, "application/json"))


@pytest.mark.parametrize("step", CASES)
def test_an_attack_is_refused_and_its_twin_passes(attacked: Attacked, web: Tree, step: Tree) -> None:
    answer = call(attacked, step, web)
    if "code" not in step:
        assert answer.is_success, answer.text
        assert not step.get("same") or attacked.stored()["spec"] == web["spec"]
        return
    codes = step["code"] if isinstance(step["code"], list) else [step["code"]]
    assert answer.status_code in codes, answer.text
    message = answer.json()["message"] if "says" in step else ""
    assert [part for part in step.get("says", ()) if part not in message] == [], message
    now = attacked.stored()
    assert (now["spec"], now.get("status")) == (web["spec"], web.get("status"))


@pytest.mark.parametrize("item", ITEMS)
def test_every_item_has_three_attacks_and_a_twin(item: str) -> None:
    attacks, twins = ITEMS[item]["attacks"], ITEMS[item]["twins"]
    assert len(attacks) >= 3
    assert all("code" in step or step.get("same") for step in attacks)
    assert twins
    assert not any("code" in step or step.get("same") for step in twins)
