"""VMs of configurations, clones and duplicates on a real API server, with just the rights that the chart gives.

A service of its own follows what is stored; what it says reaches kubectl as people see it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.admission.reviews import review
from tests.cluster.cluster import Cluster, running
from tests.docs.pages import PART_IN_TEXT, ROOT, commands
from tests.e2e.service import Service, account, install, serving, wait_ready
from tests.waiting import until
from webhook.abi.compare import compare
from webhook.declare.identities import identities
from webhook.kinds import KINDS, spec_shape
from webhook.trees import Tree

CONFIG, CLONE = "vmconfig.kubevirt.io/config", "vmconfig.kubevirt.io/clone-of"
FLAGS = ("--sources", "watch", "--duplicates", "mac=deny@cluster,uuid=deny@cluster,serial=warn@namespace")
FEATURES: Tree = {
    "memory": "1Gi",
    "system": {"type": "debian", "version": "12"},
    "storage": [{"type": "disk", "source": "root"}],
    "network": [{"source": "lan"}],
}


@dataclass
class Followed:
    """A namespace of a cluster whose service follows what is stored."""

    cluster: Cluster
    service: Service
    namespace: str

    def kubectl(self, *args: str, manifest: Tree | None = None, check: bool = True) -> Any:
        text = None if manifest is None else yaml.safe_dump(manifest)
        return self.cluster.kubectl("-n", self.namespace, *args, input=text, check=check)

    def create(self, manifest: Tree) -> Tree:
        made: Tree = json.loads(self.kubectl("create", "-o", "json", "-f", "-", manifest=manifest).stdout)
        return made

    def until_created(self, manifest: Tree) -> Tree:
        """What is made as soon as the service has heard of what the manifest names."""
        until(
            lambda: (
                self.kubectl("create", "--dry-run=server", "-f", "-", manifest=manifest, check=False).returncode == 0
            )
        )
        return self.create(manifest)

    def refusal(self, manifest: Tree) -> str:
        done = self.kubectl("create", "-f", "-", manifest=manifest, check=False)
        return str(done.stderr) if done.returncode else ""

    def until_refused(self, manifest: Tree, words: str) -> str:
        def refusal() -> str:
            done = self.kubectl("create", "--dry-run=server", "-f", "-", manifest=manifest, check=False)
            return str(done.stderr) if done.returncode and words in done.stderr else ""

        until(refusal)
        return refusal()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="module")
def service(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with serving(folder, flags=FLAGS, kubeconfig=account(cluster)) as started:
        install(cluster, started)
        yield started


@pytest.fixture
def followed(cluster: Cluster, service: Service, request: pytest.FixtureRequest) -> Followed:
    namespace = f"f-{abs(hash(request.node.name)) % 10**9}"
    cluster.kubectl("create", "namespace", namespace)
    return Followed(cluster, service, namespace)


def obj(kind: str, name: str, spec: Tree, **metadata: Any) -> Tree:
    inner: Any = spec
    for key in reversed(KINDS[kind].spec):
        inner = {key: inner}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": kind, "metadata": {"name": name, **metadata}, **inner}


def config(name: str = "desk") -> Tree:
    return obj("VirtualMachineConfig", name, {"features": FEATURES})


def boot(name: str, of: str = "desk") -> Tree:
    return obj("VM", name, {}, annotations={CONFIG: of})


def spec_of(found: Tree) -> Tree:
    spec: Tree = KINDS[found["kind"]].spec_of(found)
    return spec


def test_a_vm_of_a_configuration_deleted_and_created_again_is_the_same_machine(followed: Followed) -> None:
    stored = followed.create(config())
    first = followed.until_created(boot("desk-1"))
    assert spec_of(first) == spec_of(stored)
    followed.kubectl("delete", "vmd", "desk-1")
    owner = {key: stored[key] for key in ("apiVersion", "kind")}
    owner |= {key: stored["metadata"][key] for key in ("name", "uid")}
    second = followed.until_created(obj("VM", "desk-1", {}, ownerReferences=[owner]))
    assert spec_of(second) == spec_of(first)
    other = followed.create(obj("VM", "other", {"features": FEATURES}))
    assert spec_of(other)["domain"]["uuid"] != spec_of(first)["domain"]["uuid"]


def test_an_apply_of_the_same_few_words_changes_nothing(followed: Followed) -> None:
    followed.create(config())
    first = followed.until_created(boot("desk-1"))
    for way in (("apply",), ("apply", "--server-side", "--force-conflicts"), ("replace",)):
        followed.kubectl(*way, "-f", "-", manifest=boot("desk-1"))
        now = json.loads(followed.kubectl("get", "vmd", "desk-1", "-o", "json").stdout)
        assert now["spec"] == first["spec"]


def test_a_change_of_the_configuration_reaches_the_next_vm_and_not_this_one(followed: Followed) -> None:
    followed.create(config())
    first = followed.until_created(boot("desk-1"))
    patch = '{"spec":{"template":{"spec":{"features":{"memory":"2Gi"}}}}}'
    followed.kubectl("patch", "vmconfig", "desk", "--type=merge", "-p", patch)
    now = json.loads(followed.kubectl("get", "vmd", "desk-1", "-o", "json").stdout)
    assert now["spec"] == first["spec"]
    followed.kubectl("delete", "vmd", "desk-1")
    whole = boot("desk-1")
    whole["spec"] = {"features": {"memory": "2Gi"}}
    second = followed.until_created(whole)
    assert spec_of(second)["domain"]["memory"]["size"] == 2048
    assert spec_of(second)["domain"]["devices"] == spec_of(first)["domain"]["devices"]


def test_a_configurations_own_update_is_frozen_as_a_vms(followed: Followed) -> None:
    followed.create(config())
    patch = '{"spec":{"template":{"spec":{"domain":{"os":{"type":{"machine":"pc-q35-9.9"}}}}}}}'
    done = followed.kubectl("patch", "vmconfig", "desk", "--type=merge", "-p", patch, check=False)
    assert "spec.template.spec.domain.os.type.machine: is `pc-q35-9.9`" in done.stderr


def test_what_contradicts_the_configuration_is_refused_and_said_all_at_once(followed: Followed) -> None:
    followed.create(config())
    followed.until_created(boot("desk-1"))
    wrong = boot("desk-2")
    wrong["spec"] = {"features": {"memory": "8Gi"}, "domain": {"title": "mine"}}
    said = followed.refusal(wrong)
    assert "spec.features.memory: is `8Gi`, but VirtualMachineConfig `desk` says `1Gi`" in said
    assert "spec.domain.title: is `mine`, but VirtualMachineConfig `desk` says nothing of it" in said


def test_an_unknown_configuration_is_refused_with_the_nearest_name(followed: Followed) -> None:
    followed.create(config())
    said = followed.until_refused(boot("x", "dest"), "did you mean `desk`?")
    assert "VirtualMachineConfig `dest` is not in this namespace" in said


def test_a_clone_differs_from_its_source_in_identities_alone(followed: Followed) -> None:
    source = followed.create(obj("VM", "web", {"features": FEATURES}))
    made = followed.until_created(obj("VM", "copy", {}, annotations={CLONE: "vm/web"}))
    ours, theirs = (
        {each.path: each.value for each in identities(spec_of(one), spec_shape(), "spec")} for one in (made, source)
    )
    assert ours.keys() == theirs.keys()
    assert not set(ours.values()) & set(theirs.values())
    changed = {each.declared for each in compare(spec_of(source)["domain"], spec_of(made)["domain"])}
    assert changed == {
        "domain.uuid",
        "domain.devices.disks[*].serial",
        "domain.devices.interfaces[*].mac.address",
    }
    followed.kubectl("delete", "vmd", "web", "copy")
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        made["metadata"].pop(field, None)
    assert spec_of(followed.create(made)) == spec_of(made)


def test_a_clone_warns_of_the_claims_that_it_shares(followed: Followed) -> None:
    followed.create(obj("VM", "web", {"features": FEATURES}))
    copy = obj("VM", "copy", {}, annotations={CLONE: "vm/web"})
    followed.until_created(copy)
    copy["metadata"]["name"] = "copy-2"
    done = followed.kubectl("create", "-f", "-", manifest=copy)
    assert "the clone writes to its source's claim `root`" in done.stderr


def nic(name: str, mac: str, **storage: Any) -> Tree:
    features = {**FEATURES, "network": [{"source": "lan", "mac": mac}]}
    if storage:
        features["storage"] = [{"type": "disk", "source": "root", **storage}]
    return obj("VM", name, {"features": features})


def test_a_mac_address_of_another_vm_is_denied_and_its_own_is_not(followed: Followed) -> None:
    followed.create(nic("one", "02:00:00:00:aa:01"))
    said = followed.until_refused(nic("two", "02:00:00:00:AA:01"), "too")
    assert "spec.domain.devices.interfaces[0].mac.address: MAC address `02:00:00:00:AA:01` is that of `one` too" in said
    followed.kubectl("label", "vmd", "one", "a=b")
    followed.kubectl("delete", "vmd", "one")
    followed.until_created(nic("two", "02:00:00:00:AA:01"))


def test_that_of_another_namespace_is_denied_without_its_name(followed: Followed) -> None:
    followed.create(nic("one", "02:00:00:00:aa:02"))
    followed.cluster.kubectl("create", "namespace", f"{followed.namespace}-b")
    other = Followed(followed.cluster, followed.service, f"{followed.namespace}-b")
    said = other.until_refused(nic("two", "02:00:00:00:aa:02"), "too")
    assert "is that of 1 in other namespaces too" in said
    assert followed.namespace not in said.replace(other.namespace, "")


def test_a_serial_number_is_warned_of_where_the_setting_says_so(followed: Followed) -> None:
    followed.create(nic("one", "02:00:00:00:aa:03", serial="S-1"))
    second = nic("two", "02:00:00:00:aa:04", serial="S-1")

    def warned() -> bool:
        done = followed.kubectl("create", "--dry-run=server", "-f", "-", manifest=second)
        return "serial number `S-1` is that of `one` too" in done.stderr

    until(warned)
    assert followed.create(second)


def test_two_vms_of_one_configuration_at_once_are_denied(followed: Followed) -> None:
    followed.create(config())
    followed.until_created(boot("desk-1"))
    said = followed.until_refused(boot("desk-2"), "too")
    assert "two VMs of one configuration are the same machine" in said


def test_a_service_that_has_seen_nothing_makes_no_vm_anew(
    cluster: Cluster,
    service: Service,  # noqa: ARG001 - it installs the roles
    tmp_path: Path,
) -> None:
    """Without the right to read configurations they are never known."""
    bare = cluster.kubectl("-n", "default", "create", "serviceaccount", "bare", check=False)
    assert "created" in bare.stdout or "exists" in bare.stderr
    binding = ("clusterrolebinding", "bare", "--clusterrole=vmconfig-namespaces", "--serviceaccount=default:bare")
    cluster.kubectl("create", *binding)
    kubeconfig = cluster.account_kubeconfig("default", "bare")
    with serving(tmp_path, flags=FLAGS, kubeconfig=kubeconfig) as unknowing:
        wait_ready(unknowing)
        with httpx.Client(base_url=unknowing.url, verify=unknowing.trusted(), trust_env=False) as client:
            answer = client.post("/mutate", json=review(boot("desk-1"))).json()["response"]
            assert not answer["allowed"]
            assert "not all of them are known yet" in answer["status"]["message"]
            assert "help: try again in a moment" in answer["status"]["message"]
            stored = client.get("/readyz").json()["stored"]
            assert stored["VirtualMachineConfig"]["synced"] is False
            assert "403" in stored["VirtualMachineConfig"]["problem"]
            made = client.post("/mutate", json=review(obj("VM", "web", {"features": FEATURES}))).json()["response"]
            assert made["allowed"]


def test_the_metrics_say_what_is_known(followed: Followed) -> None:
    followed.create(config())
    followed.until_created(boot("desk-1"))
    address = f"{followed.service.url}/metrics"
    text = httpx.get(address, verify=followed.service.trusted(), trust_env=False).text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("vmconfig_stored"))
    assert float(lines['vmconfig_stored_objects{kind="VirtualMachineConfig"}']) >= 1
    assert float(lines['vmconfig_stored_spec_bytes{kind="VirtualMachineConfig"}']) > 500
    assert float(lines['vmconfig_stored_identities{kind="VM"}']) >= 3


PAGE = ROOT / "docs" / "clones.md"


def test_what_the_page_says_to_kubectl_happens(followed: Followed) -> None:
    files: dict[str, Tree] = {}
    for name, content, transcript in PART_IN_TEXT.findall(PAGE.read_text()):
        if name:
            files[name] = yaml.safe_load(content)
        elif "$ kubectl" in transcript:
            done = "".join(f"$ {command}\n{_done(command, files, followed)}" for command in commands(transcript))
            assert done.replace(followed.namespace, "default") == transcript


def _done(command: str, files: dict[str, Tree], followed: Followed) -> str:
    """A command of the page on one of its files, or without, as soon as the service has heard of what it names."""
    _, *words = command.split()
    manifest = files.get(words[-1])
    if manifest is None:
        return str(followed.kubectl(*words).stdout)
    asked = (*words[:-1], "-")
    until(lambda: followed.kubectl(*asked, "--dry-run=server", manifest=manifest, check=False).returncode == 0)
    return str(followed.kubectl(*asked, manifest=manifest).stdout)


def test_a_tenant_boots_what_an_admin_configured_and_cannot_write_it_himself(followed: Followed) -> None:
    tuned = {"devices": {"disks": [{"name": "root", "driver": {"cache": "none"}}]}}
    level = ("label", "--overwrite", "namespace", followed.namespace)
    followed.kubectl(*level, "vmconfig.kubevirt.io/enforce=privileged")
    granted = obj("VirtualMachineConfig", "desk", {"features": FEATURES, "domain": tuned})
    stored = followed.until_created(granted)
    followed.kubectl(*level, "vmconfig.kubevirt.io/enforce=restricted")
    own = obj("VM", "own", {"features": FEATURES, "domain": tuned})
    followed.until_refused(own, "restricted/no-io-tuning")
    assert spec_of(followed.until_created(boot("desk-1"))) == spec_of(stored)
    turned = boot("desk-2")
    turned["spec"] = {"domain": {"devices": {"disks": [{"name": "root", "driver": {"cache": "unsafe"}}]}}}
    assert "VirtualMachineConfig `desk` says `none`" in followed.refusal(turned)
    copy = obj("VM", "copy", {}, annotations={CLONE: "vmconfig/desk"})
    assert "restricted/no-io-tuning" in followed.refusal(copy)
