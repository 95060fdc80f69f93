"""The real service on a real API server, with just the rights that the chart gives it: namespaces, policies, status."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.cluster.cluster import Cluster, reserved_port, running
from tests.cluster.test_namespaces import LEVEL
from tests.e2e.service import POLICIES, RELEASE, ROOT, Service, account, install, release, serving, wait_ready
from tests.policy.files import ended, policy
from tests.waiting import PATIENCE, until
from webhook.kinds import KINDS, SNAPSHOT
from webhook.trees import Tree

AGENT = "system:serviceaccount:kube-system:agent"
VALUES: Tree = {"crds": {"install": False}, "policies": {"agents": ["kube-system/agent"]}}
# What `baseline` permits and `restricted` refuses.
TUNED: Tree = {
    "apiVersion": "kubevirt.io/v1alpha1",
    "kind": "VM",
    "metadata": {"name": "tuned"},
    "spec": {
        "features": {"memory": 512, "storage": [{"type": "disk", "source": "root"}]},
        "domain": {"devices": {"disks": [{"name": "root", "driver": {"cache": "none"}}]}},
    },
}


@dataclass
class Installed:
    """A cluster of its own, and a service in it as the chart would have it."""

    cluster: Cluster
    service: Service
    policies: Path

    def kubectl(self, *args: str, manifest: Tree | None = None, check: bool = True, user: str = "admin") -> Any:
        text = None if manifest is None else yaml.safe_dump(manifest)
        return self.cluster.kubectl(*args, input=text, check=check, user=user)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.service.url}{path}", verify=self.service.trusted(), trust_env=False)

    def metric(self, name: str) -> float:
        lines = self.get("/metrics").text.splitlines()
        return float(next(line.split()[-1] for line in lines if line.startswith(f"{name} ")))

    def refusal(self, namespace: str, vm: Tree = TUNED) -> str:
        """What a creation is refused with; empty where it would pass."""
        done = self.kubectl("-n", namespace, "create", "--dry-run=server", "-f", "-", manifest=vm, check=False)
        return str(done.stderr) if done.returncode else ""

    def events(self, reason: str) -> list[Tree]:
        done = self.kubectl("-n", RELEASE, "get", "events", "-o", "json", f"--field-selector=reason={reason}")
        found: list[Tree] = json.loads(done.stdout)["items"]
        return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("installed")
    (folder / "cluster").mkdir()
    with running(folder / "cluster") as cluster:
        kubeconfig = account(cluster)
        config_map = the_config_map()
        policies = folder / "policies"
        mount(config_map, policies)
        cluster.kubectl("-n", RELEASE, "apply", "-f", "-", input=yaml.safe_dump(config_map))
        with serving(folder, kubeconfig=kubeconfig, policies=policies) as service:
            install(cluster, service)
            yield Installed(cluster, service, policies)


def the_config_map() -> Tree:
    """The policies' ConfigMap as the chart renders it."""
    (found,) = [document for document in release(VALUES) if document["metadata"]["name"] == POLICIES]
    return found


