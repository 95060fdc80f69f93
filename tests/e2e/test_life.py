"""A VM's life on a real API server: what tools do to it does not move it, and what would is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import Tenant
from webhook.kinds import KINDS
from webhook.trees import Tree


def machine(kind: str, name: str, features: Tree) -> Tree:
    """A VM, or a VirtualMachineConfig around the same spec."""
    spec: Tree = {"features": features}
    if kind == "VirtualMachineConfig":
        spec = {"template": {"spec": spec}}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def inner(obj: Tree) -> Tree:
    """The VM's spec in an object of either kind."""
    spec: Tree = obj["spec"]
    return spec if obj["kind"] == "VM" else spec["template"]["spec"]


def features() -> Tree:
    return {
        "memory": "2Gi",
        "cpu": {"count": 2},
        "system": {"type": "debian", "version": "12"},
        "graphics": True,
        "storage": [{"type": "disk", "source": "root"}, {"type": "disk", "source": "data"}],
        "network": [{"source": "front"}, {"source": "back"}],
    }


def by_name(obj: Tree, kind: str) -> dict[str, Tree]:
    return {device["name"]: device for device in inner(obj)["domain"]["devices"].get(kind, [])}


@pytest.fixture(params=["VM", "VirtualMachineConfig"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_apply_twice_changes_nothing(tenant: Tenant, kind: str) -> None:
    manifest = machine(kind, "web", features())
    tenant.kubectl("apply", "-f", "-", manifest=manifest)
    first = tenant.get("web", kind)
    tenant.kubectl("apply", "-f", "-", manifest=manifest)
    second = tenant.get("web", kind)
    assert second["spec"] == first["spec"]
    assert second["metadata"]["generation"] == 1


def test_server_side_apply_twice_changes_nothing(tenant: Tenant, kind: str) -> None:
    manifest = machine(kind, "web", features())
    tenant.kubectl("apply", "--server-side", "-f", "-", manifest=manifest)
    first = tenant.get("web", kind)
    tenant.kubectl("apply", "--server-side", "-f", "-", manifest=manifest)
    tenant.kubectl("apply", "--server-side", "--field-manager=gitops", "-f", "-", manifest=manifest)
    second = tenant.get("web", kind)
    assert second["spec"] == first["spec"]
    assert second["metadata"]["generation"] == 1


def test_replace_with_the_original_file_restores_the_machine(tenant: Tenant, kind: str) -> None:
    manifest = machine(kind, "web", features())
    first = tenant.create(manifest)
    tenant.kubectl("replace", "-f", "-", manifest=manifest)
    second = tenant.get("web", kind)
    assert second["spec"] == first["spec"]
    assert second["metadata"]["generation"] == 1


def test_a_patch_of_labels_changes_no_spec(tenant: Tenant, kind: str) -> None:
    first = tenant.create(machine(kind, "web", features()))
    tenant.kubectl("patch", KINDS[kind].plural, "web", "--type=merge", "-p", '{"metadata":{"labels":{"tier":"web"}}}')
    second = tenant.get("web", kind)
    assert second["metadata"]["labels"] == {"tier": "web"}
    assert second["spec"] == first["spec"]
    assert second["metadata"]["generation"] == 1


def test_a_finalizer_can_be_removed_from_a_machine_that_is_being_deleted(tenant: Tenant, kind: str) -> None:
    manifest = machine(kind, "web", features())
    manifest["metadata"]["finalizers"] = ["example.org/wait"]
    tenant.create(manifest)
    tenant.kubectl("delete", KINDS[kind].plural, "web", "--wait=false")
    tenant.kubectl(
        "patch", KINDS[kind].plural, "web", "--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]'
    )
    assert tenant.kubectl("get", KINDS[kind].plural, "web", check=False).returncode != 0


def test_a_dry_run_twice_differs_in_identities_alone(tenant: Tenant, kind: str) -> None:
    from tests.identities import without_identities

    text = yaml.safe_dump(machine(kind, "web", features()))
    answers = [
        json.loads(tenant.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", manifest=text).stdout)
        for _ in range(2)
    ]
    assert without_identities(inner(answers[0])) == without_identities(inner(answers[1]))
    assert tenant.kubectl("get", KINDS[kind].plural, "web", check=False).returncode != 0


def test_a_machine_recreated_from_its_stored_manifest_keeps_its_abi(tenant: Tenant, kind: str) -> None:
    first = tenant.create(machine(kind, "web", features()))
    tenant.kubectl("delete", KINDS[kind].plural, "web")
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        first["metadata"].pop(field, None)
    second = tenant.create(first)
    assert second["spec"] == first["spec"]


@pytest.mark.parametrize("list_name", ["storage", "network"])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_device_added_anywhere_moves_no_other(tenant: Tenant, kind: str, list_name: str, position: int) -> None:
    first = tenant.create(machine(kind, "web", features()))
    wanted = features()
    new = {"type": "disk", "source": "fresh"} if list_name == "storage" else {"source": "fresh"}
    wanted[list_name].insert(position, new)
    tenant.kubectl("replace", "-f", "-", manifest=machine(kind, "web", wanted))
    second = tenant.get("web", kind)
    before, after = inner(first)["domain"]["devices"], inner(second)["domain"]["devices"]
    assert set(before) == set(after)
    for devices in before:
        if isinstance(before[devices], dict):
            assert after[devices] == before[devices]
            continue
        kept = {device["name"]: device for device in after[devices]}
        assert [kept[device["name"]] for device in before[devices]] == before[devices]
    added = by_name(second, "disks" if list_name == "storage" else "interfaces")["fresh"]
    assert added["address"]


@pytest.mark.parametrize(("list_name", "devices"), [("storage", "disks"), ("network", "interfaces")])
def test_a_removed_device_leaves_its_place_and_finds_it_again(
    tenant: Tenant, kind: str, list_name: str, devices: str
) -> None:
    first = tenant.create(machine(kind, "web", features()))
    gone = features()[list_name][0]["source"]
    fewer = features()
    fewer[list_name] = fewer[list_name][1:]
    tenant.kubectl("replace", "-f", "-", manifest=machine(kind, "web", fewer))
    without = tenant.get("web", kind)
    assert gone not in by_name(without, devices)
    assert by_name(without, devices).items() <= by_name(first, devices).items()
    other = features()
    new = {"type": "disk", "source": "fresh"} if list_name == "storage" else {"source": "fresh"}
    other[list_name] = [new, *other[list_name][1:]]
    tenant.kubectl("replace", "-f", "-", manifest=machine(kind, "web", other))
    taken = [d["address"] for d in by_name(tenant.get("web", kind), devices).values()]
    assert by_name(first, devices)[gone]["address"] not in taken
    # The removed one instead of the new one, or the new one on what the removed one was on: that is told by name.
    back = features()
    done = tenant.kubectl("replace", "-f", "-", manifest=machine(kind, "web", back), check=False)
    assert done.returncode == 1
    assert f"may be any of `{gone}`, `fresh`" in done.stderr
    back[list_name][0]["name"] = gone
    tenant.kubectl("replace", "-f", "-", manifest=machine(kind, "web", back))
    again = tenant.get("web", kind)
    assert by_name(again, devices)[gone] == by_name(first, devices)[gone]


FROZEN = {
    "uuid": ({"uuid": "00000000-0000-4000-8000-000000000000"}, "domain.uuid"),
    "machine": ({"os": {"type": {"machine": "pc-q35-9.9"}}}, "domain.os.type.machine"),
    "memory": ({"memory": {"size": 4096, "current": 4096}}, "domain.memory.size"),
    "cpu model": ({"cpu": {"model": "Nehalem"}}, "domain.cpu.model"),
    "firmware": ({"os": {"secureBoot": True}}, "domain.os.secureBoot"),
}


@pytest.mark.parametrize("part", FROZEN)
def test_a_change_of_a_frozen_field_is_refused_with_its_consequence(
    tenant: Tenant, kind: str, part: str, refused: Any
) -> None:
    first = tenant.create(machine(kind, "web", features()))
    change, place = FROZEN[part]
    spec: Tree = {"domain": change}
    if kind == "VirtualMachineConfig":
        spec = {"template": {"spec": spec}}
    message = refused("patch", KINDS[kind].plural, "web", "--type=merge", "-p", json.dumps({"spec": spec}))
    assert place in message
    assert tenant.get("web", kind)["spec"] == first["spec"]


def test_a_moved_device_is_refused_with_its_consequence(tenant: Tenant, refused: Any) -> None:
    stored = tenant.create(machine("VM", "web", features()))
    stored["spec"]["domain"]["devices"]["interfaces"][0]["address"] = "0000:20:00.0"
    message = refused("replace", "-f", "-", manifest=stored)
    assert "spec.domain.devices.interfaces[0].address: is `0000:20:00.0`" in message
    assert "renamed" in message


def test_a_feature_that_the_guest_may_not_survive_is_refused(tenant: Tenant, refused: Any) -> None:
    tenant.create(machine("VM", "web", features()))
    message = refused("patch", "vmd", "web", "--type=merge", "-p", '{"spec":{"features":{"cpu":{"model":"Nehalem"}}}}')
    assert "spec.features.cpu: asks for `Nehalem`" in message
    assert "help: restore the feature, or accept it for this once" in message


def test_a_deletion_is_never_held_up_by_content(tenant: Tenant, kind: str) -> None:
    tenant.create(machine(kind, "web", features()))
    tenant.kubectl("delete", KINDS[kind].plural, "web")
    assert tenant.kubectl("get", KINDS[kind].plural, "web", check=False).returncode != 0
