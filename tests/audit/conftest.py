"""A cluster of the audit's own, without webhooks: with what they would refuse stored in it, and PolicyReports known."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.audit.stored_context import vm
from tests.chart.rendering import NAMESPACE, ROOT, rendered
from tests.cluster.cluster import Cluster, running
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.kinds import declared_fields
from webhook.kinds.crd import crds
from webhook.policy import Policies, shipped
from webhook.trees import Tree

REPORTS_CRD = Path(__file__).parent / "policyreports.yaml"
ACCOUNT = "vmconfig-audit"
# A backend field that `restricted` refuses and `privileged` permits, and one that no level permits.
TUNED: Tree = {"devices": {"disks": [{"name": "root", "claim": "root", "driver": {"cache": "unsafe"}}]}}
KERNEL: Tree = {"os": {"kernel": "/boot/vmlinuz"}}


@dataclass
class Audited:
    """The cluster, and the command with the rights of the chart's ServiceAccount."""

    cluster: Cluster
    kubeconfig: Path

    def kubectl(self, *args: str, manifest: Any = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        text = yaml.safe_dump_all(manifest if isinstance(manifest, list) else [manifest]) if manifest else None
        return self.cluster.kubectl(*args, input=text, check=check)

    def store(self, namespace: str, *objects: Tree) -> None:
        """Create objects as somebody did while no webhook stood in the way."""
        for obj in objects:
            obj["metadata"]["namespace"] = namespace
        self.kubectl("create", "-f", "-", manifest=list(objects))

    def reports(self) -> dict[str, Tree]:
        """The reports of ours, by their namespace."""
        found = yaml.safe_load(self.kubectl("get", "policyreports", "-A", "-o", "yaml").stdout)["items"]
        return {each["metadata"]["namespace"]: each for each in found if each["metadata"]["name"] == "vmconfig"}

    def run(self, *arguments: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        """The real command in a process of its own."""
        command = [sys.executable, "-m", "webhook.cli", *arguments, "--kubeconfig", str(kubeconfig or self.kubeconfig)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def stored(name: str, domain: Tree, kind: str = "VM") -> Tree:
    """A VM as an API server without webhooks would take it."""
    made = vm({"domain": domain}, name, kind)
    del made["metadata"]["uid"]
    return made


def complete(name: str) -> Tree:
    """A VM as the webhook stores it."""
    words = vm({"features": {"memory": "1Gi", "storage": [{"type": "disk", "source": "root"}]}}, name)
    made, findings, _ = expand_object(words, AdmissionContext(policies=Policies(shipped(), declared_fields())))
    assert made is not None, findings
    del made["metadata"]["uid"]
    return made


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """A cluster where somebody stored what the webhooks would refuse.

    team-a: a good VM, a tuned one, a malformed one, a configuration with a kernel of the host; team-b, which is
    privileged: a tuned VM.
    """
    with running(tmp_path_factory.mktemp("audited")) as cluster:
        found = Audited(cluster, cluster.folder / "kubeconfig-audit")
        for name in ("team-a", "team-b", "empty", NAMESPACE):
            cluster.kubectl("create", "namespace", name)
        cluster.kubectl("label", "namespace", "team-b", "vmconfig.kubevirt.io/enforce=privileged")
        _store_malformed(found)
        _define(found, *crds(), yaml.safe_load(REPORTS_CRD.read_text()))
        found.store("team-a", complete("good"), stored("tuned", TUNED))
        found.store("team-a", stored("booted", KERNEL, "VirtualMachineConfig"))
        found.store("team-b", stored("tuned", TUNED))
        _grant(found)
        yield found


def _define(found: Audited, *definitions: Tree) -> None:
    found.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", manifest=list(definitions))
    for each in definitions:
        found.cluster.wait_established(each["metadata"]["name"])


def _store_malformed(found: Audited) -> None:
    """A VM from before its definition had a schema: the API server does not look at it again when it is read."""
    names = {"kind": "VM", "plural": "vmdefinitions", "singular": "vmdefinition", "listKind": "VMList"}
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": anything}
    spec = {"group": "kubevirt.io", "scope": "Namespaced", "names": names, "versions": [version]}
    metadata = {
        "name": "vmdefinitions.kubevirt.io",
        "annotations": crds()[0]["metadata"].get("annotations", {}),
    }
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    _define(found, {**kind, "metadata": metadata, "spec": spec})
    found.store("team-a", stored("malformed", {"vcpu": "many", "cpu": ["fast"], **KERNEL}))


def _grant(found: Audited) -> None:
    """The chart's account and its rights, just as they are rendered, and a kubeconfig with its token."""
    manifests = rendered({"audit": {"enabled": True}})
    kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding")
    found.kubectl("apply", "-n", NAMESPACE, "-f", "-", manifest=[manifests[f"{kind}/{ACCOUNT}"] for kind in kinds])
    token = found.kubectl("-n", NAMESPACE, "create", "token", ACCOUNT).stdout.strip()
    config = yaml.safe_load(found.cluster.kubeconfig().read_text())
    config["users"][0]["user"] = {"token": token}
    found.kubeconfig.write_text(yaml.safe_dump(config))
