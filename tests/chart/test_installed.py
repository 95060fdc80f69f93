"""The chart on a real API server: it takes every manifest, lets pods run under the restricted level, grants what the
service does and no more, and an upgrade leaves alone what the service wrote, as Helm 3 merges and as Helm 4 applies."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import yaml

from certs.authority import parse_names
from certs.bundle import ca_bundle
from certs.cluster import Apis, Registrations, Secret, connect
from certs.ensure import ensure
from tests.chart.rendering import NAMESPACE, pod, rendered
from tests.cluster.cluster import Cluster
from webhook.kinds.crd import crds
from webhook.trees import Tree

SECRET = "charted-vmconfig-certificates"
NAME = "charted-vmconfig"
# Helm 3 patches three ways (what was installed, what shall be, what is there), as kubectl does on the client's side;
# Helm 4 lets the API server apply. Helm itself is here as a library that renders only.
WAYS = {"as Helm 3 merges": [], "as Helm 4 applies": ["--server-side", "--field-manager=helm"]}


@dataclass
class Release:
    """The chart, installed but for its CRDs, and with webhooks that are called for nothing."""

    cluster: Cluster
    way: list[str]

    def apply(self, values: Tree | None = None) -> None:
        manifests = copy.deepcopy(rendered(values, release="charted"))
        for manifest in manifests.values():
            for hook in manifest.get("webhooks", []):
                hook["rules"] = []
        manifests.pop(f"Pod/{NAME}-test")
        self.cluster.kubectl(
            "-n", NAMESPACE, "apply", *self.way, "-f", "-", input=yaml.safe_dump_all(manifests.values())
        )

    def get(self, *what: str) -> Tree:
        found: Tree = json.loads(self.cluster.kubectl("-n", NAMESPACE, "get", *what, "-o", "json").stdout)
        return found

    def ca_bundles(self) -> set[bytes]:
        """What the API server trusts, of both configurations."""
        kinds = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
        hooks = [hook for kind in kinds for hook in self.get(kind, NAME)["webhooks"]]
        return {base64.b64decode(hook["clientConfig"].get("caBundle", "")) for hook in hooks}


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> str:
    """The release's namespace, where pods have to be of the restricted level."""
    # Others of the same run may have installed there before.
    cluster.kubectl("create", "namespace", NAMESPACE, check=False)
    labels = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
    cluster.kubectl("label", "--overwrite", "namespace", NAMESPACE, *labels)
    for account in ("default", "vmconfig"):
        cluster.kubectl("-n", NAMESPACE, "create", "serviceaccount", account, check=False)
    return NAMESPACE


@pytest.fixture(params=WAYS)
def release(cluster: Cluster, namespace: str, request: pytest.FixtureRequest) -> Iterator[Release]:
    installed = Release(cluster, WAYS[request.param])
    installed.apply()
    yield installed
    kinds = "mutatingwebhookconfiguration,validatingwebhookconfiguration,clusterrole,clusterrolebinding"
    cluster.kubectl("delete", kinds, "--selector=app.kubernetes.io/instance=charted")
    cluster.kubectl("-n", namespace, "delete", "secret,role,rolebinding,deployment", "--all")
    cluster.kubectl("-n", namespace, "delete", "serviceaccount", NAME)


@pytest.fixture
def pods_own(cluster: Cluster, release: Release) -> Apis:  # noqa: ARG001 - its ServiceAccount has to be there
    """The cluster as the service in a pod sees it: with the token of the chart's ServiceAccount."""
    token = cluster.kubectl("-n", NAMESPACE, "create", "token", NAME).stdout.strip()
    config = yaml.safe_load(cluster.kubeconfig().read_text())
    config["users"][0]["user"] = {"token": token}
    path = cluster.folder / "kubeconfig-charted"
    path.write_text(yaml.safe_dump(config))
    return connect(path)


def test_the_api_server_takes_every_manifest(cluster: Cluster, namespace: str) -> None:
    manifests = rendered({"crds": {"install": True}})
    done = cluster.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
        *("-n", namespace, "-o", "name", "-f", "-"),
        input=yaml.safe_dump_all(manifests.values()),
    )
    assert len(done.stdout.splitlines()) == len(manifests)
    # What the API server thinks unwise: it would say so of a deployment whose pods the restricted level refuses.
    # Not what it says of objects that another installation in the same cluster has left.
    warnings = [line for line in done.stderr.splitlines() if "failed to migrate kubectl.kubernetes.io" not in line]
    assert warnings == []


