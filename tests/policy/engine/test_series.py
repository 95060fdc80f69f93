"""What an engine remembers: one engine is asked about several VMs and requesters, and each has its own answer."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.context import PLACES, TODAY, decide, engine, expected, policies, refused
from webhook.policy import Request, compile_policies
from webhook.policy.engine.engine import _KEPT

CASES = yaml.load((Path(__file__).parent / "series.yaml").read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    said = case.get("policies", [{"rules": case.get("rules")}])
    for asked in (case["asked"], case["asked"][::-1]):
        judge = engine(said)
        for each in (*asked, *asked):
            decision = decide(judge, {"domain": each["domain"]}, Request(**each.get("request", {})))
            assert refused(decision) == expected(each)["refused"]


def test_an_exception_ends_while_the_service_runs() -> None:
    exception = {"rule": "site/t", "namespaces": ["*"], "until": TODAY, "owner": "boot", "ticket": "OPS-2"}
    said = [{"rules": [{"name": "t", "forbid": {"path": "domain.title"}}], "exceptions": [exception]}]
    day = TODAY

    def today() -> date:
        return day

    judge = compile_policies(policies(said), PLACES, today=today)
    assert refused(decide(judge, {"domain": {"title": "x"}})) == []
    day += timedelta(1)
    assert refused(decide(judge, {"domain": {"title": "x"}})) == [{"path": "spec.domain.title", "rule": "site/t"}]


def test_no_more_kinds_of_requester_are_kept_than_so_many() -> None:
    judge = engine(
        [{"match": {"subjects": {"users": ["user-*"]}}, "rules": [{"name": "t", "forbid": {"path": "domain.title"}}]}]
    )
    for number in range(_KEPT + 8):
        judge.rules_for(Request(user=f"user-{number}"))
        assert len(judge._by_request) <= _KEPT


def test_no_more_effective_rules_are_kept_than_so_many() -> None:
    bits = range(_KEPT.bit_length())
    judge = engine(
        [
            {
                "metadata": {"name": f"p{bit}"},
                "match": {"namespaces": {"names": [f"*-{bit}-*"]}},
                "rules": [{"name": "t", "forbid": {"path": "domain.title"}, "when": {"in": [f"{bit}"]}}],
            }
            for bit in bits
        ]
    )
    for number in range(_KEPT + 8):
        judge.rules_for(Request(namespace="".join(f"-{bit}-" for bit in bits if number >> bit & 1)))
        assert len(judge._effective) <= _KEPT
