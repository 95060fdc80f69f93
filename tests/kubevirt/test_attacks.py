"""Every hole of KubeVirt's API is refused for the right reason in each kind that has it, and every twin passes."""

from __future__ import annotations

import orjson
import pytest

from tests.kubevirt.attack_cases import MACHINE, Case, Found, cases, items, named
from tests.kubevirt.conftest import Of
from tests.kubevirt.objects import PREFIXES, around, manifest, review
from webhook.admission.kubevirt import validate_kubevirt
from webhook.admission.review import Verdict
from webhook.trees import Tree

CASES = cases()
ATTACKS = [case for case in CASES if case.is_attack]
TWINS = [case for case in CASES if not case.is_attack]
KINDS = list(PREFIXES)


def ids(case: Case) -> str:
    return case.id


def whole(kind: str, case: Case) -> Tree:
    return around(kind, case.vmi, case.vm, case.metadata)


def expected(kind: str, case: Case) -> Found:
    prefixes = PREFIXES[kind]
    found = set()
    for path, rule in case.refused:
        part = path.partition(".")[0].partition("[")[0]
        found.add((prefixes[part] + path[len(part) :], rule))
    return frozenset(found)


def found(verdict: Verdict, obj: Tree) -> Found:
    return frozenset((named(each.path, obj), rule_of(each.rule)) for each in verdict.findings)


def rule_of(rule: str) -> str:
    name = rule.partition(" ")[0]
    return "default-deny" if name.startswith("default-deny/") else name


def has(kind: str, case: Case) -> bool:
    return "vm" in PREFIXES[kind] or not any(path.startswith("vm.") for path, _ in case.refused)


def test_there_are_enough_attacks_and_each_has_a_twin() -> None:
    assert len(ATTACKS) >= 120
    for name, item in items().items():
        assert item["attacks"], name
        assert item["twins"], name
    assert all(case.refused for case in ATTACKS)
    assert not any(case.refused for case in TWINS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ATTACKS, ids=ids)
def test_an_attack_is_refused_on_create(context: Of, case: Case, kind: str) -> None:
    if has(kind, case):
        obj = whole(kind, case)
        verdict = validate_kubevirt(review(obj), context(case.level))
        assert not verdict.allowed
        assert found(verdict, obj) == expected(kind, case)
        assert all(each.help for each in verdict.findings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ATTACKS, ids=ids)
def test_an_attack_is_refused_on_update(context: Of, case: Case, kind: str) -> None:
    if has(kind, case):
        obj = whole(kind, case)
        stored = around(kind, MACHINE, {"runStrategy": "Halted"}, {})
        verdict = validate_kubevirt(review(obj, stored), context(case.level))
        assert found(verdict, obj) == expected(kind, case)


@pytest.mark.parametrize("kind", ["VirtualMachineClone", "VirtualMachineRestore"])
@pytest.mark.parametrize("case", ATTACKS, ids=ids)
def test_an_attack_is_refused_as_a_patch_of_a_copy(context: Of, case: Case, kind: str) -> None:
    template = {"metadata": case.metadata, "spec": case.vmi}
    patch = [{"op": "add", "path": "/spec", "value": {**case.vm, "template": template}}]
    obj = manifest(kind, {"patches": [orjson.dumps(patch).decode()]})
    verdict = validate_kubevirt(review(obj), context(case.level))
    assert {each.path for each in verdict.findings} == {"spec.patches[0]"}
    assert {rule_of(each.rule) for each in verdict.findings} == {rule for _, rule in case.refused}


@pytest.mark.parametrize("case", ATTACKS, ids=ids)
def test_an_attack_is_only_told_in_mode_audit(context: Of, case: Case) -> None:
    obj = whole("VirtualMachine", case)
    verdict = validate_kubevirt(review(obj), context(case.level, "audit"))
    assert verdict.allowed
    assert len(verdict.warnings) == len(case.refused)
    assert frozenset((named(each.path, obj), rule_of(each.rule)) for each in verdict.audits) == expected(
        "VirtualMachine", case
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", TWINS, ids=ids)
def test_a_twin_passes(context: Of, case: Case, kind: str) -> None:
    obj = whole(kind, case)
    for old in (None, around(kind, MACHINE, {}, {})):
        verdict = validate_kubevirt(review(obj, old), context(case.level))
        assert verdict.allowed, verdict.findings
        assert not verdict.warnings