@pytest.mark.parametrize("kind", ["the service's pod", "the test pod"])
def test_pods_run_under_the_restricted_level(cluster: Cluster, namespace: str, kind: str) -> None:
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe"}, "spec": pod()["spec"]}
    probe = copy.deepcopy(made if kind == "the service's pod" else rendered()["Pod/vmconfig-test"])
    create = ("-n", namespace, "create", "--dry-run=server", "-o", "json", "-f", "-")
    assert cluster.kubectl(*create, input=yaml.safe_dump(probe)).returncode == 0
    del probe["spec"]["containers"][0]["securityContext"]["capabilities"]
    refused = cluster.kubectl(*create, input=yaml.safe_dump(probe), check=False)
    assert "violates PodSecurity" in refused.stderr


def test_the_service_may_do_its_work_and_nothing_else(release: Release) -> None:
    account = f"--as=system:serviceaccount:{NAMESPACE}:{NAME}"
    asked = {
        f"get secret/{SECRET}": True,
        f"patch secret/{SECRET}": True,
        "create secrets": True,
        f"get mutatingwebhookconfiguration/{NAME}": True,
        f"patch mutatingwebhookconfiguration/{NAME}": True,
        f"patch validatingwebhookconfiguration/{NAME}": True,
        "get secret/another": False,
        "list secrets": False,
        f"list secret/{SECRET}": False,
        f"update secret/{SECRET}": False,
        f"delete secret/{SECRET}": False,
        "patch mutatingwebhookconfiguration/another": False,
        f"delete mutatingwebhookconfiguration/{NAME}": False,
        "create validatingwebhookconfigurations": False,
        "list namespaces": True,
        "watch namespaces": True,
        "get namespace/default": False,
        "patch namespaces": False,
        "create events": True,
        "list events": False,
        f"get configmap/{NAME}-policies": True,
        f"patch configmap/{NAME}-policies": False,
        "get configmap/another": False,
        "list configmaps": False,
        "list vmdefinitions.kubevirt.io": True,
        "watch vmdefinitionsnapshots.kubevirt.io": True,
        "get vmdefinitions.kubevirt.io": False,
        "patch vmdefinitions.kubevirt.io": False,
        "create subjectaccessreviews.authorization.k8s.io": True,
        "create pods": False,
    }
    # Of a resource that nobody has defined kubectl asks by another name.
    for crd in crds():
        release.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump(crd))
        release.cluster.wait_established(crd["metadata"]["name"])
    said = {
        words: release.cluster.kubectl(
            "-n", NAMESPACE, "auth", "can-i", *words.split(), account, check=False
        ).stdout.strip()
        for words in asked
    }
    assert said == {words: "yes" if may else "no" for words, may in asked.items()}
    elsewhere = ("-n", "default", "auth", "can-i", "create", "secrets", account)
    assert release.cluster.kubectl(*elsewhere, check=False).stdout.strip() == "no"


def test_an_upgrade_leaves_certificates_and_ca_as_the_service_wrote_them(release: Release, pods_own: Apis) -> None:
    secret = Secret(pods_own, NAMESPACE, SECRET)
    registrations = Registrations(pods_own, (NAME,), (NAME,))
    names = parse_names((f"{NAME}.{NAMESPACE}.svc",), ())
    assert release.ca_bundles() == {b""}
    bundle = ensure(secret, names, datetime.now(UTC), registrations)
    before = release.get("secret", SECRET)["data"]
    assert release.ca_bundles() == {ca_bundle(bundle)}

    release.apply(
        {"webhook": {"timeoutSeconds": 2}, "server": {"deadline": 1}, "serviceAccount": {"annotations": {"a": "b"}}}
    )

    assert release.get("mutatingwebhookconfiguration", NAME)["webhooks"][0]["timeoutSeconds"] == 2
    assert release.ca_bundles() == {ca_bundle(bundle)}
    assert release.get("secret", SECRET)["data"] == before
    ensure(secret, names, datetime.now(UTC), registrations)
    assert release.get("secret", SECRET)["data"] == before, "nothing was due"


def test_a_deleted_secret_is_made_anew_and_upgrades_go_on(release: Release, pods_own: Apis) -> None:
    secret = Secret(pods_own, NAMESPACE, SECRET)
    registrations = Registrations(pods_own, (NAME,), (NAME,))
    release.cluster.kubectl("-n", NAMESPACE, "delete", "secret", SECRET)
    bundle = ensure(secret, parse_names(("a.svc",), ()), datetime.now(UTC), registrations)
    release.apply({"replicas": 4})
    assert release.ca_bundles() == {ca_bundle(bundle)}
    assert release.get("secret", SECRET)["data"].keys() >= {"ca.crt", "tls.crt", "tls.key"}
