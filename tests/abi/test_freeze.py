"""What an update leaves out, takes away and brings back, as cases; and that to freeze twice is to freeze once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.abi.adoption import AskedDevices
from webhook.abi.freeze import Kept, freeze
from webhook.declare.tree import copied

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "freeze.yaml").read_text())


def keys(words: list[str]) -> set[tuple[str, str]]:
    return {(word.split()[0], word.split()[1]) for word in words}


def run(case: dict[str, Any], stored: Any = None, incoming: Any = None, tombstones: Any = None) -> Kept:
    return freeze(
        case["stored"] if stored is None else stored,
        case.get("tombstones-before", {}) if tombstones is None else tombstones,
        case["incoming"] if incoming is None else incoming,
        AskedDevices(keys(case.get("before", [])), keys(case.get("after", []))),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_freeze(case: dict[str, Any]) -> None:
    kept = run(case)
    assert _without_empty(kept.domain) == _without_empty(case["result"])
    assert kept.tombstones == case.get("tombstones", {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_to_freeze_twice_is_to_freeze_once(case: dict[str, Any]) -> None:
    once = run(case)
    case = {**case, "before": case.get("after", [])}
    twice = run(case, stored=once.domain, incoming=once.domain, tombstones=once.tombstones)
    assert twice.domain == once.domain
    assert twice.tombstones == once.tombstones


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_nothing_that_was_handed_in_is_changed(case: dict[str, Any]) -> None:
    before = copied(case)
    kept = run(case)
    kept.domain["devices"]["disks"] = ["changed"]
    assert case == before


def _without_empty(domain: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in domain.items() if value != {}}
