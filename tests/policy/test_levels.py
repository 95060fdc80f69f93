"""The levels that ship: each passes its own suite, no rule of theirs is idle, and the proposal's sample is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.context import PLACES, TODAY, decide, refused
from webhook.declare import Backend, inspect
from webhook.domain import domain_shape
from webhook.policy import LEVELS, Engine, Loading, Request, compile_policies, load, shipped
from webhook.policy.language.model import LABELS

POLICIES = load(shipped(), Loading(PLACES, today=lambda: TODAY)).engine.policies
SUITES = {level: yaml.safe_load((shipped() / level / "suite.yaml").read_text())["cases"] for level in LEVELS}
CASES = [(level, case) for level in LEVELS for case in SUITES[level]]
SAMPLE = Path(__file__).parents[2] / "examples" / "proposal-domain-backend.yaml"


def found(judge: Engine, level: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    stored = case.get("stored")
    request = Request(labels={LABELS["enforce"]: level}, operation="UPDATE" if stored else "CREATE")
    return refused(decide(judge, case["spec"], request, stored))


def passes(judge: Engine, level: str, case: dict[str, Any]) -> bool:
    return found(judge, level, case) == case.get("refused", [])


def in_use(kind: str) -> bool:
    """Whether any declared field has a value of this class."""
    return any(kind in str([place.field_class, *place.field.unless.values()]) for place in PLACES.values())


def without_one_rule() -> Iterator[tuple[str, Engine]]:
    for policy in POLICIES:
        for rule in policy.rules:
            if rule.selector.path or in_use(rule.selector.kind):
                rest = replace(policy, rules=tuple(each for each in policy.rules if each is not rule))
                others = [rest if each is policy else each for each in POLICIES]
                yield rule.id, compile_policies(others, PLACES)


ONE_LESS = list(without_one_rule())


@pytest.mark.parametrize(("level", "case"), CASES, ids=[f"{level}: {case['title']}" for level, case in CASES])
def test_suite(level: str, case: dict[str, Any]) -> None:
    assert not inspect(case["spec"]["domain"], domain_shape(), "spec.domain").findings
    assert found(compile_policies(POLICIES, PLACES), level, case) == case.get("refused", [])


@pytest.mark.parametrize(("rule", "judge"), ONE_LESS, ids=[rule for rule, _ in ONE_LESS])
def test_a_suite_notices_when_a_rule_is_gone(rule: str, judge: Engine) -> None:
    level = rule.split("/")[0]
    assert not all(passes(judge, level, case) for case in SUITES[level])


def test_every_backend_field_of_the_proposals_sample_is_refused_once_and_nothing_else() -> None:
    spec = yaml.safe_load(SAMPLE.read_text())["spec"]
    devices = "spec.domain.devices"
    expected = {
        f"{devices}.channels[0].source.mode": "no-host-ports",
        f"{devices}.channels[0].source.path": "no-host-paths",
        f"{devices}.rng.path": "no-host-paths",
        f"{devices}.disks[1].source.file": "no-host-paths",
        f"{devices}.disks[1].driver.cache": "no-io-tuning",
        f"{devices}.disks[1].driver.io": "no-io-tuning",
        f"{devices}.interfaces[0].source.bridge": "no-host-networks",
        f"{devices}.interfaces[0].filterRef.filter": "no-host-networks",
        f"{devices}.graphics[0].listen.network": "no-host-ports",
        f"{devices}.graphics[0].listen.type": "no-host-ports",
        f"{devices}.graphics[0].port": "no-host-ports",
        f"{devices}.graphics[0].tlsPort": "no-host-ports",
        f"{devices}.graphics[0].passwd": "no-credentials",
        f"{devices}.graphics[0].passwdValidTo": "no-credentials",
    }
    findings = decide(compile_policies(POLICIES, PLACES), spec).findings
    assert sorted((each.path, each.rule.split(" ")[0]) for each in findings) == sorted(
        (path, f"restricted/{rule}") for path, rule in expected.items()
    )
    assert all(each.help for each in findings)
    assert not any("*****" in str(each) for each in findings)


def test_a_refusal_names_the_rule_with_its_file_and_line() -> None:
    lines = (shipped() / "restricted" / "policy.yaml").read_text().splitlines()
    [finding] = decide(compile_policies(POLICIES, PLACES), {"domain": {"os": {"kernel": "/etc/passwd"}}}).findings
    line = 1 + next(number for number, text in enumerate(lines) if "no-host-paths" in text)
    assert finding.rule == f"restricted/no-host-paths (policies/restricted/policy.yaml:{line})"
    assert finding.problem == "host path `/etc/passwd` is not allowed here"


def test_restricted_names_a_rule_for_every_class_of_backend() -> None:
    for path, place in PLACES.items():
        for field_class in (place.field.field_class, *place.field.unless.values()):
            if isinstance(field_class, Backend):
                [restricted] = [policy for policy in POLICIES if policy.name == "restricted"]
                assert field_class.kind in {rule.selector.kind for rule in restricted.rules}, path
