"""Whatever JSON stands anywhere in a VirtualMachine, there is an answer: a VM, or what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kubevirt.attack_cases import MACHINE
from tests.kubevirt.objects import around
from tests.kubevirt.test_hostile import JSON, places
from webhook.admission.apis import apis
from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.convert.from_kubevirt import from_kubevirt
from webhook.declare.tree import copied
from webhook.kubevirt.starting.site import Site
from webhook.policy import Policies, shipped
from webhook.trees import Tree

KINDS: Tree = {
    "VirtualMachineClusterInstancetype": {
        "spec": {
            "cpu": {"guest": 2, "model": "Westmere"},
            "memory": {"guest": "2Gi"},
            "gpus": [{"name": "a", "deviceName": "b.com/c"}],
        }
    },
    "VirtualMachineClusterPreference": {
        "spec": {
            "cpu": {"preferredCPUTopology": "spread", "spreadOptions": {"ratio": 2, "across": "CoresThreads"}},
            "devices": {"preferredDiskBus": "virtio"},
            "firmware": {"preferredUseEfi": True},
        }
    },
}
SEEDS = [
    {"name": "a", "cloudInitNoCloud": {"userData": "x", "networkData": "y"}},
    {"name": "b", "cloudInitConfigDrive": {"secretRef": {"name": "s"}}},
    {"name": "c", "sysprep": {"configMap": {"name": "d"}}},
]
SEEDED = {**MACHINE, "volumes": [*MACHINE["volumes"], *SEEDS]}
WHOLE = around("VirtualMachine", SEEDED, {"instancetype": {"name": "i"}, "preference": {"name": "p"}}, {})
ALL: Tree = {"vm": WHOLE, **KINDS}
PLACES = [way for way in places(ALL) if way[-1] not in ("apiVersion", "kind")]


@pytest.fixture(scope="session")
def ours() -> AdmissionContext:
    return AdmissionContext(Policies(shipped(), apis(with_kubevirt=False)))


@pytest.mark.thorough
@settings(max_examples=400, deadline=None)
@given(way=st.sampled_from(PLACES), value=JSON)
def test_any_json_at_any_place_is_converted_or_refused(
    ours: AdmissionContext, way: tuple[Any, ...], value: Any
) -> None:
    made: Any = copied(ALL)
    holder = made
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = value
    site = Site(find=lambda kind, _namespace, _name: made[kind] if type(made.get(kind)) is dict else None)
    found = from_kubevirt(made["vm"], site)
    assert all(finding.path and finding.problem and finding.help for finding in found.findings)
    if not found.findings:
        expand_object(found.objects[0], ours)


def test_the_machine_without_anything_odd_is_converted(ours: AdmissionContext) -> None:
    found = from_kubevirt(copied(WHOLE), Site(find=lambda kind, _namespace, _name: copied(KINDS[kind])))
    assert found.findings == []
    assert expand_object(found.objects[0], ours)[1] == []


def test_what_is_no_virtual_machine_is_refused() -> None:
    for body in (None, [], "x", {}, {"metadata": {}, "spec": {}}, {"metadata": {"name": 1}, "spec": {"template": 7}}):
        [finding] = from_kubevirt(body, Site()).findings
        assert "expected an object" in finding.problem
