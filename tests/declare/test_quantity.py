"""Amounts of memory: what is whole in KiB is one, and of what is not the next amount is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.declare import kib, memory
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
