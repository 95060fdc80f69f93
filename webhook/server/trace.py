"""The traceback of an unexpected error as the log may have it: without anything that a tenant wrote.

The text of an exception can hold a value of the object, a password among them. It is left out where it has a word in
common with what the object says.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from typing import Any

# Shorter words are in every text.
_SHORTEST = 4
_WORD = re.compile(rf"\w{{{_SHORTEST},}}")
WITHHELD = "(its text has words of the object and is not shown)"


def trace(error: BaseException, trees: tuple[Any, ...]) -> str:
    """Frames, types and texts of an error and its causes, the first cause first. Objects come as parsed JSON."""
    said = [text.lower() for text in _said(trees)]
    return "\n".join(_told(each, said) for each in reversed(list(_causes(error))))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    here: BaseException | None = error
    while here is not None and id(here) not in seen:
        seen.add(id(here))
        yield here
        here = here.__cause__ or here.__context__


def _told(error: BaseException, said: list[str]) -> str:
    text = str(error)
    whole = "\n".join(said)
    shared = any(word in whole for word in _WORD.findall(text.lower()))
    shared = shared or any(len(each) >= _SHORTEST and each in text.lower() for each in said)
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}{type(error).__name__}: {WITHHELD if shared else text}"


def _said(tree: Any) -> Iterator[str]:
    """Every name and value of a tree as text; it was bounded before it came here."""
    left = [tree]
    while left:
        here = left.pop()
        if isinstance(here, dict):
            yield from here
            left += here.values()
        elif isinstance(here, list | tuple):
            left += here
        else:
            yield str(here)
