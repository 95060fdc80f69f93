"""Snapshots and restores on a real API server: the machine comes back, and rights are asked for again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.e2e.conftest import Tenant
from tests.waiting import until
from webhook.abi.compare import compare
from webhook.trees import Tree

API = "kubevirt.io/v1alpha1"


def machine(name: str = "web", **features: Any) -> Tree:
    said: Tree = {
        "memory": "2Gi",
        "system": {"type": "debian", "version": "12"},
        "storage": [{"source": "root"}, {"type": "cdrom", "source": "tools"}],
        "network": [{"source": "front"}, {"source": "back"}],
    }
    return {"apiVersion": API, "kind": "VM", "metadata": {"name": name}, "spec": {"features": said | features}}


def snapshot_of(name: str, source: str = "web", **spec: Any) -> Tree:
    asked = {"source": {"kind": "VM", "name": source}, **spec}
    return {"apiVersion": API, "kind": "VMSnapshot", "metadata": {"name": name}, "spec": asked}


def restoring(name: str = "web", **wanted: Any) -> Tree:
    return {"apiVersion": API, "kind": "VM", "metadata": {"name": name}, "spec": {"restoreFrom": wanted}}


def take(tenant: Tenant, name: str, source: str = "web", *flags: str, **spec: Any) -> Tree:
    """The snapshot as it is stored, once the service has heard of its source, and known to it."""
    made = snapshot_of(name, source, **spec)
    until(lambda: tenant.kubectl("create", *flags, "-f", "-", manifest=made, check=False).returncode == 0)
    # What restores it has heard of it, too.
    probe = restoring("probe", snapshot=name)
    until(lambda: "not in this namespace" not in _refusal(tenant, "create", "--dry-run=server", manifest=probe))
    return tenant.get(name, "VMSnapshot")


def _refusal(tenant: Tenant, *args: str, manifest: Tree) -> str:
    return str(tenant.kubectl(*args, "-f", "-", manifest=manifest, check=False).stderr)


def patched(tenant: Tenant, spec: Tree, *flags: str, check: bool = True) -> Any:
    return tenant.kubectl("patch", "vmd", "web", "--type=merge", "-p", json.dumps({"spec": spec}), *flags, check=check)


def changed(tenant: Tenant) -> Tree:
    """The VM after changes of many kinds."""
    patched(
        tenant,
        {
            "features": {
                "memory": "4Gi",
                "cpu": {"count": 4},
                "storage": [{"source": "root"}, {"type": "cdrom"}, {"source": "data"}],
                "network": [{"source": "front"}],
            }
        },
    )
    return tenant.get("web")


def test_a_snapshot_holds_the_machine_and_who_took_it(tenant: Tenant) -> None:
    stored = tenant.create(machine())
    taken = take(tenant, "before")
    assert taken["spec"]["configuration"] == stored["spec"]
    provenance = taken["spec"]["provenance"]
    assert provenance["source"] == {"uid": stored["metadata"]["uid"], "generation": 1}
    assert provenance["level"] == "restricted"
    assert len(provenance["policy"]) == 64
    assert provenance["user"]
    assert "granted" not in provenance
    assert "before" in tenant.kubectl("get", "vmds").stdout


def test_snapshot_change_restore_is_the_machine_that_was(tenant: Tenant) -> None:
    first = tenant.create(machine())
    taken = take(tenant, "before")
    other = changed(tenant)
    assert list(compare(first["spec"]["domain"], other["spec"]["domain"]))
    answer = patched(tenant, {"restoreFrom": {"snapshot": "before"}})
    assert "memory.size: is now `2048` instead of `4096` (reboot:" in answer.stderr
    assert "disk `data` is removed" in answer.stderr
    restored = tenant.get("web")
    for part in ("features", "domain"):
        assert restored["spec"][part] == taken["spec"]["configuration"][part]
    assert [disk["name"] for disk in restored["spec"]["abi"]["tombstones"]["disks"]] == ["data"]
    assert restored["spec"]["abi"]["history"][-1]["snapshot"] == "before"


def test_a_restored_machine_needs_its_snapshot_no_more(tenant: Tenant) -> None:
    tenant.create(machine())
    take(tenant, "before")
    changed(tenant)
    patched(tenant, {"restoreFrom": {"snapshot": "before"}})
    tenant.kubectl("delete", "vmds", "before")
    restored = tenant.get("web")
    # Every later update names the snapshot, and none of them looks for it.
    patched(tenant, {"features": {"memory": "1Gi"}})
    assert tenant.get("web")["spec"]["domain"]["memory"]["size"] == 1024
    # Nor does the stored manifest, of which the same machine is made again.
    stored = tenant.get("web")
    tenant.kubectl("delete", "vmd", "web")
    manifest = {name: stored[name] for name in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "web"}}
    assert tenant.create(manifest)["spec"] == stored["spec"]
    assert stored["spec"]["domain"]["uuid"] == restored["spec"]["domain"]["uuid"]


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["apply", "server-side apply"])
def test_a_manifest_with_a_restore_that_is_applied_again_changes_nothing(tenant: Tenant, flags: tuple[str]) -> None:
    tenant.kubectl("apply", *flags, "-f", "-", manifest=machine())
    take(tenant, "before")
    changed(tenant)
    for _ in range(3):
        tenant.kubectl(
            "apply",
            *flags,
            "--force-conflicts" if flags else "--wait",
            "-f",
            "-",
            manifest=restoring(snapshot="before"),
        )
        stored = tenant.get("web")
        assert stored["spec"]["domain"]["memory"]["size"] == 2048
    assert len(stored["spec"]["abi"]["history"]) == 1
    assert stored["metadata"]["generation"] == 3


def test_a_deleted_machine_comes_back_from_its_snapshot_alone(tenant: Tenant, refused: Any) -> None:
    first = tenant.create(machine())
    take(tenant, "before")
    again = refused("create", "-f", "-", manifest=restoring("other", snapshot="before"))
    assert "would make a second machine with the identities of the VM `web`" in again
    tenant.kubectl("delete", "vmd", "web")
    until(
        lambda: tenant.kubectl("create", "-f", "-", manifest=restoring(snapshot="before"), check=False).returncode == 0
    )
    assert tenant.get("web")["spec"]["domain"] == first["spec"]["domain"]


def test_a_configuration_is_restored_like_a_vm(tenant: Tenant) -> None:
    wrapped = {**machine("web"), "kind": "VirtualMachineConfig"}
    wrapped["spec"] = {"template": {"spec": wrapped["spec"]}}
    first = tenant.create(wrapped)["spec"]["template"]["spec"]
    taken = snapshot_of("before") | {"spec": {"source": {"kind": "VirtualMachineConfig", "name": "web"}}}
    until(lambda: tenant.kubectl("create", "-f", "-", manifest=taken, check=False).returncode == 0)
    patch = {"spec": {"template": {"spec": {"features": {"memory": "4Gi"}}}}}
    tenant.kubectl("patch", "vmconfig", "web", "--type=merge", "-p", json.dumps(patch))
    patch = {"spec": {"template": {"spec": {"restoreFrom": {"snapshot": "before"}}}}}
    words = ("patch", "vmconfig", "web", "--type=merge", "-p", json.dumps(patch))
    until(lambda: tenant.kubectl(*words, check=False).returncode == 0)
    assert tenant.get("web", "VirtualMachineConfig")["spec"]["template"]["spec"]["domain"] == first["domain"]


def test_nothing_of_a_snapshot_changes_but_its_labels(tenant: Tenant) -> None:
    tenant.create(machine())
    take(tenant, "before")

    def patch(tree: Tree) -> Any:
        return tenant.kubectl("patch", "vmds", "before", "--type=merge", "-p", json.dumps(tree), check=False)

    for spec in (
        {"memory": True},
        {"source": {"name": "other"}},
        {"configuration": {"domain": {"memory": {"size": 1}}}},
        {"configuration": {"domain": None}},
        {"provenance": {"user": "nobody"}},
    ):
        answer = patch({"spec": spec})
        assert answer.returncode != 0, spec
        assert "never changes" in answer.stderr
    assert patch({"metadata": {"labels": {"kept": "yes"}, "annotations": {"why": "upgrade"}}}).returncode == 0
    manifest = snapshot_of("before")
    for words in (("apply",), ("apply", "--server-side", "--force-conflicts"), ("replace",)):
        assert tenant.kubectl(*words, "-f", "-", manifest=manifest).returncode == 0
    stored = tenant.get("before", "VMSnapshot")
    assert stored["metadata"]["generation"] == 1
    # A status that somebody writes is stored nowhere.
    tenant.kubectl("patch", "vmds", "before", "--type=merge", "-p", json.dumps({"status": {"ready": True}}))
    assert "status" not in tenant.get("before", "VMSnapshot")


@pytest.mark.usefixtures("service")
def test_without_the_service_a_snapshot_is_still_unchangeable(cluster: Cluster) -> None:
    """Kube-system is the namespace that the webhooks leave alone."""
    made = {**snapshot_of("unwatched"), "spec": {**snapshot_of("x")["spec"], "configuration": {"domain": {"a": 1}}}}
    alone = Tenant(cluster, "kube-system")
    alone.create(made)
    try:
        patch = json.dumps({"spec": {"configuration": {"domain": {"a": 2}}}})
        answer = alone.kubectl("patch", "vmds", "unwatched", "--type=merge", "-p", patch, check=False)
        assert "a snapshot never changes" in answer.stderr
    finally:
        alone.kubectl("delete", "vmds", "unwatched")


def test_what_it_is_of_is_told_by_the_nearest_name(tenant: Tenant, refused: Any) -> None:
    tenant.create(machine("web-server"))
    take(tenant, "before", "web-server")
    told = refused("create", "-f", "-", manifest=snapshot_of("x", "web-serve"))
    assert "names the VM `web-serve`, which is not in this namespace" in told
    assert "did you mean `web-server`?" in told
    told = refused("create", "-f", "-", manifest=restoring("web", snapshot="befor"))
    assert "did you mean `before`?" in told


def running(tenant: Tenant, current: Tree | None) -> None:
    patch = json.dumps({"status": {"phase": "Running" if current else "Stopped", "current": current}})
    tenant.kubectl("patch", "vmd", "web", "--subresource=status", "--type=merge", "-p", patch)


def test_a_snapshot_with_memory_is_of_the_machine_that_runs_and_restores_exactly(tenant: Tenant, refused: Any) -> None:
    first = tenant.create(machine())
    assert "does not run" in refused("create", "-f", "-", manifest=snapshot_of("now", memory=True))
    running(tenant, first["spec"]["domain"])
    changed(tenant)
    taken = take(tenant, "now", memory=True)
    assert not list(compare(first["spec"]["domain"], taken["spec"]["configuration"]["domain"]))
    assert "data" in json.dumps(taken["spec"]["configuration"]["abi"]["tombstones"])
    told = patched(tenant, {"restoreFrom": {"snapshot": "now"}}, check=False).stderr
    assert "stop the VM first" in told
    running(tenant, None)
    otherwise = {"snapshot": "now", "devices": {"interfaces": [{"name": "back", "placeholder": True}]}}
    assert "exactly or not at all" in patched(tenant, {"restoreFrom": otherwise}, check=False).stderr
    patched(tenant, {"restoreFrom": {"snapshot": "now"}})
    restored = tenant.get("web")["spec"]
    assert not list(compare(first["spec"]["domain"], restored["domain"]))
    # It goes on as any other VM.
    patched(tenant, {"features": {**restored["features"], "memory": "1Gi"}})
    assert tenant.get("web")["spec"]["domain"]["memory"]["size"] == 1024


@pytest.fixture
def alice(tenant: Tenant) -> Tenant:
    """A user who may do what tenants do with VMs, claims and the network `front`, and nothing with other networks."""
    rules = [
        {"apiGroups": ["kubevirt.io"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["get"]},
        {
            "apiGroups": ["k8s.cni.cncf.io"],
            "resources": ["network-attachment-definitions"],
            "resourceNames": ["front"],
            "verbs": ["get"],
        },
    ]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "alice"}, "rules": rules}
    tenant.kubectl("create", "-f", "-", manifest=role)
    tenant.kubectl("create", "rolebinding", "alice", "--role=alice", "--user=alice")
    return tenant


def test_a_lost_right_is_told_and_may_become_a_placeholder_or_another_reference(alice: Tenant) -> None:
    first = alice.create(machine())
    take(alice, "before")
    changed(alice)
    told = patched(alice, {"restoreFrom": {"snapshot": "before"}}, "--as=alice", check=False).stderr
    assert "spec.domain.devices.interfaces[1].network: `alice` may not get `back`" in told
    assert "`name: back` with `placeholder: true` (its link is down) or `network: …`" in told
    assert alice.get("web")["spec"]["features"]["memory"] == "4Gi", "nothing of it is stored"

    back = first["spec"]["domain"]["devices"]["interfaces"][1]
    wanted = {"snapshot": "before", "devices": {"interfaces": [{"name": "back", "placeholder": True}]}}
    patched(alice, {"restoreFrom": wanted}, "--as=alice")
    nic = alice.get("web")["spec"]["domain"]["devices"]["interfaces"][1]
    assert nic == {name: value for name, value in back.items() if name != "network"} | {"link": "down"}

    wanted = {"snapshot": "before", "devices": {"interfaces": [{"name": "back", "network": "front"}]}}
    patched(alice, {"restoreFrom": wanted}, "--as=alice")
    assert alice.get("web")["spec"]["domain"]["devices"]["interfaces"][1] == back | {"network": "front"}
    # Whoever has the right restores it whole.
    patched(alice, {"restoreFrom": {"snapshot": "before", "devices": None}})
    assert alice.get("web")["spec"]["domain"] == first["spec"]["domain"]


def test_a_disk_is_no_placeholder_and_a_drive_is(alice: Tenant) -> None:
    alice.create(machine())
    take(alice, "before")

    def restore(**device: Any) -> Any:
        wanted = {"snapshot": "before", "devices": {"disks": [device]}}
        return patched(alice, {"restoreFrom": wanted}, check=False)

    assert "a blank one, which the guest takes for lost data" in restore(name="root", placeholder=True).stderr
    assert restore(name="tools", placeholder=True).returncode == 0
    drive = alice.get("web")["spec"]["domain"]["devices"]["disks"][1]
    assert drive["name"] == "tools"
    assert "claim" not in drive
    assert restore(name="root", claim="root-copy").returncode == 0
    assert alice.get("web")["spec"]["domain"]["devices"]["disks"][0]["claim"] == "root-copy"


def test_no_other_update_asks_for_rights(alice: Tenant) -> None:
    alice.create(machine())
    answer = patched(alice, {"features": {"network": [{"source": "front"}, {"source": "hidden"}]}}, "--as=alice")
    assert "now uses network `hidden`" in answer.stderr


def test_who_may_not_read_a_vm_takes_no_snapshot_of_it(tenant: Tenant) -> None:
    tenant.create(machine())
    take(tenant, "before")
    tenant.kubectl("create", "role", "taker", "--verb=create", "--resource=vmdefinitionsnapshots.kubevirt.io")
    tenant.kubectl("create", "rolebinding", "bob", "--role=taker", "--user=bob")
    told = tenant.kubectl("create", "--as=bob", "-f", "-", manifest=snapshot_of("mine"), check=False).stderr
    assert "`bob` may not get `web` (vmdefinitions" in told
