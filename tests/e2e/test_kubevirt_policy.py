"""Policies about KubeVirt's own virtual machines on a real API server: its definitions' names, the chart's webhooks.

KubeVirt itself is not there: the definitions take any object, so that what is refused is refused by us.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.cluster.cluster import Cluster, running
from tests.e2e.service import Service, account, release, serving
from tests.kubevirt.attack_cases import MACHINE
from tests.kubevirt.objects import VERSIONS, around, manifest
from tests.waiting import until
from webhook.kubevirt.api import KINDS
from webhook.trees import Tree

NAMES: dict[str, dict[str, list[str]]] = yaml.safe_load((Path(__file__).parent / "kubevirt.yaml").read_text())
LEVEL = "vmconfig.kubevirt.io/enforce"
HOST_DISK = {**MACHINE, "volumes": [{"name": "root", "hostDisk": {"path": "/etc/shadow", "type": "Disk"}}]}
GPU = {"cpu": {"guest": 2}, "memory": {"guest": "2Gi"}, "gpus": [{"name": "g", "deviceName": "nvidia.com/T4"}]}


def definition(group: str, kind: str) -> Tree:
    plural, *short = NAMES[group][kind]
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower(), "shortNames": short}
    version = {"name": VERSIONS[kind].partition("/")[2], "served": True, "storage": True, "schema": anything}
    if kind == "VirtualMachine":
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved, a test"}},
        "spec": {
            "group": group,
            "scope": "Cluster" if KINDS[kind].cluster else "Namespaced",
            "names": names,
            "versions": [version],
        },
    }


@dataclass
class Site:
    """A cluster with KubeVirt's definitions, and the service that it calls."""

    cluster: Cluster
    service: Service

    def apply(self, obj: Tree, namespace: str, *flags: str) -> tuple[int, str]:
        """The exit code of kubectl, and what it says."""
        metadata = {name: value for name, value in obj["metadata"].items() if name != "namespace"}
        text = yaml.safe_dump({**obj, "metadata": metadata})
        done = self.cluster.kubectl("-n", namespace, "apply", *flags, "-f", "-", input=text, check=False)
        return done.returncode, done.stderr

    def register(self, mode: str) -> None:
        """The chart's webhooks about KubeVirt's kinds, in a mode."""
        ca = base64.b64encode(self.service.ca).decode()
        values = {"webhook": {"url": self.service.url, "caBundle": ca}, "kubevirt": {"mode": mode}}
        [made] = [each for each in release(values) if each["kind"] == "ValidatingWebhookConfiguration"]
        made["webhooks"] = [each for each in made["webhooks"] if each["name"].startswith("kubevirt")]
        assert len(made["webhooks"]) == 3
        text = yaml.safe_dump(made)
        self.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=text)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("cluster")) as cluster:
        made = [definition(kind.group, name) for name, kind in KINDS.items()]
        cluster.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(made))
        for each in made:
            cluster.wait_established(each["metadata"]["name"])
        folder = tmp_path_factory.mktemp("service")
        with serving(folder, flags=("--kubevirt", "enforce"), kubeconfig=account(cluster)) as service:
            site = Site(cluster, service)
            for name, level in (("team", "restricted"), ("tuned", "baseline"), ("infra", "privileged")):
                cluster.kubectl("create", "namespace", name)
                cluster.kubectl("label", "namespace", name, f"{LEVEL}={level}")
            cluster.kubectl("create", "namespace", "kubevirt")
            site.register("enforce")
            bad = around("VirtualMachine", HOST_DISK, {}, {})
            until(lambda: site.apply(bad, "team", "--dry-run=server")[0] != 0)
            yield site


def test_a_disk_of_the_node_is_refused_with_place_problem_and_way_out(site: Site) -> None:
    code, said = site.apply(around("VirtualMachine", HOST_DISK, {}, {}), "team")
    assert code != 0
    assert "spec.template.spec.volumes[0].hostDisk.path: path `/etc/shadow` of the host or the launcher is not" in said
    assert "help: use `persistentVolumeClaim` or `dataVolume`" in said
    assert "kubevirt-restricted/no-host-paths" in said


def test_an_honest_machine_is_stored_and_changed(site: Site) -> None:
    code, said = site.apply(around("VirtualMachine", MACHINE, {"runStrategy": "Halted"}, {}), "team")
    assert (code, said) == (0, "")
    code, said = site.apply(around("VirtualMachine", MACHINE, {"runStrategy": "Always"}, {}), "team")
    assert (code, said) == (0, "")


@pytest.mark.parametrize(
    "kind",
    [
        "VirtualMachineInstance",
        "VirtualMachineInstanceReplicaSet",
        "VirtualMachinePool",
        "VirtualMachineSnapshotContent",
    ],
)
def test_the_other_doors_to_the_same_machine_are_closed_too(site: Site, kind: str) -> None:
    code, said = site.apply(around(kind, HOST_DISK, {}, {}), "team")
    assert code != 0
    assert "no-host-paths" in said
    code, said = site.apply(around(kind, MACHINE, {}, {}), "team")
    assert (code, said) == (0, "")


def test_the_level_of_the_namespace_decides(site: Site) -> None:
    code, said = site.apply(around("VirtualMachine", HOST_DISK, {}, {}), "infra")
    assert (code, said) == (0, "")
    tuned = {**MACHINE, "hostname": "web"}
    assert site.apply(around("VirtualMachine", tuned, {}, {}), "tuned") == (0, "")
    assert site.apply(around("VirtualMachine", tuned, {}, {}), "team")[0] != 0


