"""Specs of another shape: the inspection refuses them, policies are asked all the same, and nothing fails or passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policy.context import decide, engine, refused
from webhook.declare import inspect
from webhook.kinds import spec_shape
from webhook.policy import Request

SAID = yaml.load((Path(__file__).parent / "malformed.yaml").read_text(), yaml.CSafeLoader)
CASES = SAID["cases"]
ENGINE = engine([{"rules": SAID["rules"]}])


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    spec, stored = case["spec"], case.get("stored")
    assert any(inspect(tree, spec_shape(), "spec").findings for tree in (spec, stored if "stored" in case else {}))
    for operation in ("CREATE", "UPDATE"):
        for finding in decide(ENGINE, spec, Request(operation=operation), stored).findings:
            assert finding.problem
    if "refused" in case:
        assert [each["rule"] for each in refused(decide(ENGINE, spec))] == case["refused"]
