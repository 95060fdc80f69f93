"""Unexpected errors in the log: where they came from is told, what a tenant wrote is not."""

from __future__ import annotations

import pytest

from webhook.server.trace import WITHHELD, trace

OBJECT = {"spec": {"domain": {"devices": {"graphics": [{"passwd": "hunter2-Secret\n", "port": 5900}]}}}}


def traced(text: str, cause: str = "") -> str:
    try:
        try:
            raise KeyError(cause or "nothing")
        except KeyError as error:
            raise ValueError(text) from error
    except ValueError as error:
        return trace(error, (OBJECT, None))


@pytest.mark.parametrize(
    "text",
    [
        "invalid literal: 'hunter2-Secret\\n'",
        "no place for HUNTER2-SECRET",
        "cut short: hunter2-S",
        "xhunter2-secret\nx",
        "only hunter2",
        "5900 is taken",
        "passwd",
    ],
)
def test_a_text_with_words_of_the_object_is_withheld(text: str) -> None:
    told = traced(text)
    assert told.splitlines()[-1] == f"ValueError: {WITHHELD}"
    assert "unter2" not in told.lower()


def test_a_text_of_the_services_own_is_told() -> None:
    assert traced("no such machine").endswith("ValueError: no such machine")


def test_a_cause_is_told_first_and_without_words_of_the_object() -> None:
    told = traced("no such machine", "hunter2-Secret")
    assert told.index(f"KeyError: {WITHHELD}") < told.index("ValueError: no such machine")
    assert "hunter2" not in told


def test_every_frame_is_told() -> None:
    told = traced("hunter2")
    assert told.count("File ") == 2
    assert "in traced" in told


def test_causes_in_a_circle_end() -> None:
    first, second = ValueError("one"), ValueError("two")
    first.__cause__, second.__cause__ = second, first
    assert trace(first, ()).splitlines() == ["ValueError: two", "ValueError: one"]