def test_patches_of_copies_are_judged_when_they_are_asked_for(site: Site) -> None:
    patch = {"op": "add", "path": "/spec/template/spec/volumes/-", "value": {"hostDisk": {"path": "/"}}}
    for kind in ("VirtualMachineClone", "VirtualMachineRestore"):
        code, said = site.apply(manifest(kind, {"patches": [json.dumps(patch)]}), "team")
        assert code != 0, kind
        assert "spec.patches[0]: `spec.template.spec.volumes[0].hostDisk.path`" in said
        honest = {"op": "replace", "path": "/metadata/labels/app", "value": "copy"}
        assert site.apply(manifest(kind, {"patches": [json.dumps(honest)]}), "team") == (0, "")


def test_instancetypes_are_judged_with_and_without_a_namespace(site: Site) -> None:
    code, said = site.apply(manifest("VirtualMachineInstancetype", GPU), "team")
    assert code != 0
    assert "spec.gpus[0].deviceName" in said
    assert site.apply(manifest("VirtualMachineClusterInstancetype", GPU), "team")[0] != 0
    plain = {name: value for name, value in GPU.items() if name != "gpus"}
    assert site.apply(manifest("VirtualMachineInstancetype", plain), "team") == (0, "")
    assert site.apply(manifest("VirtualMachineClusterInstancetype", plain), "team") == (0, "")


def test_kubevirts_controllers_write_what_they_have_to_and_its_api_server_is_judged(site: Site) -> None:
    rights = "admin"
    site.cluster.kubectl(
        "create", "clusterrolebinding", rights, "--clusterrole=cluster-admin", "--group=system:serviceaccounts:kubevirt"
    )
    instance = around("VirtualMachineInstance", HOST_DISK, {}, {})
    instance["metadata"]["name"] = "made"
    controller = "--as=system:serviceaccount:kubevirt:kubevirt-controller"
    groups = "--as-group=system:serviceaccounts:kubevirt"
    assert site.apply(instance, "team", controller, groups) == (0, "")
    instance["metadata"]["name"] = "relayed"
    api = "--as=system:serviceaccount:kubevirt:kubevirt-apiserver"
    assert site.apply(instance, "team", api, groups)[0] != 0
    other = "--as=system:serviceaccount:team:kubevirt-controller"
    assert site.apply(instance, "team", other, groups)[0] != 0


def test_a_disk_that_is_asked_for_in_a_status_is_judged_but_for_kubevirts_controller(site: Site) -> None:
    assert site.apply(around("VirtualMachine", MACHINE, {"runStrategy": "Halted"}, {}), "team") == (0, "")

    def plugged(*flags: str, **disk: str) -> tuple[int, str]:
        source = {"persistentVolumeClaim": {"claimName": "data", "hotpluggable": True}}
        options = {"name": "data", "disk": {"name": "data", "disk": {"bus": "scsi"}, **disk}, "volumeSource": source}
        patch = json.dumps({"status": {"volumeRequests": [{"addVolumeOptions": options}]}})
        named = ("patch", "virtualmachines.kubevirt.io", "web", "--subresource=status", "--type=merge", "-p", patch)
        done = site.cluster.kubectl("-n", "team", *named, *flags, check=False)
        return done.returncode, done.stderr

    code, said = plugged(cache="unsafe")
    assert code != 0
    assert "status.volumeRequests[0].addVolumeOptions: `spec.template.spec.domain.devices.disks[0].cache`" in said
    assert plugged() == (0, "")
    controller = "--as=system:serviceaccount:kubevirt:kubevirt-controller"
    assert plugged(controller, "--as-group=system:masters", cache="unsafe") == (0, "")


def test_the_namespace_of_kubevirt_itself_is_left_alone(site: Site) -> None:
    assert site.apply(around("VirtualMachine", HOST_DISK, {}, {}), "kubevirt") == (0, "")


def test_in_mode_audit_everything_is_stored_and_what_would_be_refused_is_told(site: Site, tmp_path: Path) -> None:
    with serving(tmp_path, flags=("--kubevirt", "audit"), kubeconfig=account(site.cluster)) as auditing:
        audited = Site(site.cluster, auditing)
        audited.register("audit")
        obj = around("VirtualMachine", HOST_DISK, {}, {})
        obj["metadata"]["name"] = "told"
        until(lambda: audited.apply(obj, "team", "--dry-run=server")[0] == 0)
        code, said = audited.apply(obj, "team")
        assert code == 0
        assert "Warning: spec.template.spec.volumes[0].hostDisk.path: path `/etc/shadow`" in said
        assert "kubevirt-restricted/no-host-paths" in said
    site.register("enforce")


def test_the_audit_finds_what_is_stored_and_only_where_it_is_asked_for(site: Site) -> None:
    bad = around("VirtualMachine", HOST_DISK, {}, {})
    bad["metadata"]["name"] = "old"
    site.cluster.kubectl("create", "namespace", "audited")
    site.cluster.kubectl("label", "namespace", "audited", f"{LEVEL}=privileged")
    until(lambda: site.apply(bad, "audited")[0] == 0)
    site.cluster.kubectl("label", "--overwrite", "namespace", "audited", f"{LEVEL}=restricted")
    command = [sys.executable, "-m", "webhook.cli", "audit", "--namespace", "audited", "-o", "json"]
    command += ["--kubeconfig", str(site.cluster.kubeconfig("admin"))]
    done = subprocess.run([*command, "--kubevirt-policies"], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    [row] = json.loads(done.stdout)["vms"]
    assert (done.returncode, row["kind"], row["name"]) == (1, "VirtualMachine", "old")
    assert {each["class"] for each in row["findings"]} == {"host-path"}
    assert {each["path"] for each in row["findings"]} == {
        f"spec.template.spec.volumes[0].hostDisk.{name}" for name in ("path", "type")
    }
