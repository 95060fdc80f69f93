"""Findings about the domain are told at the words of the features that asked for it: both webhooks over whole VMs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.consistency.vms import context
from tests.features.feature_cases import features_of, load
from webhook.admission.offline import expand_object, review_of, update_object
from webhook.admission.validate import validate
from webhook.declare import FieldPath
from webhook.declare.tree import copied
from webhook.expand.pipeline import expand
from webhook.expand.words import words_of
from webhook.findings import Finding, Refused
from webhook.kinds import KINDS, inspect_spec
from webhook.trees import Tree

CASES: list[Tree] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text())
# Features that ask for values; others ask for a device and leave its values to best practice.
VALUED = ("cpu", "hugepages", "memory", "network", "storage")
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])


def vm(case: Tree) -> Tree:
    spec = {part: copied(case[part]) for part in ("features", "domain") if part in case}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm"}, "spec": spec}


def findings(case: Tree, stored: Tree | None) -> list[Finding]:
    if stored is None:
        return expand_object(vm(case), context())[1]
    before, _, _ = expand_object(vm({"features": stored}), context())
    assert before is not None
    return update_object(vm(case), before, context())[1]


@EACH
def test_a_finding_is_told_where_the_tenant_wrote_what_it_is_about(case: Tree) -> None:
    found = findings(case, case.get("stored"))
    assert [finding.path for finding in found] == case["at"], list(map(str, found))
    assert all(finding.help for finding in found)


@EACH
def test_whoever_follows_the_help_there_passes(case: Tree) -> None:
    assert list(map(str, findings(case["followed"], case.get("stored")))) == []


def test_a_device_that_a_finding_names_is_named_as_the_tenant_knows_it() -> None:
    [finding] = findings(CASES[0], None)
    assert "`spec.features.storage[0]`" in finding.problem


def test_more_room_is_a_change_that_the_help_names_and_that_is_accepted_by_its_digest() -> None:
    case = next(case for case in CASES if case["title"].startswith("memory beyond the room of a stored"))
    [finding] = findings(case, case["stored"])
    assert "`spec.domain.maxmemory.size`" in finding.help
    [frozen] = findings({**case, "domain": {"maxmemory": {"size": "32Gi"}}}, case["stored"])
    assert (frozen.path, frozen.rule) == ("spec.domain.maxmemory.size", "frozen")
    assert "accept-abi-change" in frozen.help


@pytest.mark.parametrize(("name", "case"), load(), ids=lambda each: each if type(each) is str else each["title"])
def test_a_value_that_a_feature_asks_for_leads_to_a_word_of_it_that_is_there(name: str, case: Any) -> None:
    spec = {"features": {"system": {"type": "linux"}, **features_of(name, case)}}
    if inspect_spec(spec, "spec").findings:
        return
    try:
        made = expand(spec, context(), "spec").spec
    except Refused:
        return
    words = words_of(made, context().site, "spec")
    assert words is not None
    told = {words.place(place) for place in _leaves(made["domain"], "spec.domain")}
    found = {place for place in told if place.startswith("spec.features.")}
    if name in VALUED:
        assert found or not any(each.asked for each in words.contributions)
    for place in found:
        assert FieldPath.parse(place).value({"spec": made}) is not None, place


def _leaves(tree: Any, path: str) -> list[str]:
    if type(tree) is dict:
        return [leaf for name, value in tree.items() for leaf in _leaves(value, f"{path}.{name}")]
    if type(tree) is list:
        return [leaf for index, value in enumerate(tree) for leaf in _leaves(value, f"{path}[{index}]")]
    return [path]


def test_devices_without_a_name_are_no_error_where_nobody_completed_the_vm() -> None:
    obj = vm(CASES[0])
    obj["spec"]["domain"] = {"devices": {"disks": [{"bootOrder": 1}, {"bootOrder": 1}]}}
    found = validate(review_of(obj, KINDS["VM"]), context()).findings
    assert "spec.domain.devices.disks[1].bootOrder" in [finding.path for finding in found]
