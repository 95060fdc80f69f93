"""Amounts of memory: what is whole in KiB is one, and of what is not the next amount is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.declare import any_quantity, kib, memory, nano
from webhook.declare.quantity import nearby


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (1, 1024),
        ("1Mi", 1024),
        ("4096M", 4_000_000),
        ("1.5Gi", 1536 * 1024),
        ("2048", 2),
        ("0.5Ki", None),
        ("1G", None),
    ],
)
def test_an_amount_is_whole_in_kib(value: Any, amount: int | None) -> None:
    assert kib(value) == amount


@pytest.mark.parametrize("value", [True, -1, 1.5, None, [], "", "x", "1 Gi", "1e3", "-1Gi", "Gi", "1Gi"])
def test_what_is_none_or_whole_has_none_near_it(value: Any) -> None:
    assert nearby(value) == ""


@given(st.integers(0, 10**12), st.sampled_from(["", "k", "M", "G", ".5Ki", ".3Mi", ".123456789Gi"]))
def test_the_amount_that_is_told_is_one_and_the_next(number: int, rest: str) -> None:
    word = nearby(f"{number}{rest}")
    problem = memory(0).check(f"{number}{rest}")
    if word:
        assert kib(word) is not None
        assert problem is not None
        assert problem.endswith(f"the next is `{word}`")
    else:
        assert kib(f"{number}{rest}") is not None


def test_the_next_amount_is_not_smaller() -> None:
    assert [nearby(each) for each in ("1G", "1.1Mi", "1", "1048577")] == ["954Mi", "2Mi", "1Mi", "2Mi"]


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("1", 10**9),
        (3, 3 * 10**9),
        (0.5, 5 * 10**8),
        ("500m", 5 * 10**8),
        ("1.5Gi", 1536 * 1024**2 * 10**9),
        (".5", 5 * 10**8),
        ("5.", 5 * 10**9),
        ("+1e3", 10**12),
        ("1E3", 10**12),
        ("1E", 10**27),
        ("-2k", -2 * 10**12),
        ("0.1n", 1),
        ("1e-999999999", 1),
        ("0e999999999", 0),
        ("0" * 5000 + "1", 10**9),
    ],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(value: Any, amount: int) -> None:
    assert nano(value) == amount
    assert any_quantity().check(value) is None


@pytest.mark.parametrize("value", ["9" * 5000, "9" * 5000 + "e-999999999", "1e999999999", 10**300, 1e300])
def test_a_number_too_long_for_an_amount_is_beyond_every_limit(value: Any) -> None:
    assert nano(value) > nano("1E") * 10**9  # type: ignore[operator]


@pytest.mark.parametrize(
    "value", [True, None, [], {}, "", ".", "-", "Gi", "1 Gi", "1ki", "1K", "1e", "1Gi ", "0x1", "\u0661", float("nan")]
)
def test_what_is_no_quantity_is_none(value: Any) -> None:
    assert nano(value) is None
    assert any_quantity().check(value) is not None


@given(st.integers(0, 10**15), st.sampled_from(["Ki", "Mi", "Gi", "k", "M", ""]))
def test_a_whole_amount_is_the_same_by_both_readings(number: int, suffix: str) -> None:
    whole = kib(f"{number}{suffix}")
    assert whole is None or nano(f"{number}{suffix}") == whole * 1024 * 10**9
