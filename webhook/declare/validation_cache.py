"""A bounded memory of values that passed a check: a value is checked once, not in every review."""

from __future__ import annotations

from typing import Any

# Lists and objects are no keys of a memory; the type is kept beside a value, since True is not 1.
SIMPLE = frozenset({str, int, bool})
# Words and numbers come again; long texts do not, and a tenant could fill the memory of the service with them.
MOST, LONGEST = 256, 64

ValidationCache = dict[Any, type]


def remember(seen: ValidationCache, value: Any) -> None:
    """Keep a value that has passed, where it is simple and short and there is room."""
    if type(value) in SIMPLE and len(seen) < MOST and value not in seen and _short(value):
        seen[value] = type(value)


def _short(value: str | int) -> bool:
    return (len(value) if isinstance(value, str) else value.bit_length()) <= LONGEST
