"""What a stored VM may become, on a real API server: by the feature, by the domain, by acceptance; told as warnings."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.e2e.conftest import Tenant
from tests.e2e.test_life import by_name, features, inner, machine
from webhook.abi.acceptance import ANNOTATION
from webhook.kinds import KINDS
from webhook.trees import Tree


@pytest.fixture(params=["VM", "VirtualMachineConfig"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def with_drive(**more: Any) -> Tree:
    wanted = {**features(), **more}
    wanted["storage"] = [{"type": "cdrom", "name": "cd", "source": "installer"}, *wanted["storage"]]
    return wanted


def test_memory_and_vcpus_grow_by_the_feature_alone(tenant: Tenant, kind: str) -> None:
    tenant.kubectl("apply", "-f", "-", manifest=machine(kind, "web", features()))
    wanted = {**features(), "memory": "4Gi", "cpu": {"count": 4}}
    done = tenant.kubectl("apply", "-f", "-", manifest=machine(kind, "web", wanted))
    domain = inner(tenant.get("web", kind))["domain"]
    assert domain["memory"] == {"size": 4096, "current": 4096}
    assert domain["vcpu"]["current"] == 4
    assert "memory.size: is now `4096` instead of `2048` (reboot: " in done.stderr
    assert "vcpu.current: is now `4` instead of `2` (hotplug: " in done.stderr


def test_a_medium_is_ejected_and_another_inserted(tenant: Tenant, kind: str) -> None:
    tenant.kubectl("apply", "-f", "-", manifest=machine(kind, "web", with_drive()))
    before = by_name(tenant.get("web", kind), "disks")["cd"]
    wanted = with_drive()
    for source in (None, "drivers"):
        wanted["storage"][0] = {"type": "cdrom", "name": "cd", **({"source": source} if source else {})}
        done = tenant.kubectl("replace", "-f", "-", manifest=machine(kind, "web", wanted))
        drive = by_name(tenant.get("web", kind), "disks")["cd"]
        assert drive.get("claim") == source
        assert {**drive, "claim": "installer"} == before
        assert "(hotplug: the guest finds another medium in the drive, or none)" in done.stderr


def test_the_boot_order_is_exchanged_by_server_side_apply(tenant: Tenant, kind: str) -> None:
    wanted = with_drive()
    tenant.kubectl("apply", "--server-side", "-f", "-", manifest=machine(kind, "web", wanted))
    before = by_name(tenant.get("web", kind), "disks")
    wanted["storage"][0]["bootOrder"] = 1
    tenant.kubectl("apply", "--server-side", "-f", "-", manifest=machine(kind, "web", wanted))
    after = by_name(tenant.get("web", kind), "disks")
    assert (before["cd"]["bootOrder"], before["root"]["bootOrder"]) == (2, 1)
    assert (after["cd"]["bootOrder"], after["root"]["bootOrder"]) == (1, 2)
    assert {name: disk["address"] for name, disk in after.items()} == {
        name: disk["address"] for name, disk in before.items()
    }


def test_a_second_manager_that_changes_the_memory_in_the_domain_is_told_where_it_is_said(tenant: Tenant) -> None:
    tenant.kubectl("apply", "--server-side", "-f", "-", manifest=machine("VM", "web", features()))
    other = machine("VM", "web", {})
    other["spec"] = {"domain": {"memory": {"size": 4096}}}
    done = tenant.kubectl(
        "apply", "--server-side", "--field-manager=operations", "--force-conflicts", "-f", "-",
        manifest=other, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "spec.domain.memory.size: is `4096`, but `spec.features.memory` asks for `2Gi`" in done.stderr


def test_a_change_that_the_guest_may_not_survive_passes_once_with_its_digest(tenant: Tenant, refused: Any) -> None:
    tenant.create(machine("VM", "web", features()))

    def patch(model: str, digest: str = "") -> list[str]:
        annotations = {"metadata": {"annotations": {ANNOTATION: digest}}} if digest else {}
        change = {**annotations, "spec": {"features": {"cpu": {"model": model}}}}
        return ["patch", KINDS["VM"].plural, "web", "--type=merge", "-p", json.dumps(change)]

    digest = re.findall(f"{re.escape(ANNOTATION)}: ([0-9a-f]+)", refused(*patch("Nehalem")))[0]
    assert "spec.features.cpu" in refused(*patch("Penryn", digest))
    done = tenant.kubectl(*patch("Nehalem", digest))
    assert "(guest-breaking: " in done.stderr
    spec = inner(tenant.get("web"))
    assert spec["domain"]["cpu"]["model"] == "Nehalem"
    assert [entry["digest"] for entry in spec["abi"]["history"]] == [digest]
    back = re.findall(f"{re.escape(ANNOTATION)}: ([0-9a-f]+)", refused(*patch("Westmere", digest)))[0]
    tenant.kubectl(*patch("Westmere", back))
    refused(*patch("Nehalem", digest))


def test_a_machine_is_made_again_of_its_manifest_after_it_has_changed(tenant: Tenant, kind: str) -> None:
    tenant.kubectl("apply", "-f", "-", manifest=machine(kind, "web", with_drive()))
    changed = with_drive(memory="4Gi", cpu={"count": 4, "max": 12}, graphics=False)
    changed["storage"][0] = {"type": "cdrom", "name": "cd", "bootOrder": 1}
    tenant.kubectl("replace", "-f", "-", manifest=machine(kind, "web", changed))
    first = tenant.get("web", kind)
    tenant.kubectl("delete", KINDS[kind].plural, "web")
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        first["metadata"].pop(field, None)
    assert tenant.create(first)["spec"] == first["spec"]


def test_another_guest_is_refused_under_the_machine_of_this_one(tenant: Tenant, refused: Any) -> None:
    tenant.create(machine("VM", "web", features()))
    change = {"spec": {"features": {"system": {"type": "windows", "version": "10"}}}}
    message = refused("patch", KINDS["VM"].plural, "web", "--type=merge", "-p", json.dumps(change))
    assert "is windows 10, the machine was made for debian 12 and stays so" in message


@pytest.mark.parametrize("way", [(), ("--server-side",)], ids=["apply", "server-side apply"])
def test_a_guest_that_is_no_longer_applied_is_kept(tenant: Tenant, way: tuple[str, ...]) -> None:
    tenant.kubectl("apply", *way, "-f", "-", manifest=machine("VM", "web", features()))
    stored = tenant.get("web", "VM")
    left = {name: value for name, value in {**features(), "memory": "4Gi"}.items() if name != "system"}
    for _ in range(2):
        tenant.kubectl("apply", *way, "-f", "-", manifest=machine("VM", "web", left))
        changed = tenant.get("web", "VM")
        assert changed["spec"]["features"]["system"] == stored["spec"]["features"]["system"]
        assert changed["spec"]["domain"]["memory"]["size"] == 4096
        assert changed["spec"]["domain"]["os"] == stored["spec"]["domain"]["os"]
