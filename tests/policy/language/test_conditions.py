"""A condition of the language is one entry: declared here alone, one is read, merged, linted and exported."""

from __future__ import annotations

import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.policy.context import PLACES, decide, engine, policies, refused
from webhook.declare import Field
from webhook.findings import Refused
from webhook.kinds import declared_fields
from webhook.policy import Loaded
from webhook.policy.language import conditions
from webhook.policy.language.cel_form import Cel, CelValue, Inexpressible
from webhook.policy.language.condition import Condition, ConditionKind, InvalidCondition
from webhook.policy.language.conditions import CONDITIONS
from webhook.policy.language.words import rule_words
from webhook.policy.loading.budget import Budget
from webhook.policy.tools.schema import policy_schema
from webhook.policy.vap import Export, Target, export

TITLE, DESCRIPTION = "domain.title", "domain.description"
TARGETS = [Target("kubevirt.io", "v1alpha1", "vmdefinitions", "VM", ("spec",))]


def make(wanted: object, field: Field | None) -> Condition:
    """`starts-with: team-`."""
    if field is None or type(wanted) is not str:
        raise InvalidCondition("wants a text and a field", "name both")
    return Condition(
        "starts-with",
        wanted,
        lambda value: type(value) is str and value.startswith(wanted),
        lambda value: f"begins with `{wanted}`, as in `{value}`",
    )


def formula(each: Condition, value: CelValue, cel: Cel) -> str:
    if each.wanted == "?":
        raise Inexpressible("there are no words for `?`")
    return f"{value.words}.startsWith({cel.text(str(each.wanted))})"


KIND = ConditionKind("starts-with", "the value begins with this", {"type": "string", "minLength": 1}, make, formula)


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONDITIONS, KIND.name, KIND)


def forbid(wanted: object, **more: Any) -> dict[str, Any]:
    return {"name": "n", "forbid": {"path": TITLE}, "when": {"starts-with": wanted, **more}}


def test_the_loader_reads_it_and_its_own_check_refuses_what_means_nothing() -> None:
    [policy] = policies([{"rules": [forbid("team-")]}])
    assert rule_words(policy.rules[0]) == "forbid domain.title when starts-with team-"
    with pytest.raises(Refused, match="starts-with wants a text and a field"):
        policies([{"rules": [forbid(4)]}])


def test_the_engine_refuses_what_it_holds_of_in_its_own_words() -> None:
    judge = engine([{"rules": [forbid("team-")]}])
    decision = decide(judge, {"domain": {"title": "team-a"}})
    assert refused(decision) == [{"path": "spec.domain.title", "rule": "site/n"}]
    assert decision.findings[0].problem == "begins with `team-`, as in `team-a`"
    assert refused(decide(judge, {"domain": {"title": "a"}})) == []


@pytest.mark.parametrize("effect", ["permit", "deny"])
def test_a_permit_and_a_guard_may_have_it(effect: str) -> None:
    rule = {
        "name": "n",
        effect: {"path": TITLE},
        "when": {"starts-with": "a"},
        "where": {DESCRIPTION: {"starts-with": "b"}},
    }
    assert engine([{"rules": [rule]}]).policies[0].rules[0].guards[0].conditions[DESCRIPTION][0].wanted == "b"


def test_a_guard_asks_it_of_another_field() -> None:
    rule = {"name": "n", "forbid": {"path": TITLE}, "where": {DESCRIPTION: {"starts-with": "team-"}}}
    judge = engine([{"rules": [rule]}])
    assert refused(decide(judge, {"domain": {"title": "x", "description": "team-a"}}))
    assert not refused(decide(judge, {"domain": {"title": "x", "description": "a"}}))


def test_the_schema_for_editors_has_it_with_its_description() -> None:
    schema = policy_schema(PLACES)
    validator = Draft202012Validator(schema)
    document = {"apiVersion": "policy.vmconfig.kubevirt.io/v1", "kind": "Policy", "metadata": {"name": "a"}}
    assert validator.is_valid({**document, "rules": [forbid("team-")]})
    assert not validator.is_valid({**document, "rules": [forbid("")]})
    assert "the value begins with this" in json.dumps(schema)


def test_the_lint_sees_that_no_value_meets_it_and_another_condition() -> None:
    with pytest.raises(Refused, match="no value meets all conditions of `site/n`"):
        policies([{"rules": [forbid("team-", **{"in": ["a", "b"]})]}])
    assert policies([{"rules": [forbid("team-", **{"in": ["a", "team-b"]})]}])


def test_the_lint_sees_two_rules_that_say_the_same() -> None:
    with pytest.raises(Refused, match="says just what"):
        policies([{"rules": [forbid("team-"), {**forbid("team-"), "name": "other"}]}])


def test_it_is_counted_among_the_conditions_that_are_asked_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    spend = Budget.spend
    monkeypatch.setattr(Budget, "spend", lambda self, what, *more: (counted.append(what), spend(self, what, *more)))
    policies([{"rules": [forbid("team-")]}])
    assert "asked" in counted
    counted.clear()
    policies([{"rules": [{**forbid(""), "when": {"in": ["a"]}}]}])
    assert "asked" not in counted


def test_the_export_has_its_formula_and_names_what_cannot_be_exported() -> None:
    def exported(wanted: str) -> Export:
        judge = engine([{"rules": [forbid(wanted)]}], declared_fields=dict(declared_fields()))
        return export(Loaded(judge, "digest"), TARGETS, [])

    made = exported("team-")
    assert made.findings == []
    assert ".startsWith('team-')" in str(made.documents[0])
    assert [each.problem for each in exported("?").findings] == [
        "rule `site/n` cannot be exported: there are no words for `?`"
    ]


def test_a_file_in_the_folder_is_found_by_being_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "starts_with.py").write_text("from tests.policy.language.test_conditions import KIND\n")
    monkeypatch.setattr(conditions, "__path__", [*conditions.__path__, str(tmp_path)])
    assert set(conditions.found()) == set(CONDITIONS)
    (tmp_path / "starts_with.py").unlink()


def test_each_file_of_the_folder_is_named_after_its_word() -> None:
    files = [module.name for module in pkgutil.iter_modules(conditions.__path__)]
    words = sorted(name.replace("-", "_") for name in CONDITIONS if name != KIND.name)
    assert [file.removesuffix("_") for file in files] == words


def test_every_condition_is_in_the_pages_table() -> None:
    page = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()
    assert [name for name in CONDITIONS if name != KIND.name and f"`{name}`" not in page] == []
