"""What the engine keeps between reviews is bounded, whoever asks, and never changes an answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policy.context import decide, engine, refused
from webhook.policy import Engine, Request
from webhook.policy.engine import effective as effective_module
from webhook.policy.engine import engine as engine_module

SPEC = {"domain": {"os": {"kernel": "/k"}, "devices": {"disks": [{"name": "a", "source": {"file": "/f"}}]}}}
SAID: list[dict[str, Any]] = [
    {
        "metadata": {"name": f"p{number}"},
        "match": {"namespaces": {"names": [f"n{number}"]}, "subjects": {"groups": ["devs", "all-*"]}},
        "rules": [
            {"name": "r", "permit": {"class": "host-path"}, "when": {"in": [f"/{number}"]}},
            {"name": "s", "permit": {"path": "domain.os.kernel"}, "when": {"in": ["/k"]}},
        ],
    }
    for number in range(20)
]


def answers(judge: Engine, groups: tuple[str, ...] = ("devs",)) -> list[object]:
    return [refused(decide(judge, SPEC, Request(namespace=f"n{number}", groups=groups))) for number in range(20)]


def test_requests_of_one_kind_are_kept() -> None:
    judge = engine(SAID)
    answers(judge)
    kept = len(judge._by_request)
    answers(judge)
    assert len(judge._by_request) == kept == 20


LARGE = {
    "a long user": Request("n1", user="x" * 100_000, groups=("devs",)),
    "many groups": Request("n1", user="x", groups=tuple(f"g{number}" for number in range(10_000))),
    "groups without a letter": Request("n1", user="x", groups=("",) * 20_000),
    "a long group": Request("n1", user="x", groups=("x" * 1_000_000,)),
    "a long namespace": Request("n" * 100_000, user="x"),
}


def test_a_request_that_is_known_by_much_text_is_answered_and_not_kept() -> None:
    for title, request in LARGE.items():
        judge = engine(SAID)
        assert refused(decide(judge, SPEC, request)), title
        assert judge._by_request == {}, title


def test_what_no_policy_looks_at_does_not_tell_requests_apart() -> None:
    judge = engine([{"rules": SAID[0]["rules"]}])
    decide(judge, SPEC, Request("n1", user="x" * 100_000, groups=("y" * 100_000,)))
    assert len(judge._by_request) == 1


def test_effective_rules_are_dropped_before_they_are_too_large_and_answers_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = answers(engine(SAID))
    monkeypatch.setattr(engine_module, "_KEPT_RULES", 10)
    judge = engine(SAID)
    assert answers(judge) == expected
    assert len(judge._effective) < 10
    assert len(judge._by_request) < 10


def test_merged_rules_of_large_effective_rules_are_not_kept_and_answers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = answers(engine(SAID))
    monkeypatch.setattr(effective_module, "_LARGEST", 0)
    judge = engine(SAID)
    assert answers(judge) == expected
    assert all(
        rules_about.permits.empty for each in judge._effective.values() for rules_about in each.merged_rules.values()
    )


def test_a_name_among_thousands_is_looked_up_and_a_glob_is_tried() -> None:
    names = [f"g{number}" for number in range(1_000)]
    said = [{"match": {"subjects": {"groups": [*names, "all-*"]}}, "rules": SAID[0]["rules"][1:]}]
    judge = engine(said)

    def paths(*groups: str) -> list[str]:
        return [each["path"] for each in refused(decide(judge, SPEC, Request(groups=groups)))]

    assert "spec.domain.os.kernel" not in paths("x", "g999")
    assert "spec.domain.os.kernel" not in paths("all-of-us")
    assert "spec.domain.os.kernel" in paths("g1000", "al", "g")
