"""A real `vmconfig serve` beside a real API server, registered by the chart's own rendered manifests."""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests import tools
from tests.cluster.cluster import Cluster, reserved_port
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "vmconfig"
NAMESPACE = "tenants"
# The release's namespace, and its ConfigMap with the policies.
RELEASE, POLICIES = "vmconfig-system", "vmconfig-policies"
RBAC = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


@dataclass
class Service:
    """One running service: where it listens, and the folder of its certificates."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> bytes:
        return (self.folder / "certs" / "ca.crt").read_bytes()

    def trusted(self) -> ssl.SSLContext:
        """What a client needs to trust it."""
        return ssl.create_default_context(cafile=self.folder / "certs" / "ca.crt")

    def stop(self) -> int:
        """End it as a node would: SIGTERM, then wait; returns the exit code."""
        self.process.terminate()
        return self.process.wait(30)

    def log(self) -> str:
        return (self.folder / "log").read_text()


@contextlib.contextmanager
def serving(
    folder: Path,
    port: int | None = None,
    flags: Sequence[str] = (),
    *,
    policies: Path = ROOT / "policies",
    kubeconfig: Path | None = None,
    through: Sequence[str] = (),
    ready: bool = True,
    descriptors: int | None = None,
) -> Iterator[Service]:
    """A service on loopback with certificates of its own and further flags; with `ready`, ready when this is entered.

    With a kubeconfig it does what the chart has a pod do: it watches the namespaces and what is stored, asks about
    rights, and writes Events on the ConfigMap of the policies. The folder `policies` is what is read: there is no
    kubelet that would mount the ConfigMap there.
    `through` is a command that is given the service's own to start, such as a shell that closes its output.
    """
    port = port or reserved_port()
    certs = folder / "certs"
    if not certs.exists():
        issue = [sys.executable, "-m", "certs", "issue", "--dir", str(certs), "--dns", "localhost", "--ip", "127.0.0.1"]
        subprocess.run(issue, check=True, cwd=ROOT, capture_output=True)
    command = [sys.executable, "-m", "webhook.cli", "serve", "--listen", f"127.0.0.1:{port}"]
    command += ["--certs-dir", str(certs), "--policies", str(policies)]
    environment = {name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"}
    if kubeconfig is not None:
        command += ["--namespaces", "watch", "--policies-configmap", f"{RELEASE}/{POLICIES}"]
        command += ["--sources", "watch", "--access-reviews", "on"]
        environment |= {"KUBECONFIG": str(kubeconfig), "NO_PROXY": "127.0.0.1"}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [*through, *_limited(descriptors), *command, *flags], stdout=log, stderr=log, cwd=ROOT, env=environment
        )
    service = Service(port, folder, process)
    try:
        if ready:
            wait_ready(service)
        yield service
    finally:
        if process.poll() is None:
            service.stop()


def _limited(descriptors: int | None) -> list[str]:
    """What makes a command one that may open no more files than this."""
    return [] if descriptors is None else ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh"]


def wait_ready(service: Service, seconds: float = PATIENCE) -> None:
    """Until /readyz says yes; fails with the service's log."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if service.process.poll() is not None:
            break
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"{service.url}/readyz", verify=service.trusted())
            if answer.status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the service did not become ready:\n{service.log()}")


def resident(service: Service) -> int:
    """The process's resident memory in bytes."""
    pages = int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def manifests(service: Service) -> list[dict[str, Any]]:
    """What the chart installs, with the local process where a pod would be."""
    values = {"webhook": {"url": service.url, "caBundle": base64.b64encode(service.ca).decode()}}
    return release(values)


def release(values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """What the chart installs with these values."""
    text = tools.template(CHART, values, namespace=RELEASE, release="vmconfig")
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def account(cluster: Cluster) -> Path:
    """The kubeconfig of the chart's own ServiceAccount, with the rights that the chart gives it and no others."""
    if cluster.kubectl("get", "namespace", RELEASE, check=False).returncode:
        cluster.kubectl("create", "namespace", RELEASE)
    rights = [document for document in release({"crds": {"install": False}}) if document["kind"] in RBAC]
    cluster.kubectl("-n", RELEASE, "apply", "-f", "-", input=yaml.safe_dump_all(rights))
    return cluster.account_kubeconfig(RELEASE, "vmconfig")


def install(cluster: Cluster, service: Service) -> None:
    """Apply the chart's CRDs, then its webhook configurations, and wait until the API server calls them."""
    documents = manifests(service)
    crds = [document for document in documents if document["kind"] == "CustomResourceDefinition"]
    hooks = [document for document in documents if document["kind"].endswith("WebhookConfiguration")]
    assert len(crds) == 3
    assert len(hooks) == 2
    cluster.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(crds))
    for crd in crds:
        cluster.wait_established(crd["metadata"]["name"])
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(hooks))
    _wait_called(cluster)


def _wait_called(cluster: Cluster, seconds: float = PATIENCE) -> None:
    """The API server takes a moment to see new webhook configurations: ask with a dry run until it expands."""
    probe = yaml.safe_dump(
        {
            "apiVersion": "kubevirt.io/v1alpha1",
            "kind": "VM",
            "metadata": {"name": "probe"},
            "spec": {"features": {"memory": 512}},
        }
    )
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        made = cluster.kubectl("create", "--dry-run=server", "-o", "yaml", "-f", "-", input=probe, check=False)
        if made.returncode == 0 and "domain" in yaml.safe_load(made.stdout)["spec"]:
            return
        time.sleep(0.2)
    raise AssertionError(f"the API server does not call the webhooks: {made.stderr}")
