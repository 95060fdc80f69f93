"""Two sets of policies beside each other: each case says what differs, and what becomes of a VM."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.policy.context import PLACES, TODAY, decide, engine, policies
from webhook.policy import LEVELS, Engine, Request, compile_policies
from webhook.policy.language.model import LABELS
from webhook.policy.loading.load import Loading, load, shipped
from webhook.policy.tools.difference import BY_VALUE, OTHERWISE, edits, narrowed, outcome_changes, vm_change
from webhook.trees import Tree

CASES = yaml.safe_load((Path(__file__).parent / "difference.yaml").read_text())


def side(said: list[Tree]) -> Engine:
    return engine(said) if said else compile_policies([], PLACES)


@pytest.mark.parametrize("case", CASES["rules"], ids=[case["title"] for case in CASES["rules"]])
def test_rules(case: Tree) -> None:
    old, new = engine(case["old"]), engine(case["new"])
    found = edits(old.policies, new.policies)
    assert [[each.change, each.what, each.name] for each in found] == case.get("edits", [])
    turned = [turn for turn in outcome_changes(old, new, PLACES) if turn.path.startswith(case.get("about", ""))]
    told = [[turn.level, turn.path, turn.kind, turn.before, turn.after] for turn in turned]
    assert told == case.get("decisions", [])
    assert narrowed(new.policies) == case.get("narrowed", [])


@pytest.mark.parametrize("case", CASES["fates"], ids=[case["title"] for case in CASES["fates"]])
def test_fates(case: Tree) -> None:
    before, after = (decide(side(case[name]), {"domain": case["domain"]}) for name in ("old", "new"))
    found = vm_change(before, after)
    assert (found.kind if found else None) == case.get("fate")
    for name in ("more", "fewer"):
        told = [each.path.removeprefix("spec.domain.") for each in getattr(found, name)] if found else []
        assert told == case.get(name, [])


def test_an_edit_says_both_sides_and_the_line() -> None:
    (found,) = edits(
        policies([{"rules": [{"name": "v", "forbid": {"path": "domain.vcpu.count"}, "when": {"above": 4}}]}]),
        policies([{"rules": [{"name": "v", "forbid": {"path": "domain.vcpu.count"}, "when": {"above": 8}}]}]),
    )
    assert found.before == "forbid domain.vcpu.count when above 4"
    assert found.after == "forbid domain.vcpu.count when above 8"
    assert found.where.startswith("site/policy.yaml:")


def test_what_is_refused_and_allowed_without_a_value_is_what_the_engine_decides() -> None:
    """Each level's own policies against none at all: the words hold of a real decision over a VM with that field."""
    levels = load(shipped(), Loading(PLACES, today=lambda: TODAY)).engine
    trees: Tree = {
        "domain.os.kernel": {"os": {"kernel": "/boot/k"}},
        "domain.devices.disks[*].driver.discard": {
            "devices": {"disks": [{"name": "a", "driver": {"discard": "unmap"}}]}
        },
    }
    turned = {(turn.level, turn.path): turn for turn in outcome_changes(compile_policies([], PLACES), levels, PLACES)}
    for path, tree in trees.items():
        for level in LEVELS:
            turn = turned.get((level, path))
            refused = bool(decide(levels, {"domain": tree}, Request(labels={LABELS["enforce"]: level})).findings)
            if turn is None:
                assert refused, "the default deny, as before"
            elif turn.after not in (BY_VALUE, OTHERWISE):
                assert (turn.after == "refused") is refused
    assert turned["baseline", "domain.devices.disks[*].driver.discard"].after == "allowed"
