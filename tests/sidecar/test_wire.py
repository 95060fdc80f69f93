"""Messages as bytes: what was written is read, and no bytes are more than malformed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.sidecar import wire
from webhook.sidecar.status import LONGEST_TEXT, encoded

TEXTS = st.dictionaries(st.integers(1, 2**29 - 1), st.binary(min_size=1, max_size=300), max_size=5)


@given(TEXTS)
def test_what_was_written_is_read(texts: dict[int, bytes]) -> None:
    assert wire.read(b"".join(wire.text(number, value) for number, value in texts.items())) == texts


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(message: bytes) -> None:
    with contextlib.suppress(wire.Malformed):
        assert all(number > 0 for number in wire.read(message))


def test_the_last_of_two_fields_counts_and_numbers_and_unknown_fields_are_passed_over() -> None:
    varint, fixed64, fixed32 = b"\x08\x96\x01", b"\x11" + b"x" * 8, b"\x1d" + b"x" * 4
    assert wire.read(wire.text(1, b"a") + varint + fixed64 + fixed32 + wire.text(1, b"b")) == {1: b"b"}


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_message_that_ends_too_early_is_malformed(cut: int) -> None:
    whole = b"\x11" + b"x" * 8
    with pytest.raises(wire.Malformed):
        wire.read(whole[:cut])


def test_a_reason_is_a_header_and_no_more_of_it_than_headers_may_have() -> None:
    assert encoded("50% ß\n  x") == "50%25 %C3%9F%0A  x"
    assert len(encoded("x" * 100_000)) < LONGEST_TEXT + 10
    assert encoded("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
