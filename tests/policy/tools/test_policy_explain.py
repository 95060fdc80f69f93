"""The explanation of a VM and the decision about it are one thing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.policy.context import PLACES, TODAY, engine, policies
from tests.policy.engine.test_engine import RULES
from webhook.declare import inspect
from webhook.domain import domain_shape
from webhook.policy import Engine, Loading, Request, Submission, compile_policies, load, shipped
from webhook.policy.language.model import LABELS, LEVELS
from webhook.policy.tools.explain import FieldDecision, explain

SPECS = st.fixed_dictionaries({"domain": strategies.trees(domain_shape())})
SITE = policies([{"rules": RULES}])
SHIPPED = load(shipped(), Loading(PLACES, today=lambda: TODAY)).engine.policies
ENGINES = {"site": compile_policies(SITE, PLACES), "all": compile_policies([*SHIPPED, *SITE], PLACES)}


def explained(judge: Engine, spec: dict[str, Any], request: Request) -> tuple[list[FieldDecision], set[str]]:
    marks = inspect(spec["domain"], domain_shape(), "spec.domain").marks
    submission = Submission(spec, marks)
    decision = judge.decide(submission, request)
    return explain(judge, submission, request), {each.path for each in decision.findings}


@pytest.mark.thorough
@settings(max_examples=300, deadline=None)
@given(SPECS, st.sampled_from(sorted(ENGINES)), st.sampled_from(LEVELS))
def test_what_is_refused_is_explained_as_refused_and_nothing_else(spec: Any, name: str, level: str) -> None:
    rows, refused = explained(ENGINES[name], spec, Request(labels={LABELS["enforce"]: level}))
    assert {each.path for each in rows if each.refused} == refused


@settings(max_examples=150, deadline=None)
@given(SPECS)
def test_every_field_has_a_row_and_only_one(spec: Any) -> None:
    rows, _ = explained(ENGINES["all"], spec, Request())
    # Sums stand together, at the element that they are about.
    paths = [each.path for each in rows if each.kind != "total"]
    assert len(paths) == len(set(paths))
    assert all(each.rule is not None for each in rows if each.refused)


def test_a_permitted_field_is_explained_by_its_permit() -> None:
    judge = engine([{"rules": [{"name": "caches", "permit": {"class": "io-tuning"}, "when": {"in": ["none"]}}]}])
    spec = {"domain": {"devices": {"disks": [{"name": "a", "driver": {"cache": "none", "io": "native"}}]}}}
    rows, _ = explained(judge, spec, Request())
    assert [(each.path.rpartition(".")[2], each.kind, each.refused, each.rule and each.rule.id) for each in rows] == [
        ("name", "frontend", False, None),
        ("cache", "io-tuning", False, "site/caches"),
        ("io", "io-tuning", True, "default-deny/io-tuning"),
    ]
