"""Pauses after failures: they double up to a bound, and differ between replicas."""

from __future__ import annotations

import pytest

from certs.backoff import backoff


@pytest.mark.parametrize(("failures", "most"), [(1, 1.0), (2, 2.0), (4, 8.0), (5, 10.0), (10**6, 10.0)])
def test_a_pause_doubles_with_each_failure_up_to_the_longest(failures: int, most: float) -> None:
    assert all(most / 2 <= backoff(failures, 1.0, 10.0) <= most for _ in range(100))


def test_replicas_that_fail_together_do_not_come_again_together() -> None:
    assert len({backoff(3, 1.0, 10.0) for _ in range(20)}) > 1
