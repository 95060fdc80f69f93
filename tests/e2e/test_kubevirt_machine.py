"""A VirtualMachine of KubeVirt's on a real API server: whatever is applied again, the stored machine stays.

The definition has KubeVirt's names and takes any fields; KubeVirt itself is not there. The webhook is registered as
KubeVirt's own is, for the kind and its versions.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster.cluster import Cluster, running
from tests.e2e.service import Service, serving
from tests.e2e.test_beside_kubevirt import kubevirts
from tests.kubevirt.edits import devices_of, edited, machine
from tests.waiting import until
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.trees import Tree

PLURAL = "virtualmachines.kubevirt.io"
LOOKED_UP = (
    ("kubevirt.io", "v1", "KubeVirt", "kubevirts", "Namespaced"),
    ("instancetype.kubevirt.io", "v1beta1", "VirtualMachinePreference", "virtualmachinepreferences", "Namespaced"),
)
SITE = "machines: {q35: pc-q35-9.4}\n"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder, data = tmp_path_factory.mktemp("kubevirt"), tmp_path_factory.mktemp("cluster")
    site = folder / "site.yaml"
    site.write_text(SITE)
    (served,) = [each for each in kubevirts() if each["metadata"]["name"] == PLURAL]
    with running(data) as started:
        made = [served, *(_looked_up(*each) for each in LOOKED_UP)]
        started.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(made))
        for each in made:
            started.wait_established(each["metadata"]["name"])
        flags = ["--site", str(site), "--kubevirt-objects", "watch"]
        with serving(folder, flags=flags, kubeconfig=started.kubeconfig()) as service:
            _prepare(started, service)
            yield started


def _prepare(started: Cluster, service: Service) -> None:
    """A VM that was there before the service, then its registration."""
    early = yaml.safe_dump(_manifest("early"))
    until(lambda: started.kubectl("create", "-f", "-", input=early, check=False).returncode == 0)
    started.kubectl("apply", "-f", "-", input=yaml.safe_dump(_registered(service)))
    until(lambda: _is_kept(started))


def _looked_up(group: str, version: str, kind: str, plural: str, scope: str) -> Tree:
    """The definition of a kind of KubeVirt's that takes any fields."""
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": anything}],
        },
    }


def _registered(service: Service) -> Tree:
    hook = {
        "name": "machine.kubevirt.vmconfig.kubevirt.io",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "clientConfig": {
            "url": f"{service.url}/kubevirt-machine",
            "caBundle": base64.b64encode(service.ca).decode(),
        },
        "rules": [
            {
                "apiGroups": ["kubevirt.io"],
                "apiVersions": ["v1"],
                "resources": ["virtualmachines"],
                "operations": ["CREATE", "UPDATE"],
            }
        ],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "vmconfig-kubevirt"},
        "webhooks": [hook],
    }


def _is_kept(cluster: Cluster) -> bool:
    """A registration takes hold some time after it is written."""
    probe = yaml.safe_dump(_manifest("probe"))
    made = cluster.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", input=probe, check=False)
    return made.returncode == 0 and ANNOTATION in made.stdout


def _manifest(name: str) -> Tree:
    vm = machine(2, ("virtio", "virtio", "sata"), rng={})
    vm["metadata"] = {"name": name, "namespace": "default"}
    vm["spec"]["template"]["spec"]["domain"]["machine"]["type"] = "q35"
    return vm


def _get(cluster: Cluster, name: str) -> Tree:
    found: Tree = json.loads(cluster.kubectl("get", PLURAL, name, "-o", "json").stdout)
    return found


@pytest.mark.parametrize(
    "way",
    [
        ("apply",),
        ("apply", "--server-side", "--force-conflicts"),
        ("replace",),
    ],
    ids=" ".join,
)
def test_what_is_brought_again_changes_nothing(cluster: Cluster, way: tuple[str, ...]) -> None:
    name = "-".join(("again", str(len(way)), way[0]))
    manifest = yaml.safe_dump(_manifest(name))
    first = ("create",) if way == ("replace",) else way
    cluster.kubectl(*first, "-f", "-", input=manifest)
    before = _get(cluster, name)
    assert devices_of(before)["disks"][0]["disk"]["pciAddress"] == "0000:1f:00.0"
    assert before["spec"]["template"]["spec"]["domain"]["machine"]["type"] == "pc-q35-9.4"
    versions = []
    for _ in range(2):
        said = cluster.kubectl(*way, "-f", "-", input=manifest)
        assert "at the next start" not in said.stderr
        versions.append(_get(cluster, name)["metadata"]["resourceVersion"])
    after = _get(cluster, name)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] == 1
    # The first replace is noted as another manager's, and nothing else of it.
    assert len({*versions, *([] if way == ("replace",) else [before["metadata"]["resourceVersion"]])}) == 1


