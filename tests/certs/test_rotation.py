"""The rotation, walked with a clock of our own: what is due when, and that every client is served at every step."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.authority import is_current, issued_by, names_of, parse_names
from certs.bundle import Bundle, days_left
from certs.rotation import Lifetimes, advance
from tests.certs.clients import DAY, HOUR, LIFETIMES, NAMES, START, first, published, trusts

SECOND = timedelta(seconds=1)
CA_DUE = LIFETIMES.authority - LIFETIMES.authority_due
LEAF_DUE = LIFETIMES.leaf - LIFETIMES.leaf_due


def renew(bundle: Bundle, now: datetime) -> list[Bundle]:
    """All steps that are due at one moment, each published at once."""
    steps = [bundle]
    while (step := advance(steps[-1], NAMES, now)) is not steps[-1]:
        steps.append(published(step, now) if step.published is None else step)
        assert len(steps) < 6
    return steps[1:]


def two_cas() -> tuple[Bundle, datetime]:
    """A bundle just after its new CA was made, and when that was."""
    now = START + CA_DUE
    leaf_just_renewed = renew(first(), now - DAY)[-1]
    return advance(leaf_just_renewed, NAMES, now), now


def test_the_first_bundle_has_one_ca_and_a_leaf_for_all_names() -> None:
    bundle = first()
    assert len(bundle.authorities) == 1
    assert names_of(bundle.leaf.certificate) == NAMES
    assert days_left(bundle, START) == 90
    assert days_left(bundle, START + 100 * DAY) == -10


def test_where_nothing_is_due_the_very_same_bundle_comes_back() -> None:
    bundle = published(first(), START)
    assert advance(bundle, NAMES, START + LEAF_DUE - SECOND) is bundle


def test_a_leaf_that_is_due_is_renewed_by_the_same_ca_even_before_it_was_published() -> None:
    bundle = first()
    step = advance(bundle, NAMES, START + LEAF_DUE)
    assert step.authorities == bundle.authorities
    assert step.leaf.certificate.not_valid_after_utc == START + LEAF_DUE + LIFETIMES.leaf
    assert step.leaf.key.public_key() != bundle.leaf.key.public_key()


def test_a_leaf_that_lacks_an_asked_name_is_replaced_and_one_that_has_more_is_not() -> None:
    bundle = published(first(), START)
    wider = parse_names(["localhost", "new.example"], [])
    assert names_of(advance(bundle, wider, START).leaf.certificate) == wider
    assert advance(bundle, parse_names(["localhost"], []), START) is bundle


def test_a_ca_that_is_due_gets_a_successor_beside_it_and_the_leaf_stays() -> None:
    step, now = two_cas()
    assert len(step.authorities) == 2
    assert step.published is None
    assert issued_by(step.leaf.certificate, step.authorities[1])
    assert not issued_by(step.leaf.certificate, step.authority)
    assert is_current(step.leaf.certificate, now)


def test_the_leaf_waits_until_the_new_ca_is_published_and_settled() -> None:
    step, now = two_cas()
    assert advance(step, NAMES, now + 10 * DAY) is step
    known = published(step, now)
    assert advance(known, NAMES, now + LIFETIMES.settle - SECOND) is known
    moved = advance(known, NAMES, now + LIFETIMES.settle)
    assert issued_by(moved.leaf.certificate, moved.authority)
    assert moved.authorities == known.authorities


def test_a_leaf_that_expired_does_not_wait() -> None:
    step, now = two_cas()
    late = now + LIFETIMES.leaf
    assert issued_by(advance(step, NAMES, late).leaf.certificate, step.authority)


def test_the_old_ca_is_dropped_only_after_the_overlap() -> None:
    step, now = two_cas()
    at = now + LIFETIMES.settle
    moved = advance(published(step, now), NAMES, at)
    assert advance(moved, NAMES, at + LIFETIMES.overlap - SECOND) is moved
    assert advance(moved, NAMES, at + LIFETIMES.overlap).authorities == moved.authorities[:1]


def test_after_years_without_anybody_tending_everything_is_made_anew() -> None:
    late = START + 2000 * DAY
    step = advance(published(first(), START), NAMES, late)
    assert len(step.authorities) == 1
    assert trusts(step.authorities, step.leaf.certificate, late)


def test_a_ca_that_a_replica_with_a_clock_in_the_future_made_is_replaced_while_the_good_leaf_stays() -> None:
    now = START + CA_DUE - 20 * DAY
    bundle = renew(first(), now)[-1]
    wrong = advance(bundle, NAMES, now + 30 * DAY)
    assert len(wrong.authorities) == 2
    assert not is_current(wrong.authority, now)
    healed = advance(wrong, NAMES, now)
    assert is_current(healed.authority, now)
    assert healed.authorities[1:] == bundle.authorities
    assert trusts(bundle.authorities, healed.leaf.certificate, now)


@pytest.mark.parametrize(
    "wrong",
    [
        {"leaf": 30 * DAY},
        {"leaf": 130 * DAY},
        {"authority": 100 * DAY},
        {"settle": 30 * DAY},
        {"overlap": -DAY},
        {"leaf_due": 0 * DAY},
    ],
)
def test_lifetimes_that_could_not_work_are_refused(wrong: dict[str, timedelta]) -> None:
    with pytest.raises(ValueError, match="must"):
        Lifetimes(**wrong)


def check_each_step(bundle: Bundle, gaps: list[timedelta]) -> int:
    """Tends the bundle after each gap; how many CAs there were. Each client that is one step behind is served."""
    now, before, authorities = START, bundle, 1
    for gap in gaps:
        now += gap
        for step in renew(before, now):
            for trusted in (before.authorities, step.authorities):
                for served in (before.leaf.certificate, step.leaf.certificate):
                    assert trusts(trusted, served, now)
            authorities += step.authority != before.authority
            before = step
        assert trusts(before.authorities, before.leaf.certificate, now)
        assert days_left(before, now) > 0
    return authorities


def test_over_ten_years_no_client_one_step_behind_is_ever_refused() -> None:
    authorities = check_each_step(published(first(), START), [12 * HOUR] * (2 * 365 * 10))
    assert authorities == pytest.approx(10 * 365 / 245, abs=2)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.timedeltas(SECOND, LIFETIMES.leaf_due - SECOND), min_size=30, max_size=60))
def test_however_irregularly_it_is_tended_within_a_leafs_grace_no_client_is_refused(gaps: list[timedelta]) -> None:
    check_each_step(published(first(), START), gaps)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.timedeltas(-3000 * DAY, 3000 * DAY), max_size=8), st.booleans())
def test_whatever_the_clock_does_the_rotation_ends_in_a_leaf_that_its_own_cas_vouch_for(
    jumps: list[timedelta], publishing: bool
) -> None:
    bundle: Bundle | None = None
    for jump in jumps:
        now = START + jump
        for _ in range(6):
            step = advance(bundle, NAMES, now)
            done, bundle = step is bundle, step
            if publishing and step.published is None:
                bundle = published(step, now)
        assert done or publishing
        assert bundle is not None
        assert trusts(bundle.authorities, bundle.leaf.certificate, now)
