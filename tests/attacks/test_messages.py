"""What tenants are told of every case and every field: in JSON's words and not in Python's, and never nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.attacks.attack_cases import cases
from tests.attacks.manifests import context, manifest, spec_of
from tests.attacks.planting import put
from tests.features.feature_cases import load, outcome
from webhook.admission.mutate import mutate
from webhook.admission.offline import review_of
from webhook.admission.review import Review
from webhook.admission.validate import validate
from webhook.declare import BACKEND_KINDS
from webhook.findings import Finding
from webhook.kinds import VM, declared_fields
from webhook.policy.engine.messages import texts

# Words, brackets and numbers as Python writes them and nobody else.
PYTHON = re.compile(r"\b(True|False|None|nan|inf|datetime|frozenset)\b|[\[{(]'|\bb'|: '|invalid literal|object at 0x")
ODD: list[Any] = [
    True, None, 1.5, -1, 2**70, {"a": 1}, {"a": {"b": None}}, ["a"], [True, None], [1, "a"], [], {}, "", "x\n",
]  # fmt: skip
_NESTED = re.compile(r"(backingStore|mirror|dataStore)\.")
# What a rule says of a value names it, or says how much it is.
_NAMED = re.compile("`|[0-9]|is missing|is gone")


def _told(spec: Any, level: str = "restricted") -> list[Finding]:
    """All findings of both webhooks about a spec on create."""
    review: Review = review_of(manifest("VM", spec), VM)
    return [finding for hook in (mutate, validate) for finding in hook(review, context(level)).findings]


@cache
def _of_cases() -> tuple[Finding, ...]:
    specs = (
        (spec_of(case.base, case.part, complete=complete), case.level)
        for case in cases()
        if case.is_attack and not case.yaml and not case.raw
        for complete in (False, True)
    )
    return tuple(finding for spec, level in specs for finding in _told(spec, level))


def _of_fields(path: str) -> Iterator[Finding]:
    for value in ODD:
        spec: dict[str, Any] = {}
        put(spec, path, value, 0)
        yield from _told(spec)


def _in_python(findings: Iterable[Finding]) -> list[str]:
    return [str(each) for each in findings if PYTHON.search(f"{each.problem} {each.help}")]


def test_no_case_is_told_in_the_words_of_python() -> None:
    assert len(_of_cases()) > 1000
    assert _in_python(_of_cases()) == []


def test_no_odd_value_of_any_field_is_told_in_the_words_of_python() -> None:
    paths = [
        path
        for path in declared_fields()
        if path.count(".") and not path.startswith("abi.") and not _NESTED.search(path)
    ]
    told = {path: list(_of_fields(path)) for path in paths}
    assert [path for path, found in told.items() if not found] == []
    assert [line for found in told.values() for line in _in_python(found)] == []


def test_no_feature_is_refused_in_the_words_of_python() -> None:
    refused = [line for name, case in load() for line in outcome(name, case).get("refused", ())]
    assert len(refused) > 20
    assert [line for line in refused if PYTHON.search(line)] == []


@pytest.mark.parametrize("word", ["`True` is", "`None`", "`{'a': 1}`", "`['a']`", "holds `nan`", '{"a": None}'])
def test_the_words_of_python_are_known(word: str) -> None:
    assert PYTHON.search(word)


def test_every_refusal_by_policy_names_its_value_or_its_class() -> None:
    refused = [each for each in _of_cases() if "/" in each.rule]
    words = {said["whole"] for said in texts().values()}
    words |= {text for kind in BACKEND_KINDS for text in texts()[kind].get("fields", {}).values()}
    assert len(refused) > 500
    assert [str(each) for each in refused if not _NAMED.search(each.problem) and each.problem not in words] == []


def test_no_problem_is_longer_than_a_line_or_has_a_value_of_more_than_a_few_words() -> None:
    for each in _of_cases():
        assert "\n" not in each.problem + each.help
        assert all(len(value) <= 90 for value in re.findall("`([^`]*)`", each.problem))
