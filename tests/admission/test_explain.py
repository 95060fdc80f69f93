"""Where a value comes from: recorded while a new VM is expanded, recomputed for a stored one."""

from __future__ import annotations

import pytest

from tests.admission.reviews import POLICIES
from webhook.admission.context import AdmissionContext
from webhook.admission.explain import explain
from webhook.admission.offline import completed
from webhook.declare.tree import copied
from webhook.kinds import VM, declared_fields
from webhook.policy import Policies
from webhook.rule_sets import NEWEST
from webhook.trees import Tree

CONTEXT = AdmissionContext(Policies(POLICIES, declared_fields(), "privileged"))
FEATURES: Tree = {
    "memory": 2048,
    "system": {"type": "debian", "version": "12"},
    "storage": [{"source": "root"}],
    "network": [{"source": "lan"}],
}
DISK = "spec.domain.devices.disks[root]"
NIC = "spec.domain.devices.interfaces[0]"
MADE = f"stored, as rule set {NEWEST} made it"
CHANGED = f"stored, stated or changed since: rule set {NEWEST} makes"


def vm(domain: Tree | None = None) -> Tree:
    spec = {"features": FEATURES, **({} if domain is None else {"domain": domain})}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "web"}, "spec": spec}


def reasons(obj: Tree, path: str) -> list[str]:
    (found,) = explain(obj, path, CONTEXT)
    return found.reasons


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("spec.features.memory", "stated by the tenant at spec.features.memory"),
        ("spec.domain.memory.size", "asked by spec.features.memory"),
        (f"{DISK}.claim", "asked by spec.features.storage[0]"),
        (f"{DISK}.target.dev", "allocated: the place is free on its bus and stays the device's own"),
        (f"{DISK}.serial", "identity: made once at random, then kept"),
        (f"{DISK}.bootOrder", "boot order: nobody states one, so it is the first disk, CD-ROM drive and NIC"),
        (f"{NIC}.mac.address", "identity: made once at random, then kept"),
        (f"{NIC}.address", "allocated: the place is free on its bus and stays the device's own"),
        (
            "spec.domain.devices.controllers[0].index",
            "allocated: the place is free on its bus and stays the device's own",
        ),
        ("spec.abi.ruleSet", "set by the service when it makes the machine"),
    ],
)
def test_a_new_vms_value_names_the_step_that_set_it(path: str, reason: str) -> None:
    assert reasons(vm(), path) == [reason]


def test_a_name_and_a_part_that_the_tenant_left_out_are_not_his() -> None:
    obj = vm({"devices": {"watchdogs": [{"action": "reset"}]}})
    assert reasons(obj, "spec.domain.devices.watchdogs[0].action")[0].startswith("stated by the tenant")
    assert reasons(obj, "spec.domain.devices.watchdogs[0].name") == ["named after the device's own words"]
    assert reasons(obj, "spec.domain.devices.watchdogs[0].model") == [
        "completed: libvirt or QEMU would otherwise choose it"
    ]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("spec.domain.memory.size", "asked by spec.features.memory"),
        (f"{DISK}.device", "default of spec.features.storage[0]"),
        (f"{NIC}.address", "allocated"),
        (DISK, "asked by spec.features.storage[0]"),
    ],
)
def test_a_stored_value_that_the_rule_set_makes_again_has_that_origin(path: str, reason: str) -> None:
    first, second, *_ = reasons(completed(vm(), VM, CONTEXT), path)
    assert first == MADE
    assert second.startswith(reason)


def test_a_stored_identity_is_not_said_to_be_the_rule_sets() -> None:
    stored = completed(vm(), VM, CONTEXT)
    for path in (f"{DISK}.serial", f"{NIC}.mac.address", "spec.domain.uuid"):
        assert reasons(stored, path) == ["stored identity: made once at random or stated, then kept"]


def test_a_stored_value_that_differs_is_told_with_what_the_rule_set_makes() -> None:
    stored = copied(completed(vm(), VM, CONTEXT))
    stored["spec"]["domain"]["pm"] = {"suspendToMem": True, "suspendToDisk": False}
    assert reasons(stored, "spec.domain.pm.suspendToMem") == [f"{CHANGED} `false` of `spec.features`"]
    assert reasons(stored, "spec.domain.pm.suspendToDisk")[0] == MADE


def test_a_stored_device_that_no_feature_makes_was_stated_or_added() -> None:
    stored = completed(vm({"devices": {"watchdogs": [{"action": "reset"}]}}), VM, CONTEXT)
    assert reasons(stored, "spec.domain.devices.watchdogs[0].action") == [f"{CHANGED} none of `spec.features`"]


def test_a_new_vm_that_names_its_rule_set_is_not_taken_for_a_stored_one() -> None:
    obj = vm({"memory": {"size": 2048}})
    obj["spec"]["abi"] = {"ruleSet": "2026.1"}
    assert reasons(obj, "spec.domain.memory.size") == ["stated by the tenant at spec.domain.memory.size"]