def test_an_edit_is_stored_with_the_machine_and_what_moves_is_said(cluster: Cluster) -> None:
    manifest = _manifest("edited")
    cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(manifest))
    before = _get(cluster, "edited")
    more = edited(manifest, {"disk": "new", "bus": "virtio", "at": 0})
    said = cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(more))
    assert "Warning" not in said.stderr
    after = {each["name"]: each for each in devices_of(_get(cluster, "edited"))["disks"]}
    assert [after[each["name"]] for each in devices_of(before)["disks"]] == devices_of(before)["disks"]
    assert after["new"]["disk"]["pciAddress"] == "0000:11:00.0"
    less = edited(more, {"set": {"autoattachMemBalloon": False}})
    said = cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(less))
    assert "the guest finds the random number generator at" in said.stderr


def test_a_vm_that_was_there_before_keeps_the_places_that_kubevirt_gave_it(cluster: Cluster) -> None:
    cluster.kubectl("label", PLURAL, "early", "seen=yes")
    stored = _get(cluster, "early")
    cards = [each["pciAddress"] for each in devices_of(stored)["interfaces"]]
    disks = [each["disk"].get("pciAddress") for each in devices_of(stored)["disks"]]
    assert (cards, disks) == (["0000:01:00.0", "0000:02:00.0"], ["0000:07:00.0", "0000:08:00.0", None])


def test_a_manifest_that_is_frozen_for_git_is_what_is_stored(cluster: Cluster, tmp_path: Path) -> None:
    file, site = tmp_path / "vm.yaml", tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(_manifest("git")))
    site.write_text(SITE)
    command = [sys.executable, "-m", "webhook.cli", "freeze", str(file), "--site", str(site)]
    frozen = subprocess.run(command, check=True, capture_output=True, text=True)
    assert frozen.stderr == ""
    cluster.kubectl("apply", "-f", "-", input=frozen.stdout)
    stored = _get(cluster, "git")
    assert stored["spec"] == yaml.safe_load(frozen.stdout)["spec"]
    assert cluster.kubectl("diff", "-f", "-", input=frozen.stdout, check=False).returncode == 0


def test_a_preference_of_the_cluster_is_stated_and_what_is_written_into_it_later_changes_nothing(
    cluster: Cluster,
) -> None:
    preference = {
        "apiVersion": "instancetype.kubevirt.io/v1beta1",
        "kind": "VirtualMachinePreference",
        "metadata": {"name": "virtio", "namespace": "default"},
        "spec": {"devices": {"preferredDiskBus": "virtio"}},
    }
    cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(preference))
    manifest = _manifest("preferring")
    manifest["spec"]["preference"] = {"name": "virtio", "kind": "VirtualMachinePreference"}
    devices_of(manifest)["disks"][0]["disk"] = {}
    text = yaml.safe_dump(manifest)

    other = text.replace("name: preferring", "name: other")

    def bus() -> str:
        made = json.loads(cluster.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", input=other).stdout)
        return str(devices_of(made)["disks"][0]["disk"]["bus"])

    until(lambda: bus() == "virtio")
    cluster.kubectl("create", "-f", "-", input=text)
    preference["spec"]["devices"]["preferredDiskBus"] = "sata"
    cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(preference))
    until(lambda: bus() == "sata")
    cluster.kubectl("replace", "-f", "-", input=text)
    assert devices_of(_get(cluster, "preferring"))["disks"][0]["disk"]["bus"] == "virtio"


def test_kubevirts_own_object_says_its_version(cluster: Cluster) -> None:
    kubevirt = {
        "apiVersion": "kubevirt.io/v1",
        "kind": "KubeVirt",
        "metadata": {"name": "kubevirt", "namespace": "default"},
        "status": {"observedKubeVirtVersion": "v1.6.1"},
    }
    cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(kubevirt))

    def said() -> str:
        probe = yaml.safe_dump(_manifest("old"))
        return cluster.kubectl("create", "--dry-run=server", "-f", "-", input=probe).stderr

    try:
        until(lambda: "KubeVirt v1.6.1 places every device anew" in said())
    finally:
        cluster.kubectl("delete", "kubevirts.kubevirt.io", "kubevirt")
        until(lambda: "v1.6.1" not in said())
