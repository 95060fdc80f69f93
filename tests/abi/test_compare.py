"""The same machine or not, as cases; and that every change has a consequence in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.abi.acceptance import frozen_finding
from webhook.abi.compare import Change, compare
from webhook.declare import Frontend
from webhook.kinds import declared_fields

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "compare.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_compare(case: dict[str, Any]) -> None:
    changes = list(compare(case["old"], case["new"]))
    assert [[change.path, change.old, change.new] for change in changes] == case["changes"]


def test_every_frontend_field_has_a_consequence_and_a_way_out() -> None:
    frontends = [
        path
        for path, place in declared_fields().items()
        if isinstance(place.field_class, Frontend) and "domain." in path
    ]
    assert len(frontends) > 300
    for path in frontends:
        finding = frozen_finding(Change(".x", path, 1, 2), "spec.domain")
        assert len(finding.problem.split("; ")[1]) > 20, path
        assert finding.help, path


def test_a_moved_nic_is_told_that_it_would_be_renamed() -> None:
    change = Change(
        ".devices.interfaces[0].address", "domain.devices.interfaces[*].address", "0000:01:00.0", "0000:02:00.0"
    )
    finding = frozen_finding(change, "spec.domain")
    assert finding.path == "spec.domain.devices.interfaces[0].address"
    assert "renamed" in finding.problem
