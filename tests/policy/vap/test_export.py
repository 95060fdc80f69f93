"""What an export is made of: bindings by level, what is in force, what grows stale, what is told and left out."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml

from tests.policy.vap.api_server import LABEL, TARGETS, exported, loaded
from tests.policy.vap.test_agreement import SITE
from tests.policy.vap.typecheck import warnings
from webhook.cli import main
from webhook.declare import Element, backend, choice, frontend, shape_of, text, walk
from webhook.kinds import declared_fields
from webhook.kinds.crd import crds
from webhook.policy import Loading, compile_policies, load, shipped
from webhook.policy.engine.engine import utc_today
from webhook.policy.vap import export
from webhook.trees import Tree

STALE = "vmconfig.kubevirt.io/stale-from"


@pytest.fixture(scope="module")
def documents() -> list[Tree]:
    return exported(load(shipped(), Loading(declared_fields())))


def variables(document: Tree) -> dict[str, str]:
    return {each["name"]: each["expression"] for each in document["spec"]["variables"]}


def chosen(document: Tree, labels: dict[str, str]) -> bool:
    """Whether a binding's namespace selector fits these labels, as Kubernetes reads it."""
    fits = {
        "In": lambda each: labels.get(each["key"]) in each["values"],
        "NotIn": lambda each: labels.get(each["key"]) not in each["values"],
        "Exists": lambda each: each["key"] in labels,
        "DoesNotExist": lambda each: each["key"] not in labels,
    }
    selector = document["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    return all(fits[each["operator"]](each) for each in selector)


@pytest.mark.parametrize("default", ["restricted", "baseline", "privileged"])
@pytest.mark.parametrize("said", [None, "restricted", "baseline", "privileged", "sealed", ""])
def test_every_namespace_is_under_just_one_level(default: str, said: str | None) -> None:
    made = exported(load(shipped(), Loading(declared_fields(), default)))
    labels = {} if said is None else {LABEL: said}
    bound = [each["spec"]["policyName"] for each in made if each["kind"].endswith("Binding") and chosen(each, labels)]
    known = ("restricted", "baseline", "privileged")
    level = default if said is None else said if said in known else "restricted"
    assert bound == [f"vmconfig-{level}"]


def test_every_policy_fails_closed_for_both_kinds_and_leaves_namespaces_out(documents: list[Tree]) -> None:
    policies = [each for each in documents if each["kind"] == "ValidatingAdmissionPolicy"]
    assert len(policies) == 3
    for policy in policies:
        matched = policy["spec"]["matchConstraints"]
        assert policy["spec"]["failurePolicy"] == "Fail"
        assert matched["resourceRules"][0]["resources"] == ["vmdefinitions", "virtualmachineconfigs"]
        assert matched["namespaceSelector"]["matchExpressions"][0]["values"] == ["kube-system"]


def test_the_type_check_of_the_controller_manager_has_nothing_to_say(
    tmp_path: Path, folder: Path, documents: list[Tree]
) -> None:
    definitions = crds()
    site = exported(loaded(SITE["policies"], folder))
    assert [warnings(each, definitions, tmp_path) for each in (*documents[:3], site[2])] == [[]] * 4


def test_the_type_check_would_say_something_of_a_field_that_is_not_there(tmp_path: Path, documents: list[Tree]) -> None:
    spec = documents[2]["spec"]
    wrong = {**documents[2], "spec": {**spec, "validations": [{"expression": "object.spec.domain.nothing == 1"}]}}
    assert "undefined field 'nothing'" in "\n".join(warnings(wrong, crds(), tmp_path))


def test_every_expression_is_far_below_what_the_api_server_takes(folder: Path) -> None:
    for document in exported(loaded(SITE["policies"], folder))[:3]:
        assert max(map(len, variables(document).values())) < 50_000
        assert len(yaml.safe_dump(document)) < 300_000


def test_no_variable_is_left_that_nothing_asks(folder: Path) -> None:
    for document in exported(loaded(SITE["policies"], folder))[:3]:
        said = variables(document)
        asked = "\n".join([*said.values(), document["spec"]["validations"][0]["expression"]])
        assert [name for name in said if f"variables.{name}" not in asked] == []


class Part(Element):
    """An element that is declared only here."""

    path: Annotated[str, text()] | None = backend("host-path")
    colour: Annotated[str, choice("red", "blue")] | None = frontend(unless={})
    name: Annotated[str, text()] | None = frontend()


class Thing(Element, key="name"):
    """A list's entry that is declared only here."""

    name: Annotated[str, text()] | None = frontend()
    part: Part | None = frontend()
    whole: Part | None = backend("passthrough")


class Things(Element):
    """A spec that is declared only here."""

    things: list[Thing] | None = frontend()
    plain: Part | None = frontend()


def test_a_newly_declared_element_is_in_the_export_with_no_further_edit() -> None:
    declared = {
        (path := place.path.removeprefix("spec.")): replace(place, path=path)
        for place in walk(shape_of(Things), "spec")
    }
    shipped_now = load(shipped(), Loading(declared_fields()))
    own = [
        replace(each, rules=tuple(r for r in each.rules if not r.selector.path)) for each in shipped_now.engine.policies
    ]
    engine = compile_policies(own, declared)
    made = export(replace(shipped_now, engine=engine), TARGETS, [])
    said = variables(made.documents[0])
    assert made.findings == []
    assert "'Part': {'path': 'host-path'}" in said["fields"]
    assert "'Thing': {'whole': 'passthrough'}" in said["fields"]
    assert "'Thing': {'part': 'Part'}" in said["elements"]
    assert "'Spec': {'plain': 'Part'}" in said["elements"]
    assert "variables.spec.?things" in "\n".join(said.values())
    assert "colour" not in "\n".join(said.values())


def exemption(until: date) -> Tree:
    return {
        "rule": "restricted/no-passthrough",
        "namespaces": ["lab"],
        "until": until.isoformat(),
        "owner": "lab",
        "ticket": "LAB-1",
    }


def test_an_export_with_exceptions_says_when_it_is_stale(folder: Path) -> None:
    today = utc_today()
    ends = [today, today + timedelta(days=5), today - timedelta(days=5)]
    made = exported(loaded([{"metadata": {"name": "leave"}, "exceptions": [exemption(end) for end in ends]}], folder))
    # The day after the first that still runs; the baseline has no such rule to except from.
    assert made[0]["metadata"]["annotations"][STALE] == (today + timedelta(days=1)).isoformat()
    assert STALE not in made[1]["metadata"]["annotations"]


def test_an_export_without_exceptions_is_never_stale(documents: list[Tree]) -> None:
    assert not any(STALE in each["metadata"]["annotations"] for each in documents)
    assert all("vmconfig.kubevirt.io/policies" in each["metadata"]["annotations"] for each in documents)


def test_an_exception_that_has_ended_is_not_exported(folder: Path) -> None:
    ended = exemption(date(2020, 1, 1))
    made = exported(loaded([{"metadata": {"name": "leave"}, "exceptions": [ended]}], folder))
    assert "request.namespace" not in yaml.safe_dump(made[0]["spec"])


def test_a_rule_without_words_in_cel_is_told_and_nothing_is_exported(folder: Path, capsys: Any) -> None:
    rules = [{"name": "bytes", "permit": {"class": "host-path"}, "when": {"matches": r"/srv/\C*"}}]
    loaded([{"metadata": {"name": "odd"}, "rules": rules}], folder)
    assert main(["policy", "export", "--vap", str(folder)]) == 1
    told = capsys.readouterr()
    assert "site.yaml:" in told.err
    assert "rule `odd/bytes` cannot be exported" in told.err
    assert told.out == ""


def test_a_rule_that_is_too_large_for_one_expression_is_told(folder: Path) -> None:
    rules = [
        {"name": f"r{number}", "permit": {"class": "host-path"}, "when": {"matches": f"/{'x' * 500}/{number}"}}
        for number in range(60)
    ]
    made = export(loaded([{"metadata": {"name": "many"}, "rules": rules}], folder), TARGETS, [])
    assert any("at most 100000 are taken" in finding.problem for finding in made.findings)


def test_rules_about_no_value_are_noted_and_left_to_the_webhook(folder: Path, capsys: Any) -> None:
    rules = [
        {"name": "small", "forbid": {"total": "vcpus"}, "when": {"above": 8}},
        {"name": "titled", "forbid": {"path": "domain.title"}, "when": {"present": False}},
    ]
    loaded([{"metadata": {"name": "limits"}, "rules": rules}], folder)
    assert main(["policy", "export", "--vap", str(folder)]) == 0
    told = capsys.readouterr()
    assert re.findall(r"rule `(limits/\w+)` is about no field that is there", told.err) == [
        "limits/small",
        "limits/titled",
    ]
    assert len(list(yaml.safe_load_all(told.out))) == 7


def test_a_rule_about_what_is_stated_is_noted_by_name_and_in_no_expression(folder: Path, capsys: Any) -> None:
    rules = [
        {"name": "whole", "forbid": {"path": "domain"}},
        {"name": "titled", "forbid": {"path": "domain.title"}, "when": {"stated": True}},
        {"name": "described", "forbid": {"path": "domain.description"}},
    ]
    loaded([{"metadata": {"name": "own"}, "rules": rules}], folder)
    assert main(["policy", "export", "--vap", str(folder)]) == 0
    told = capsys.readouterr()
    assert re.findall(r"rule `(own/\w+)` is about what a requester writes", told.err) == ["own/whole", "own/titled"]
    assert "own/described" in told.out
    assert "own/titled" not in told.out
    assert "own/whole" not in told.out


def test_the_command_prints_what_the_flags_say(capsys: Any) -> None:
    assert main(["policy", "export", "--vap", "--default-level", "baseline", "--except", "a", "--except", "b"]) == 0
    made = list(yaml.safe_load_all(capsys.readouterr().out))
    (default,) = [each for each in made if each["metadata"]["name"] == "vmconfig-default"]
    assert default["spec"]["policyName"] == "vmconfig-baseline"
    assert made[0]["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"][0]["values"] == ["a", "b"]
    assert main(["policy", "export", "--vap", "-o", "json"]) == 0
    assert '"vmconfig-restricted"' in capsys.readouterr().out
