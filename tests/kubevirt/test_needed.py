"""Each shipped rule about KubeVirt's machines decides some case: without it a case would end otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.kubevirt.attack_cases import cases
from tests.kubevirt.objects import around, manifest
from webhook.kubevirt.api import KINDS, ROOT, declared_fields, marks_of, project
from webhook.policy import Policies, Request, Submission, compile_policies
from webhook.policy.language.model import LABELS, Policy
from webhook.trees import Tree

DOORS: list[Tree] = yaml.safe_load((Path(__file__).parent / "doors.yaml").read_text())


def submissions(level: str) -> list[Submission]:
    machines = [around("VirtualMachine", case.vmi, case.vm, case.metadata) for case in cases() if case.level == level]
    others = [manifest(each["kind"], each["spec"]) for each in DOORS if each.get("level", "restricted") == level]
    found = (project(obj, KINDS[obj["kind"]]).tree for obj in (*machines, *others))
    return [Submission(tree, marks_of(tree), ROOT) for tree in found]


def decided(policies: list[Policy], asked: list[Submission], level: str) -> list[list[tuple[str, str]]]:
    engine = compile_policies(policies, declared_fields())
    request = Request(labels={LABELS["enforce"]: level})
    found = (engine.decide(each, request).findings for each in asked)
    return [[(each.path, each.rule) for each in findings] for findings in found]


@pytest.mark.thorough
@pytest.mark.parametrize("level", ["restricted", "baseline"])
def test_each_rule_decides_a_case(policies: Policies, level: str) -> None:
    assert policies.kubevirt is not None
    own, asked = list(policies.kubevirt.policies), submissions(level)
    before = decided(own, asked, level)
    [policy] = [each for each in own if each.level == level]
    idle = []
    for rule in policy.rules:
        rest = replace(policy, rules=tuple(each for each in policy.rules if each is not rule))
        if decided([rest if each is policy else each for each in own], asked, level) == before:
            idle.append(rule.id)
    assert idle == []
