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
WITHHELD = "(its text may have words of the object and is not shown)"


def trace(error: BaseException, trees: tuple[Any, ...] | None = None) -> str:
    """Frames, types and texts of an error and its causes, the first cause first.

    `trees` are the objects that it was about, as parsed JSON; without them no text is shown.
    """
    texts = None if trees is None else [text.lower() for text in _texts(trees)]
    return "\n".join(_described(each, texts) for each in reversed(list(_causes(error))))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    here: BaseException | None = error
    while here is not None and id(here) not in seen:
        seen.add(id(here))
        yield here
        here = here.__cause__ or here.__context__


def _described(error: BaseException, texts: list[str] | None) -> str:
    text = str(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    withheld = texts is None or _shares(text.lower(), texts)
    return f"{frames}{type(error).__name__}: {WITHHELD if withheld else text}"


def _shares(text: str, texts: list[str]) -> bool:
    """Whether a text has a word of the object's texts, or the other way round."""
    whole = "\n".join(texts)
    return any(word in whole for word in _WORD.findall(text)) or any(
        len(each) >= _SHORTEST and each in text for each in texts
    )


def _texts(tree: Any) -> Iterator[str]:
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
