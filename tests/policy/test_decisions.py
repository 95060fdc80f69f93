"""The language, decided: each case is some policies, a part of a VM, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.world import decide, engine, refused
from webhook.declare import inspect
from webhook.domain import domain_shape
from webhook.policy import Request

FILES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
CASES = [(file.stem, case) for file in FILES for case in yaml.safe_load(file.read_text())]


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[f"{stem}: {case['title']}" for stem, case in CASES])
def test_case(case: dict[str, Any]) -> None:
    said = case.get("policies", [{"rules": case["rules"]}] if "rules" in case else [])
    judge = engine(said, case.get("level", "restricted"))
    assert not inspect(case["domain"], domain_shape(), "spec.domain").findings, "a case's domain has the right shape"
    stored = {"domain": case["stored"]} if "stored" in case else None
    decision = decide(judge, {"domain": case["domain"]}, Request(**case.get("request", {})), stored)

    expected = [{**each, "path": f"spec.domain.{each['path']}"} for each in case.get("refused", [])]
    texts = [each.pop("text", None) for each in expected]
    assert refused(decision) == expected
    for finding, text in zip(decision.findings, texts, strict=True):
        assert text is None or text in str(finding)
    warned = [f"spec.domain.{each['path']}: " for each in case.get("warned", [])]
    assert [text[: text.index(": ") + 2] for text in decision.warnings] == warned
    assert [(each.path, each.rule.split(" ")[0]) for each in decision.audits] == [
        (f"spec.domain.{each['path']}", each["rule"]) for each in case.get("audited", [])
    ]
