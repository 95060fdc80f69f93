"""Merged rules decide what they decide one by one, whatever their number and order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.context import PLACES, TODAY
from webhook.policy.engine.merged_rules import Clause, Clauses, MergedRules
from webhook.policy.language.conditions import condition
from webhook.policy.language.cross_field import FieldLocation, guard
from webhook.policy.language.model import Rule, Selector

SIZE, TEXT, COUNT = "domain.memory.size", "domain.title", "domain.vcpu.count"
VALUES: dict[str, st.SearchStrategy[Any]] = {
    SIZE: st.sampled_from([1, 2, 1024, "1Mi", "2Mi", "1Gi", "1048576Ki", "3Ki"]),
    TEXT: st.text("ab\ud800é.", min_size=1, max_size=4),
    COUNT: st.integers(1, 9),
}
LIMITS: dict[str, st.SearchStrategy[Any]] = {SIZE: st.sampled_from([1, 2, "1Gi", "2Mi"]), COUNT: st.integers(1, 9)}
PATTERNS = ["a", "a|b", "a*", "(?i)A", "[ab]+", r"\Qa.", ".", "b.*", "(a|b)(a|b)"]
WORDS = st.sampled_from(["a", "b", "ab", "é"])


@st.composite
def rules(draw: st.DrawFn, path: str) -> Rule:
    """A rule about a field, with no condition to two."""
    names = ["in", "not-in", *(["above", "below"] if path in LIMITS else []), *(["matches"] if path == TEXT else [])]
    conditions = []
    for name in draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
        wanted: Any
        if name in ("in", "not-in"):
            wanted = draw(st.lists(WORDS if path == TEXT else LIMITS[path], min_size=1, max_size=3, unique=True))
            if path == SIZE:
                wanted = wanted[:1]
        else:
            wanted = draw(st.sampled_from(PATTERNS) if name == "matches" else LIMITS[path])
        conditions.append(condition(name, wanted, PLACES[path].field))
    effect = draw(st.sampled_from(["permit", "deny", "forbid"]))
    return Rule(f"site/{draw(st.integers(0, 10**6))}", effect, Selector(path=path), tuple(conditions))


CASES = st.sampled_from(sorted(VALUES)).flatmap(
    lambda path: st.tuples(st.lists(rules(path), max_size=12), VALUES[path], st.randoms(use_true_random=False))
)


def location() -> FieldLocation:
    return FieldLocation({}, "domain.title")


def one_by_one(all_rules: list[Rule], value: Any) -> bool:
    """Whether a value is refused, by the words of the language."""
    holding = {each.effect for each in all_rules if all(one.holds(value) for one in each.conditions)}
    return "forbid" in holding or ("deny" in holding and "permit" not in holding)


def rules_about(all_rules: list[Rule]) -> MergedRules:
    tests = [Clause(rule, (0, number), lambda: None) for number, rule in enumerate(all_rules)]  # type: ignore[arg-type]
    return MergedRules(
        *(Clauses(each for each in tests if each.rule.effect == effect) for effect in ("forbid", "permit", "deny"))
    )


@pytest.mark.thorough
@settings(max_examples=1500, deadline=None)
@given(CASES)
def test_merged_rules_refuse_what_they_refuse_one_by_one(case: tuple[list[Rule], Any, Any]) -> None:
    known, value, random = case
    refusing = rules_about(known).refusing(value, location)
    assert (refusing is not None) is one_by_one(known, value)
    if refusing is not None:
        assert all(each.holds(value) for each in refusing.conditions)
    shuffled = list(known)
    random.shuffle(shuffled)
    assert (rules_about(shuffled).refusing(value, location) is None) is (refusing is None)


@settings(max_examples=300, deadline=None)
@given(CASES)
def test_the_rule_that_decides_is_one_that_holds(case: tuple[list[Rule], Any, Any]) -> None:
    known, value, _ = case
    rule, refused = rules_about(known).deciding(value, location)
    assert refused is one_by_one(known, value)
    if rule is not None:
        assert all(each.holds(value) for each in rule.conditions)
        assert refused is (rule.effect != "permit")


def test_of_many_limits_the_strictest_is_named() -> None:
    made = [
        Rule(f"site/{limit}", "forbid", Selector(path=COUNT), (condition("above", limit, PLACES[COUNT].field),))
        for limit in (64, 4, 16)
    ]
    refusing = rules_about(made).refusing(100, location)
    assert refusing is not None
    assert refusing.id == "site/4"


def test_an_open_quote_in_one_expression_hides_no_other() -> None:
    made = [
        Rule(f"site/{number}", "forbid", Selector(path=TEXT), (condition("matches", wanted, PLACES[TEXT].field),))
        for number, wanted in enumerate([r"\Qx", "ab", "b+"])
    ]
    assert rules_about(made).refusing("ab", location) is not None
    assert rules_about(made).refusing("x", location) is not None
    assert rules_about(made).refusing("abc", location) is None


def test_a_quote_that_another_expression_closes_hides_no_other() -> None:
    made = [
        Rule(f"site/{number}", "forbid", Selector(path=TEXT), (condition("matches", wanted, PLACES[TEXT].field),))
        for number, wanted in enumerate([r"\Qx", r"\Qa\Eb"])
    ]
    for value in ("x", "ab"):
        assert rules_about(made).refusing(value, location) is not None
    assert rules_about(made).refusing(r"x)|(?:\Qab", location) is None


def test_a_text_in_no_encoding_is_asked_about_like_any_other() -> None:
    made = [
        Rule(f"site/{number}", "forbid", Selector(path=TEXT), (condition("matches", wanted, PLACES[TEXT].field),))
        for number, wanted in enumerate(["a", "b."])
    ]
    assert rules_about(made).refusing("b\ud800", location) is not None
    assert rules_about(made[1:]).refusing("b\ud800", location) is not None
    assert rules_about(made).refusing("\ud800", location) is None


def test_who_decides_is_the_refusing_rule_or_the_permit_that_lets_pass() -> None:
    field = PLACES[TEXT].field
    forbid = Rule("site/forbid", "forbid", Selector(path=TEXT), (condition("in", ["a"], field),))
    deny = Rule("site/deny", "deny", Selector(path=TEXT), (condition("in", ["a", "b", "c"], field),))
    permit = Rule("site/permit", "permit", Selector(path=TEXT), (condition("in", ["b", "d"], field),))
    made = rules_about([forbid, deny, permit])
    assert made.deciding("a", location) == (forbid, True)
    assert made.deciding("b", location) == (permit, False)
    assert made.deciding("c", location) == (deny, True)
    assert made.deciding("d", location) == (None, False)


def test_a_value_that_no_rule_could_be_about_is_the_same_everywhere() -> None:
    """In another VM, or on another day, a rule that looks further may be about a value."""
    field, nowhere = (
        PLACES[TEXT].field,
        guard("where", {"domain.genid": (condition("present", True, PLACES["domain.genid"].field),)}),
    )
    plain = Rule("site/plain", "forbid", Selector(path=TEXT), (condition("in", ["a"], field),))
    further = [
        Rule(f"site/{value}", "forbid", Selector(path=TEXT), (condition("in", [value], field),), guards=(nowhere,))
        for value in ("b", "c")
    ]
    clauses = Clauses(Clause(rule, (0, number), lambda: TODAY) for number, rule in enumerate([plain, *further]))
    assert [clauses.untouched(value) for value in "abcd"] == [False, False, False, True]


def test_a_value_that_lasting_rules_allow_passes_everywhere() -> None:
    field = PLACES[TEXT].field
    deny = Rule("site/deny", "deny", Selector(path=TEXT), (condition("in", ["a"], field),))
    permit = Rule("site/permit", "permit", Selector(path=TEXT), (condition("in", ["a"], field),))
    assert rules_about([deny, permit]).passes("a")
    absent = condition("present", False, PLACES["domain.genid"].field)
    sometimes = replace(permit, guards=(guard("where", {"domain.genid": (absent,)}),))
    assert not rules_about([deny, sometimes]).passes("a")
    assert rules_about([deny, sometimes]).passes("b")
