"""The schema for editors takes what the loader takes, and marks its slips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.policy.language.test_decisions import CASES
from webhook.kinds import declared_fields
from webhook.policy import shipped
from webhook.policy.tools.schema import policy_schema

SCHEMA = policy_schema(declared_fields())
VALIDATOR = Draft202012Validator(SCHEMA)
WRONG = Path(__file__).parents[1] / "loading" / "wrong"
# Files whose every document has a slip that a schema can see.
SEEN = ("grammar", "selection", "guards")


def documents(path: Path) -> list[Any]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", sorted(shipped().glob("*/policy.yaml")), ids=lambda path: path.parent.name)
def test_the_shipped_policies_fit_the_schema(path: Path) -> None:
    for document in documents(path):
        assert [error.message for error in VALIDATOR.iter_errors(document)] == []


def test_every_policy_of_the_decision_cases_fits_the_schema() -> None:
    count = 0
    for _, case in CASES:
        for said in case.get("policies", [{"rules": case["rules"]}] if "rules" in case else []):
            whole = {
                "apiVersion": "policy.vmconfig.kubevirt.io/v1",
                "kind": "Policy",
                "metadata": {"name": "a"},
                **said,
            }
            # YAML makes dates of the days; an editor's reader leaves them texts.
            plain = yaml.load(yaml.safe_dump(whole).replace("until: 20", "until: !!str 20"), yaml.SafeLoader)
            assert [error.message for error in VALIDATOR.iter_errors(plain)] == [], case["title"]
            count += 1
    assert count > 100


@pytest.mark.parametrize("name", SEEN)
def test_a_slip_is_marked(name: str) -> None:
    for document in documents(WRONG / name / f"{name}.yaml"):
        assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize("rule", yaml.safe_load((WRONG / "guards" / "guards.yaml").read_text())["rules"], ids=str)
def test_each_slip_in_guards_totals_and_comparisons_is_marked_unless_it_needs_types(rule: dict[str, Any]) -> None:
    typed = {
        "value",
        "inside",
        "other-type",
        "itself",
        "an-element",
        "a-class",
        "no-limit",
        "not-a-limit",
        "no-number",
        "no-amount",
        "no-text",
        "both",
    }
    whole = {
        "apiVersion": "policy.vmconfig.kubevirt.io/v1",
        "kind": "Policy",
        "metadata": {"name": "a"},
        "rules": [rule],
    }
    assert VALIDATOR.is_valid(whole) is (rule["name"] in typed)
