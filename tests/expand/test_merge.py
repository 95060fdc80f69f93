"""Merging, as cases; and its laws: no order, nothing of the tenant's changed, nothing shared."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.declare.tree import copied
from webhook.expand.following import Frozen
from webhook.expand.merge import merge

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "merge.yaml").read_text())


@dataclass(frozen=True)
class Said:
    origin: str
    asked: dict[str, Any] = field(default_factory=dict)
    default: dict[str, Any] = field(default_factory=dict)


def run(case: dict[str, Any], order: list[int] | None = None) -> tuple[Any, list[list[str]]]:
    tree = copied(case["stated"])
    said = [Said(**entry) for entry in case["contributions"]]
    said = [said[index] for index in order] if order else said
    frozen = Frozen(case.get("stored", case["stated"]), case.get("before")) if case.get("frozen") else None
    findings = merge(tree, said, "spec.domain", stated=case["stated"], frozen=frozen).findings
    return tree, [[finding.path, finding.problem] for finding in findings]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_merge(case: dict[str, Any]) -> None:
    tree, findings = run(case)
    assert findings == case.get("conflicts", [])
    assert tree == case["result"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_the_order_of_contributions_has_no_influence(case: dict[str, Any]) -> None:
    results = [run(case, list(order)) for order in itertools.permutations(range(len(case["contributions"])))]
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_a_merge_of_its_own_result_changes_nothing(case: dict[str, Any]) -> None:
    tree, _ = run(case)
    again, _ = run({**case, "stated": tree})
    assert again == tree


def test_a_merged_tree_shares_nothing_with_the_contribution() -> None:
    said = Said("spec.features.storage[0]", default={"devices": {"disks": [{"name": "a", "target": {"bus": "sata"}}]}})
    tree: dict[str, Any] = {}
    merge(tree, [said], "spec.domain")
    tree["devices"]["disks"][0]["target"]["bus"] = "ide"
    assert said.default["devices"]["disks"][0]["target"]["bus"] == "sata"


def test_the_tenth_entry_comes_after_the_second() -> None:
    said = [Said(f"spec.features.storage[{n}]", {"devices": {"disks": [{"name": f"d{n}"}]}}) for n in (10, 2, 0)]
    tree: dict[str, Any] = {}
    merge(tree, said, "spec.domain")
    assert [disk["name"] for disk in tree["devices"]["disks"]] == ["d0", "d2", "d10"]
