"""Sets of whole numbers, such as the vCPUs of a cell: a text as libvirt writes it (`0-3,8`), or a list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from webhook.declare.scalars import Scalar, kind_of, shown

_RANGES = re.compile("[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*")


def numbers(highest: int) -> Scalar:
    """A set of whole numbers: a list of them, or a text of numbers and ranges (`0-3,8`) as libvirt writes it."""
    longest = (len(str(highest)) + 1) * (highest + 1)

    def check(value: Any) -> str | None:
        if type(value) is str and len(value) <= longest:
            return _set_problem(value, highest)
        if type(value) is not list:
            return f"is {kind_of(value)}, expected numbers like `0-3,8` as a text, or a list of whole numbers"
        if len(value) > highest + 1:
            return "names a number twice"
        # Most lists are right: no number of them is looked at alone.
        if not value or (set(map(type, value)) == {int} and min(value) >= 0 and max(value) <= highest):
            return None if len(set(value)) == len(value) else "names a number twice"
        bad = next(item for item in value if type(item) is not int or not 0 <= item <= highest)
        return f"holds `{shown(bad)}`, expected whole numbers from 0 to {highest}"

    def from_text(content: str) -> str:
        found = ranges(",".join([part.strip() for part in content.split(",")]))
        if not found or any(not 0 <= low <= high <= highest for low, high in found):
            raise ValueError(f"`{shown(content)}` is no set of numbers up to {highest}")
        return as_ranges(each for low, high in found for each in range(low, high + 1))

    def advice(value: Any) -> str:
        return "write it in quotes: `'0'` is the set of the first" if type(value) is int else ""

    schema = {"x-kubernetes-preserve-unknown-fields": True}
    return Scalar(
        schema,
        check,
        lambda value: ",".join([str(item) for item in members(value)]),
        from_text,
        bounds=(0, highest),
        meaning=lambda value: set(members(value)),
        advice=advice,
        is_set=True,
    )


def ranges(content: str) -> list[tuple[int, int]]:
    """The ranges of a set that is written as a text, each by both ends; none where it is no such text."""
    if not _RANGES.fullmatch(content):
        return []
    ends = (part.partition("-") for part in content.split(","))
    return [(int(low), int(high or low)) for low, _, high in ends]


def _set_problem(content: str, highest: int) -> str | None:
    found = sorted(ranges(content))
    if not found:
        return f"`{shown(content)}` is no set of numbers like `0-3,8`"
    if any(low > high or high > highest for low, high in found):
        return f"`{shown(content)}` has another number than from 0 to {highest}, or a range that ends before it begins"
    twice = any(one[1] >= other[0] for one, other in pairwise(found))
    return "names a number twice" if twice else None


def members(value: list[int] | str) -> list[int]:
    """The numbers of a set that has passed the check, in the order in which it names them."""
    if isinstance(value, list):
        return list(value)
    return [each for low, high in ranges(value) for each in range(low, high + 1)]


def as_ranges(numbers_: Iterable[int]) -> str:
    """The text of a set: `0-3,8`."""
    parts: list[list[int]] = []
    for number in numbers_:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join([str(low) if low == high else f"{low}-{high}" for low, high in parts])
