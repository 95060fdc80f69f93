"""Findings are made up to a bound: what nobody reads is not made, and the count says that there may be more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from webhook.admission.review import message
from webhook.declare import inspect
from webhook.declare.nearest import nearest, pairs_of
from webhook.domain import domain_shape
from webhook.findings import MOST, Finding, Findings


class Making:
    """Makes findings, and counts them."""

    made = 0

    def one(self, path: str = "spec") -> Finding:
        self.made += 1
        return Finding(path, "is wrong")

    def many(self, count: int) -> Iterator[Finding]:
        return (self.one() for _ in range(count))


def test_findings_that_are_not_kept_are_not_made() -> None:
    making, findings = Making(), Findings()
    findings.take(making.many(10 * MOST))
    assert len(findings) == MOST
    assert making.made == MOST + 1
    findings.add(making.one)
    findings.take(making.many(1000))
    assert (len(findings), making.made) == (MOST, MOST + 2)
    assert findings.room == 0


def test_findings_that_are_cut_say_so_and_others_do_not() -> None:
    making = Making()
    whole, cut = Findings(making.many(MOST)), Findings(making.many(MOST + 1))
    assert (whole.cut, cut.cut) == (False, True)
    assert Findings(cut, most=2 * MOST).cut
    assert not Findings(whole, most=2 * MOST).cut
    assert whole.full()
    assert whole.cut


def test_findings_with_room_take_as_many_as_there_is_room_for() -> None:
    findings = Findings(Making().many(3), most=5)
    assert (findings.room, findings.full()) == (2, False)
    findings.add(Finding, "spec", "is wrong")
    findings.take(Making().many(1))
    assert (len(findings), findings.room, findings.cut) == (5, 0, False)


@pytest.mark.parametrize(("cut", "told"), [(True, "at least 3 problems:"), (False, "3 problems:")])
def test_a_count_says_at_least_where_the_search_ended(cut: bool, told: str) -> None:
    assert message([Finding("spec", "is wrong")] * 3, cut).splitlines()[0] == told


@pytest.mark.parametrize(("cut", "told"), [(True, "and at least "), (False, "and ")])
def test_what_is_left_out_is_counted_as_far_as_it_is_known(cut: bool, told: str) -> None:
    last = message([Finding("spec", "x" * 1000)] * 100, cut).splitlines()[-1]
    assert last.startswith(told)
    assert last.removeprefix(told)[0].isdigit()


def test_a_walk_ends_with_the_last_finding_that_is_kept() -> None:
    found = inspect({f"k{number}": 1 for number in range(10 * MOST)}, domain_shape(), "domain")
    assert (len(found.findings), found.findings.cut, found.oversized) == (MOST, True, True)


def test_a_walk_that_finds_just_as_many_has_seen_all() -> None:
    found = inspect({f"k{number}": 1 for number in range(MOST)}, domain_shape(), "domain")
    assert (len(found.findings), found.findings.cut, found.oversized) == (MOST, False, False)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("memoryy", "memory"),
        ("dveices", "devices"),
        ("BOOTORDER", ""),
        ("bootorder", "bootOrder"),
        ("boot_order", "bootOrder"),
        ("iqd", "id"),
        ("d", ""),
        ("gpu", ""),
        ("mem", "memory"),
        ("colour", ""),
        ("x" * 100_000, ""),
        ("", ""),
    ],
)
def test_the_nearest_name_of_a_word(word: str, name: str) -> None:
    assert nearest(word, pairs_of(["memory", "devices", "bootOrder", "boot", "id", "os", "cpu"])) == name
