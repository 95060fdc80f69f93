"""Who is refused a VirtualMachine whose machine cannot be kept: tenants, and none of KubeVirt's own controllers."""

from __future__ import annotations

import pytest

from tests.kubevirt.conftest import Of
from tests.kubevirt.edits import machine
from tests.kubevirt.objects import review
from webhook.admission.kubevirt_machine import keep_machine
from webhook.kubevirt.keeping.machine import ANNOTATION
from webhook.trees import Tree

CONTROLLER = "system:serviceaccount:kubevirt:kubevirt-controller"


def _vm(annotation: str = "") -> Tree:
    vm = machine(1, ("virtio",))
    vm["metadata"] = {"name": "web", "namespace": "shop"}
    if annotation:
        vm["spec"]["template"].setdefault("metadata", {})["annotations"] = {ANNOTATION: annotation}
    return vm


def test_a_new_vm_gets_its_machine(context: Of) -> None:
    verdict = keep_machine(review(_vm()), context())
    assert verdict.allowed
    assert verdict.patch


def test_a_machine_that_is_none_is_refused(context: Of) -> None:
    verdict = keep_machine(review(_vm("{}")), context())
    assert [each.problem for each in verdict.findings] == ["is no machine that this service wrote"]
    assert not verdict.allowed


def test_what_kubevirts_controllers_make_is_told_of_and_goes_on(context: Of) -> None:
    verdict = keep_machine(review(_vm("{}"), user=CONTROLLER), context())
    assert verdict.allowed
    assert not verdict.patch
    assert "is no machine that this service wrote" in "\n".join(verdict.warnings)


@pytest.mark.parametrize("user", ["kubevirt-controller", "system:serviceaccount:shop:kubevirt-controller"])
def test_nobody_passes_for_one_of_them(context: Of, user: str) -> None:
    assert not keep_machine(review(_vm("{}"), user=user), context()).allowed