def mount(config_map: Tree, folder: Path) -> None:
    """What a kubelet would do with it, but for the links."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        if file.name not in config_map["data"]:
            file.unlink()
    for name, text in config_map["data"].items():
        (folder / name).write_text(text)


def namespace(cluster: Cluster, name: str, level: str = "") -> str:
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    if level:
        manifest["metadata"] = {"name": name, "labels": {LEVEL: level}}
    cluster.kubectl("create", "-f", "-", input=yaml.safe_dump(manifest))
    return name


@contextmanager
def edited(installed: Installed, name: str, text: str) -> Iterator[None]:
    """A further policy file that the service reads, and is gone afterwards."""
    (installed.policies / name).write_text(text)
    try:
        yield
    finally:
        (installed.policies / name).unlink()
        until(lambda: installed.get("/readyz").json()["policy"]["errors"] == [])
        mount(the_config_map(), installed.policies)


def test_the_level_of_a_namespace_follows_its_label(installed: Installed) -> None:
    name = namespace(installed.cluster, "team-a")
    assert "restricted/" in installed.refusal(name)
    for level, refused in (("baseline", False), ("restricted", True), ("privileged", False)):
        installed.kubectl("label", "--overwrite", "namespace", name, f"{LEVEL}={level}")
        until(lambda refused=refused: bool(installed.refusal(name)) is refused, f"the level is not {level}")
    installed.kubectl("label", "namespace", name, f"{LEVEL}-")
    until(lambda: "restricted/" in installed.refusal(name))


def test_a_namespace_that_comes_with_a_level_has_it(installed: Installed) -> None:
    name = namespace(installed.cluster, "team-b", "baseline")
    until(lambda: not installed.refusal(name))


def test_a_pod_that_has_not_seen_the_namespaces_is_not_ready_and_says_why(installed: Installed, tmp_path: Path) -> None:
    port = reserved_port()
    kubeconfig = tmp_path / "kubeconfig"
    token = installed.cluster.kubectl("-n", RELEASE, "create", "token", "vmconfig").stdout.strip()
    installed.cluster.write_kubeconfig(kubeconfig, token, f"https://127.0.0.1:{port}")
    with serving(tmp_path, kubeconfig=kubeconfig, ready=False) as service:
        lonely = Installed(installed.cluster, service, ROOT / "policies")
        until(lambda: _answers(lonely))
        until(lambda: "API server" not in lonely.get("/readyz").json()["problems"][0])
        answer = lonely.get("/readyz")
        assert answer.status_code == 503
        (problem,) = answer.json()["problems"]
        assert problem.startswith("the namespaces' labels are not known yet: namespaces: ")
        assert lonely.get("/livez").status_code == 200
        assert lonely.metric("vmconfig_namespaces_age_seconds") == float("inf")
        service.process.terminate()
        assert service.process.wait(PATIENCE) == 0, "it ends all the same"
    assert '"event":"namespaces lost"' in service.log()


def test_a_service_that_may_not_list_namespaces_is_not_ready(installed: Installed, tmp_path: Path) -> None:
    with serving(tmp_path, kubeconfig=installed.cluster.kubeconfig("tenant"), ready=False) as service:
        other = Installed(installed.cluster, service, ROOT / "policies")
        until(lambda: _answers(other))
        until(lambda: "403" in other.get("/readyz").text)
        assert other.get("/readyz").status_code == 503


def test_a_cluster_that_nobody_named_is_a_matter_of_usage(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="vmconfig: the cluster: "),
        serving(tmp_path, kubeconfig=tmp_path / "nothing"),
    ):
        pass


def test_the_rights_of_the_chart_are_just_those_that_are_used(installed: Installed) -> None:
    """What is not granted makes the service not ready or the tests below fail; this is about what is too much."""
    installs = release(VALUES)
    # The chart's other roles are for people and agents.
    bindings = [each for each in installs if "roleRef" in each and each["subjects"][0]["name"] == "vmconfig"]
    own = {(each["roleRef"]["kind"], each["roleRef"]["name"]) for each in bindings}
    rules = [rule for each in installs if (each["kind"], each["metadata"]["name"]) in own for rule in each["rules"]]
    granted = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
    hooks = {"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}
    certificates = {("secrets", verb) for verb in ("create", "get", "patch")}
    certificates |= {(hook, verb) for hook in hooks for verb in ("get", "patch")}
    assert granted - certificates == {
        ("namespaces", "list"),
        ("namespaces", "watch"),
        *((kind, verb) for kind in ("vmdefinitions", "virtualmachineconfigs") for verb in ("list", "watch")),
        ("events", "create"),
        ("configmaps", "get"),
        ("subjectaccessreviews", "create"),
        *((kind.plural, verb) for kind in (*KINDS.values(), SNAPSHOT) for verb in ("list", "watch")),
    }
    said = installed.service.log()
    assert "event not written" not in said
    assert "namespaces lost" not in said


def test_bad_policies_are_refused_where_they_are_written_with_their_line(installed: Installed) -> None:
    tree = the_config_map()
    tree["data"]["mine.yaml"] = ended(policy("mine", "forbid: {class: host-paths}"))
    done = installed.kubectl("-n", RELEASE, "apply", "-f", "-", manifest=tree, check=False)
    assert done.returncode != 0
    assert 'admission webhook "policies.vmconfig.kubevirt.io" denied' in done.stderr
    assert f"{POLICIES}/mine.yaml:4:35: class `host-paths` is not known" in done.stderr
    assert "help: did you mean `host-path`?" in done.stderr
    stored = json.loads(installed.kubectl("-n", RELEASE, "get", "configmap", POLICIES, "-o", "json").stdout)
    assert "mine.yaml" not in stored["data"]


def test_good_policies_pass(installed: Installed) -> None:
    tree = the_config_map()
    tree["data"]["mine.yaml"] = ended(policy("mine"))
    done = installed.kubectl("-n", RELEASE, "apply", "-f", "-", manifest=tree)
    assert done.stderr == ""
    installed.kubectl("-n", RELEASE, "apply", "-f", "-", manifest=the_config_map())


def test_an_update_that_leaves_no_policy_is_refused_and_a_deletion_is_not(installed: Installed) -> None:
    patch = json.dumps({"data": dict.fromkeys(the_config_map()["data"])})
    done = installed.kubectl("-n", RELEASE, "patch", "configmap", POLICIES, "-p", patch, "--type=merge", check=False)
    assert "holds no policy" in done.stderr
    installed.kubectl("-n", RELEASE, "delete", "configmap", POLICIES)
    empty = {**the_config_map(), "data": {}}
    done = installed.kubectl("-n", RELEASE, "create", "-f", "-", manifest=empty, check=False)
    assert "holds no policy" in done.stderr
    installed.kubectl("-n", RELEASE, "create", "-f", "-", manifest=the_config_map())


@pytest.mark.parametrize(("where", "name"), [(RELEASE, "another"), ("default", POLICIES)])
def test_other_config_maps_are_nobodys_business(installed: Installed, where: str, name: str) -> None:
    tree = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a.yaml": "nonsense"}}
    installed.kubectl("-n", where, "create", "-f", "-", manifest=tree)
    installed.kubectl("-n", where, "delete", "configmap", name)


def test_a_bad_reload_and_a_good_one_are_events_that_describe_shows(installed: Installed) -> None:
    digest = installed.get("/version").json()["policy"]
    before = len(installed.events("PolicyLoaded"))
    with edited(installed, "mine.yaml", ended(policy("mine", "forbid: {class: host-paths}"))):
        until(lambda: installed.events("PolicyRefused"))
        (event,) = installed.events("PolicyRefused")
        assert event["type"] == "Warning"
        assert "policies/mine.yaml:4:35: class `host-paths` is not known" in event["message"]
        assert digest[:12] in event["message"]
        ready = installed.get("/readyz")
        assert ready.status_code == 200
        assert "mine.yaml:4:35" in ready.json()["policy"]["errors"][0]["path"]
        assert installed.metric("vmconfig_policies_loaded") == 0
    until(lambda: len(installed.events("PolicyLoaded")) > before)
    event = max(installed.events("PolicyLoaded"), key=lambda each: str(each["metadata"]["name"]))
    assert event["type"] == "Normal"
    assert digest in event["message"]
    assert len(installed.events("PolicyRefused")) == 1, "one a change"
    shown = installed.kubectl("-n", RELEASE, "describe", "configmap", POLICIES).stdout
    assert "PolicyRefused" in shown
    assert "PolicyLoaded" in shown


def test_a_config_map_that_is_not_there_is_no_event_and_no_harm(installed: Installed) -> None:
    installed.kubectl("-n", RELEASE, "delete", "configmap", POLICIES)
    try:
        with edited(installed, "mine.yaml", "nonsense"):
            until(lambda: '"event":"event not written"' in installed.service.log())
            assert installed.get("/readyz").status_code == 200
    finally:
        installed.kubectl("-n", RELEASE, "create", "-f", "-", manifest=the_config_map())


def status(installed: Installed, name: str, part: Tree, *as_whom: str) -> Any:
    patch = json.dumps({"status": part})
    flags = ("--subresource=status", "--type=merge", "-p", patch)
    return installed.kubectl("-n", "team-s", "patch", "vmd", name, *flags, *as_whom, check=False)


def test_a_status_is_judged_like_a_spec_for_whoever_writes_it(installed: Installed) -> None:
    namespace(installed.cluster, "team-s")
    installed.kubectl(
        "create", "clusterrole", "status", "--verb=get,patch", "--resource=vmdefinitions,vmdefinitions/status"
    )
    for subject in ("--user=tenant", "--serviceaccount=kube-system:agent"):
        name = subject.rpartition("=")[2].replace(":", "-")
        installed.kubectl("create", "clusterrolebinding", f"status-{name}", "--clusterrole=status", subject)
    vm = {**TUNED, "spec": {"features": {"memory": 512, "storage": [{"type": "disk", "source": "root"}]}}}
    # A status that comes with a spec is not stored: the API server sees to that.
    smuggled = {**vm, "status": {"current": {"devices": {"rng": {"path": "/dev/mem"}}}}}
    made = installed.kubectl("-n", "team-s", "create", "-o", "json", "-f", "-", manifest=smuggled)
    assert "status" not in json.loads(made.stdout)

    path = {"devices": {"disks": [{"name": "root", "source": {"file": "/etc/shadow"}}]}}
    for part in ("desired", "current"):
        refused = status(installed, "tuned", {part: path}, "--as=tenant")
        assert refused.returncode != 0
        assert f"status.{part}.devices.disks[0].source.file: host path `/etc/shadow`" in refused.stderr
        assert "restricted/no-host-paths" in refused.stderr
    assert status(installed, "tuned", {"current": {"vcpu": {"count": 2}}}, "--as=tenant").returncode == 0
    assert status(installed, "tuned", {"current": path}, f"--as={AGENT}").returncode == 0
    assert status(installed, "tuned", {"phase": "Running"}, "--as=tenant").returncode == 0
    again = {"current": {"devices": {"disks": [{"name": "root", "source": {"file": "/etc/passwd"}}]}}}
    assert "/etc/passwd" in status(installed, "tuned", again, "--as=tenant").stderr
    stored = json.loads(installed.kubectl("-n", "team-s", "get", "vmd", "tuned", "-o", "json").stdout)
    assert stored["status"]["current"]["devices"]["disks"][0]["source"]["file"] == "/etc/shadow"


def test_while_the_api_server_is_away_labels_stay_and_it_is_told(installed: Installed) -> None:
    name = namespace(installed.cluster, "team-z", "baseline")
    until(lambda: not installed.refusal(name))
    known = installed.metric("vmconfig_namespaces")
    with installed.cluster.away():
        until(lambda: installed.get("/readyz").json()["namespaces"]["problem"])
        time.sleep(1.5)
        ready = installed.get("/readyz")
        assert ready.status_code == 200, "it knows what it knew"
        assert ready.json()["namespaces"]["known"] == known
        assert ready.json()["namespaces"]["age"] > 1
        assert installed.metric("vmconfig_namespaces_age_seconds") > 1
        assert installed.metric("vmconfig_namespaces") == known
        assert _permits(installed, name), "its label still counts"
    installed.kubectl("label", "--overwrite", "namespace", name, f"{LEVEL}=restricted")
    until(lambda: "restricted/" in installed.refusal(name))
    assert installed.get("/readyz").json()["namespaces"]["problem"] is None
    installed.kubectl("label", "--overwrite", "namespace", name, f"{LEVEL}=baseline")
    until(lambda: not installed.refusal(name))


def test_with_the_service_gone_policies_can_still_be_written_and_even_bad_ones(installed: Installed) -> None:
    """It ends the service. Fail would keep an admin from repairing what keeps it from starting."""
    assert installed.service.stop() == 0
    tree = the_config_map()
    tree["data"]["mine.yaml"] = "nonsense"
    installed.kubectl("-n", RELEASE, "apply", "-f", "-", manifest=tree)
    installed.kubectl("-n", RELEASE, "apply", "-f", "-", manifest=the_config_map())


def test_a_service_that_starts_again_has_what_it_needs(installed: Installed, tmp_path: Path) -> None:
    shutil.copytree(installed.service.folder / "certs", tmp_path / "certs", symlinks=True)
    kubeconfig = installed.cluster.account_kubeconfig(RELEASE, "vmconfig")
    with serving(tmp_path, installed.service.port, kubeconfig=kubeconfig, policies=installed.policies) as service:
        wait_ready(service)
        name = namespace(installed.cluster, "team-y", "baseline")
        until(lambda: not installed.refusal(name))


def _answers(installed: Installed) -> bool:
    try:
        return installed.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def _permits(installed: Installed, namespace: str) -> bool:
    """Whether the service itself permits the tuned disk there, asked as an API server would."""
    from tests.admission.reviews import review

    tree = review(TUNED, namespace=namespace)
    answer = httpx.post(
        f"{installed.service.url}/validate", json=tree, verify=installed.service.trusted(), trust_env=False
    )
    return "driver.cache" not in answer.text
