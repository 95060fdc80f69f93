"""Who may do what with VMs, by the chart's roles on a real API server.

No controller runs here that would aggregate them into the cluster's own `view`, `edit` and `admin`: that those ask for
their labels is the API server's word, and what they may do is tried by binding them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml

from tests.chart.rendering import rendered
from tests.cluster.cluster import Cluster

ROLES = ("view", "edit", "agent")
READ, WRITE = ("get", "list", "watch"), ("create", "update", "patch", "delete", "deletecollection")
OF_A_STATUS = ("get", "update", "patch")
RESOURCES = (
    "vmdefinitions", "virtualmachineconfigs", "vmdefinitionsnapshots",
    "vmdefinitions/status", "virtualmachineconfigs/status",
)  # fmt: skip
MAY = {
    "view": {f"{verb} {resource}" for verb in READ for resource in RESOURCES[:3]},
    "edit": {f"{verb} {resource}" for verb in READ + WRITE for resource in RESOURCES[:3]},
    "agent": {f"{verb} vmdefinitions" for verb in READ} | {f"{verb} vmdefinitions/status" for verb in OF_A_STATUS},
}


@pytest.fixture(scope="module")
def bound(cluster: Cluster) -> Iterator[Cluster]:
    """The roles, each bound for a user of its name in one namespace, and the agents' by the chart's own value."""
    manifests = rendered({"policies": {"agents": ["roles/agent"]}}, release="roled-vmconfig")
    made = [manifests[f"ClusterRole/roled-vmconfig-{role}"] for role in ROLES]
    made.append(manifests["ClusterRoleBinding/roled-vmconfig-agent"])
    cluster.kubectl("create", "namespace", "roles")
    cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(made))
    for role in ROLES[:2]:
        words = ("rolebinding", role, f"--clusterrole=roled-vmconfig-{role}", f"--user={role}")
        cluster.kubectl("-n", "roles", "create", *words)
    yield cluster
    cluster.kubectl("delete", "clusterrole,clusterrolebinding", "--selector=app.kubernetes.io/instance=roled-vmconfig")
    cluster.kubectl("delete", "namespace", "roles", "--wait=false")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_just_what_it_is_for(bound: Cluster, role: str) -> None:
    user = "system:serviceaccount:roles:agent" if role == "agent" else role
    verbs = sorted({*READ, *WRITE})
    with bound.client() as client:
        allowed = set()
        for resource in RESOURCES:
            name, _, sub = resource.partition("/")
            for verb in verbs:
                asked = {
                    "namespace": "roles",
                    "verb": verb,
                    "group": "kubevirt.io",
                    "resource": name,
                    "subresource": sub,
                }
                review = {
                    "apiVersion": "authorization.k8s.io/v1",
                    "kind": "SubjectAccessReview",
                    "spec": {"user": user, "resourceAttributes": asked},
                }
                answer = client.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=review)
                if answer.raise_for_status().json()["status"]["allowed"]:
                    allowed.add(f"{verb} {resource}")
    assert allowed == MAY[role]


@pytest.mark.parametrize(("own", "role"), [("view", "view"), ("edit", "edit"), ("admin", "edit")])
def test_the_clusters_own_roles_take_ours_up(bound: Cluster, own: str, role: str) -> None:
    asked = json.loads(bound.kubectl("get", "clusterrole", own, "-o", "json").stdout)["aggregationRule"]
    labels = rendered()[f"ClusterRole/vmconfig-{role}"]["metadata"]["labels"]
    assert any(each["matchLabels"].items() <= labels.items() for each in asked["clusterRoleSelectors"])
    agents = rendered()["ClusterRole/vmconfig-agent"]["metadata"]["labels"]
    assert not any(each["matchLabels"].items() <= agents.items() for each in asked["clusterRoleSelectors"])


def test_without_agents_nobody_is_given_statuses() -> None:
    assert "ClusterRoleBinding/vmconfig-agent" not in rendered()
