"""The hook's container in pods of KubeVirt's machines, on a real API server with the policies that KubeVirt installs.

The pods are made by KubeVirt's own code, and sent as its controller and as others. The registration is the chart's.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from tests.cluster.cluster import Cluster, running
from tests.e2e.service import RELEASE, Service, release, serving
from tests.e2e.test_kubevirt_machine import _looked_up
from tests.kubevirt.launching import Launcher
from tests.kubevirt.test_hook_pod import CONTROLLER
from tests.kubevirt.test_hook_ways import vmi
from tests.waiting import until
from webhook.trees import Tree

TENANT = "system:serviceaccount:shop:tenant"
PLUGIN = ("plugin.kubevirt.io", "v1alpha1", "Plugin", "plugins", "Cluster")


@dataclass
class Site:
    """A cluster with the service, and pods as KubeVirt makes them."""

    cluster: Cluster
    service: Service
    launcher: Launcher
    chart: list[Tree]

    def pod(self, *gates: str, kept: bool = True) -> Tree:
        instance = vmi(kept=kept)
        instance["status"] = {"runtimeUser": 107}
        return self.launcher.pod(instance, *(gates or ("Plugins",)))

    def create(self, pod: Tree, user: str = CONTROLLER, *flags: str) -> tuple[Tree, str]:
        """What is made of it, or nothing; and what is said."""
        words = ("-n", "shop", "create", "--as", user, "-o", "json", *flags, "-f", "-")
        done = self.cluster.kubectl(*words, input=json.dumps(pod), check=False)
        return (json.loads(done.stdout) if done.returncode == 0 else {}), done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, launcher = tmp_path_factory.mktemp("hook"), Launcher()
    plain = release({"crds": {"install": False}, "kubevirt": {"hook": "plugin"}})
    (files,) = [each for each in plain if each["metadata"]["name"] == "vmconfig-site" and each["kind"] == "ConfigMap"]
    hook = folder / "hook.yaml"
    hook.write_text(files["data"]["hook.yaml"])
    with running(tmp_path_factory.mktemp("cluster")) as cluster:
        _prepare(cluster, launcher)
        flags = ("--kubevirt-hook", str(hook), "--kubevirt-namespace", "kubevirt")
        with serving(folder, flags=flags) as service:
            reached = {"url": service.url, "caBundle": base64.b64encode(service.ca).decode()}
            chart = release({"crds": {"install": False}, "kubevirt": {"hook": "plugin"}, "webhook": reached})
            made = Site(cluster, service, launcher, chart)
            registered = _registered(chart)
            cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(registered))
            until(lambda: "vmconfig-hook" in str(made.create(made.pod(), CONTROLLER, "--dry-run=server")[0]))
            yield made
    launcher.close()


def _registered(chart: list[Tree]) -> Tree:
    """The chart's registration, without the webhooks that are not about pods."""
    (made,) = [copy.deepcopy(each) for each in chart if each["kind"] == "MutatingWebhookConfiguration"]
    made["webhooks"] = [hook for hook in made["webhooks"] if hook["name"].startswith("kubevirt-pod.")]
    assert len(made["webhooks"]) == 1
    return made


def _prepare(cluster: Cluster, launcher: Launcher) -> None:
    """Namespaces with their accounts, rights, and what KubeVirt installs where its gate is on."""
    objects: list[Tree] = [_looked_up(*PLUGIN)]
    for namespace in ("shop", "kubevirt", RELEASE):
        objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        account = {"name": "default", "namespace": namespace}
        objects.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    subjects = [
        {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"} for user in (CONTROLLER, TENANT)
    ]
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "pods"}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    objects.append({**binding, "roleRef": role, "subjects": subjects})
    policies = launcher.ask("policies")["objects"]
    objects += [{**each, "apiVersion": "admissionregistration.k8s.io/v1"} for each in policies]
    cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(objects))
    cluster.wait_established("plugins.plugin.kubevirt.io")


def names(pod: Tree) -> list[str]:
    return [each["name"] for each in pod["spec"].get("initContainers", [])]


def test_a_pod_of_a_kept_machine_is_stored_with_the_hook_and_kubevirts_policy_lets_it_pass(site: Site) -> None:
    made, said = site.create(site.pod())
    assert names(made) == ["guest-console-log", "vmconfig-hook"]
    hook = made["spec"]["initContainers"][-1]
    assert hook["volumeMounts"] == [
        {"name": "kubevirt-plugin-sockets", "mountPath": "/var/run/kubevirt-plugin/vmconfig", "subPath": "vmconfig"}
    ]
    assert hook["restartPolicy"] == "Always"
    assert "Warning" not in said


def test_a_pod_that_has_the_hook_is_stored_with_one(site: Site) -> None:
    made, _ = site.create(site.pod())
    again = {"apiVersion": "v1", "kind": "Pod", "spec": made["spec"], "metadata": {**site.pod()["metadata"]}}
    assert names(site.create(again)[0]) == names(made)


def test_the_pod_of_a_machine_that_is_not_kept_is_stored_as_it_is(site: Site) -> None:
    assert names(site.create(site.pod(kept=False))[0]) == ["guest-console-log"]


def test_the_pod_that_a_tenant_makes_is_stored_as_it_is(site: Site) -> None:
    assert names(site.create(site.pod(), TENANT)[0]) == ["guest-console-log"]


def test_without_the_gate_the_pod_is_stored_as_it_is_and_it_is_said(site: Site) -> None:
    made, said = site.create(site.pod("Root"))
    assert names(made) == ["guest-console-log"]
    assert "Warning: the pod has no volume `kubevirt-plugin-sockets`" in said


def test_kubevirts_policy_does_refuse_a_container_that_has_all_of_the_sockets(site: Site) -> None:
    pod = site.pod()
    mount = {"name": "kubevirt-plugin-sockets", "mountPath": "/var/run/kubevirt-plugin"}
    pod["spec"]["containers"].append({"name": "greedy", "image": "greedy", "volumeMounts": [mount]})
    made, said = site.create(pod)
    assert not made
    assert "must use subPath" in said


def test_the_charts_plugin_passes_kubevirts_policy_and_another_socket_does_not(site: Site) -> None:
    (plugin,) = [each for each in site.chart if each["kind"] == "Plugin"]
    site.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(plugin))
    other = copy.deepcopy(plugin)
    other["spec"]["domainHooks"][0]["sidecar"]["socketPath"] = "/var/run/kubevirt-plugin/other/hook.sock"
    refused = site.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(other), check=False)
    assert "must start with /var/run/kubevirt-plugin/<plugin-name>/" in refused.stderr


def test_with_the_service_gone_pods_of_kept_machines_wait_and_no_others(site: Site) -> None:
    gone = _registered(site.chart)
    gone["webhooks"][0]["clientConfig"]["url"] = "https://127.0.0.1:1/kubevirt-pod"
    site.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(gone))
    try:
        until(lambda: "failed calling webhook" in site.create(site.pod(), CONTROLLER, "--dry-run=server")[1])
        assert site.create(site.pod(kept=False))[0]
        assert site.create(site.pod(), TENANT)[0]
    finally:
        site.cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump(_registered(site.chart)))
        until(lambda: bool(site.create(site.pod(), CONTROLLER, "--dry-run=server")[0]))
