"""Other objects than machines: instancetypes, preferences, presets, pools, and the patches of copies."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.kubevirt.attack_cases import MACHINE
from tests.kubevirt.conftest import Of
from tests.kubevirt.objects import PREFIXES, VERSIONS, around, manifest, review
from tests.kubevirt.test_attacks import rule_of
from webhook.admission.kubevirt import validate_kubevirt
from webhook.kubevirt.api import KINDS
from webhook.trees import Tree

DOORS: list[Tree] = yaml.safe_load((Path(__file__).parent / "doors.yaml").read_text())
BAD = around("VirtualMachine", {**MACHINE, "schedulerName": "mine"}, {}, {})
USERS = "system:serviceaccount:kubevirt:"


@pytest.mark.parametrize("case", DOORS, ids=[case["title"] for case in DOORS])
def test_a_door_is_closed_as_far_as_the_level_says(context: Of, case: Tree) -> None:
    level = case.get("level", "restricted")
    verdict = validate_kubevirt(review(manifest(case["kind"], case["spec"])), context(level))
    found = {each.path: rule_of(each.rule).removeprefix(f"kubevirt-{level}/") for each in verdict.findings}
    assert found == case.get("refused", {})
    assert verdict.allowed is not found or verdict.allowed is (not found)


def test_every_kind_is_tried_with_something_that_is_refused_and_something_that_is_not() -> None:
    tried = {(case["kind"], bool(case.get("refused"))) for case in DOORS}
    for kind in set(KINDS) - set(PREFIXES) - {"VirtualMachineRestore", "VirtualMachineClusterPreference"}:
        assert {(kind, True), (kind, False)} <= tried | {("VirtualMachineClusterInstancetype", False)}, kind
    assert set(VERSIONS) == set(KINDS)
    assert {kind.api_version for kind in KINDS.values()} == set(VERSIONS.values())


@pytest.mark.parametrize("account", ["kubevirt-controller", "kubevirt-handler", "kubevirt-operator"])
def test_kubevirts_controllers_pass(context: Of, account: str) -> None:
    assert validate_kubevirt(review(BAD, user=f"{USERS}{account}"), context()).allowed


@pytest.mark.parametrize(
    "user",
    [f"{USERS}kubevirt-apiserver", "system:serviceaccount:team-a:kubevirt-controller", "kubevirt-controller", ""],
)
def test_nobody_else_passes_for_one_of_them(context: Of, user: str) -> None:
    assert not validate_kubevirt(review(BAD, user=user), context()).allowed


def test_what_is_stored_and_stays_is_nobodys_doing(context: Of) -> None:
    moved = around("VirtualMachine", {**MACHINE, "schedulerName": "mine", "architecture": "amd64"}, {}, {})
    assert validate_kubevirt(review(moved, BAD), context()).allowed
    other = around("VirtualMachine", {**MACHINE, "schedulerName": "other"}, {}, {})
    assert not validate_kubevirt(review(other, BAD), context()).allowed


def test_an_annotation_that_gets_another_value_is_a_change(context: Of) -> None:
    def annotated(value: str) -> Tree:
        return around("VirtualMachine", MACHINE, {}, {"annotations": {"kubevirt.io/new-thing": value, "a": value}})

    assert validate_kubevirt(review(annotated("1"), annotated("1")), context()).allowed
    assert not validate_kubevirt(review(annotated("2"), annotated("1")), context()).allowed


def test_addresses_that_stay_as_they_are_stored_are_nobodys_doing(context: Of) -> None:
    def placed(address: str, cores: int) -> Tree:
        nic = {"name": "default", "masquerade": {}, "pciAddress": address}
        devices = {**MACHINE["domain"]["devices"], "interfaces": [nic]}
        domain = {**MACHINE["domain"], "cpu": {"cores": cores}, "devices": devices}
        return around("VirtualMachine", {**MACHINE, "domain": domain}, {}, {})

    wrong = "0001:05:00.0"
    assert validate_kubevirt(review(placed(wrong, 2), placed(wrong, 1)), context()).allowed
    assert not validate_kubevirt(review(placed("0002:05:00.0", 2), placed(wrong, 1)), context()).allowed
    none = validate_kubevirt(review(placed("0000:00:00.0", 2)), context())
    assert none.allowed
    assert "is read as no address" in none.warnings[0]


SIDECAR = {"hooks.kubevirt.io/hookSidecars": "[]"}
OTHER_CASE: list[tuple[str, list[str], Tree]] = [
    ("VirtualMachine", ["SPEC"], {"template": {"metadata": {"annotations": SIDECAR}}}),
    ("VirtualMachine", ["spec", "Template"], {"metadata": {"annotations": SIDECAR}}),
    ("VirtualMachine", ["spec", "template", "\u017fpec"], {"hostPID": True}),
    ("VirtualMachine", ["spec", "template", "metadata", "Annotations"], SIDECAR),
    ("VirtualMachineInstance", ["Metadata"], {"annotations": SIDECAR}),
    ("VirtualMachinePool", ["spec", "virtualMachineTemplate", "spec", "template", "metadata", "LABELS"], {"a": "b"}),
    ("VirtualMachineInstancetype", ["spec", "Annotations"], SIDECAR),
]


@pytest.mark.parametrize(("kind", "way", "value"), OTHER_CASE, ids=[".".join(way) for _, way, _ in OTHER_CASE])
@pytest.mark.parametrize("level", ["restricted", "privileged"])
def test_a_name_above_a_part_in_another_letter_case_is_refused_unless_it_is_stored(
    context: Of, kind: str, way: list[str], value: Tree, level: str
) -> None:
    def made(**named: Tree) -> Tree:
        obj = manifest(kind, {}) if kind.endswith("type") else around(kind, MACHINE, {}, {"labels": {"a": "b"}})
        holder = obj
        for name in way[:-1]:
            holder = holder.setdefault(name, {})
        holder.update(named)
        return obj

    odd = made(**{way[-1]: value})
    for stored in (None, made(), made(**{way[-1]: {"other": "value"}})):
        found = validate_kubevirt(review(odd, stored), context(level)).findings
        assert [(each.path, each.help) for each in found if each.rule == "names"] == [
            (".".join(way), f"write `{way[-1].casefold()}`")
        ]
    assert validate_kubevirt(review(odd, odd), context(level)).allowed
    assert validate_kubevirt(review(made(Other={})), context("privileged")).allowed


def test_nothing_is_looked_at_in_mode_off_and_in_subresources(context: Of) -> None:
    assert validate_kubevirt(review(BAD), context(mode="off")).allowed
    assert validate_kubevirt(review(BAD, kind="VM"), context()).allowed


@pytest.mark.parametrize(
    ("devices", "rule"),
    [
        ({"hostDevices": [{"name": "h", "deviceName": "x"}]}, "2-1-no-host-devices"),
        ({"hostDevices": [{"name": "h", "claimName": "x"}]}, "2-1-no-host-device-claims"),
        ({"gpus": [{"name": "g", "deviceName": "x"}]}, "2-1-no-gpus"),
        ({"gpus": [{"name": "g", "claimName": "x"}]}, "2-1-no-gpu-claims"),
        ({"downwardMetrics": {}}, "1-4-no-downward-metrics"),
        ({"disks": [{"name": "root", "disk": {}, "shareable": True}]}, "3-2-no-shareable-disks"),
        ({"disks": [{"name": "root", "disk": {}, "errorPolicy": "ignore"}]}, "3-3-no-ignored-errors"),
    ],
)
def test_the_benchmark_holds_against_every_permit_where_it_is_asked_for(context: Of, devices: Tree, rule: str) -> None:
    domain = {**MACHINE["domain"], "devices": {**MACHINE["domain"]["devices"], **devices}}
    obj = around("VirtualMachine", {**MACHINE, "domain": domain}, {}, {})
    [finding] = validate_kubevirt(review(obj), context("privileged", cis="enforce")).findings
    assert rule_of(finding.rule) == f"kubevirt-cis/{rule}"
    assert validate_kubevirt(review(obj), context("privileged")).allowed


def test_the_benchmark_is_asked_of_instancetypes_and_volumes_too(context: Of) -> None:
    spec = {"gpus": [{"name": "g", "deviceName": "x"}], "hostDevices": [{"name": "h", "deviceName": "x"}]}
    obj = manifest("VirtualMachineInstancetype", spec)
    found = validate_kubevirt(review(obj), context("privileged", cis="enforce")).findings
    assert [rule_of(each.rule).rpartition("/")[2] for each in found] == [
        "2-1-no-instancetype-gpus",
        "2-1-no-instancetype-host-devices",
    ]
    volumes = [*MACHINE["volumes"], {"name": "m", "downwardMetrics": {}}]
    machine = around("VirtualMachine", {**MACHINE, "volumes": volumes}, {}, {})
    [finding] = validate_kubevirt(review(machine), context("privileged", cis="enforce")).findings
    assert rule_of(finding.rule) == "kubevirt-cis/1-4-no-downward-metrics-volume"
