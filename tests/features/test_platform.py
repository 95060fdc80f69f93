"""The ground that features stand on, as cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.features import Site, platform_of
from webhook.findings import Refused

CASES = yaml.safe_load((Path(__file__).parent / "platform" / "cases.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_platform(case: dict[str, Any]) -> None:
    key = "refused" if "refused" in case else "platform"
    assert outcome(case) == {key: case[key]}


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """A case's end as its file writes it."""
    features, domain = case.get("features", {}), case.get("domain", {})
    try:
        found = platform_of(features, domain, Site(), "2026.1", case.get("path", "spec"))
    except Refused as refused:
        return {"refused": [f"{finding.path} {finding.problem}" for finding in refused.findings if finding.help]}
    return {
        "platform": {
            "guest": found.guest.title,
            "machine": found.machine.family,
            "firmware": found.firmware,
            "secure_boot": found.secure_boot,
        }
    }
