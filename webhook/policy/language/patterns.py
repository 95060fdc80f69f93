"""Regular expressions of policies, RE2's. Each has a bound on its memory, for its program and for matching.

Where the automaton of an expression would grow beyond that, RE2 drops it or interprets the expression, which is still
linear in the value's length.
"""

from __future__ import annotations

from functools import lru_cache
from weakref import WeakValueDictionary

import re2  # type: ignore[import-untyped]

# Bytes that RE2 may take for one expression: its program, and the automaton that grows while values are asked.
PATTERN_MEMORY = 128 << 10
# The same for many expressions as one, of which so many are kept.
_MERGED_MEMORY, _MERGED = 1 << 20, 16


class InvalidPattern(Exception):
    """A text that is no expression, or one that takes too much memory; `help` says the way out."""

    def __init__(self, problem: str, way: str) -> None:
        self.help = way
        super().__init__(problem)


class Pattern:
    """A compiled expression, which is matched with whole values."""

    __slots__ = ("__weakref__", "_compiled", "text")

    def __init__(self, text: str, memory: int) -> None:
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True  # groups are never read
        options.max_mem = memory
        self.text = text
        try:
            self._compiled = re2.compile(text, options)
        except re2.error as error:
            raise _invalid(error) from None
        finally:
            re2.purge()  # it keeps what it compiled last, needed or not

    def matches(self, value: str) -> bool:
        """Whether the whole value is of this form. A lone surrogate, which is in no encoding, counts as `?`."""
        text = value if value.isascii() else value.encode(errors="replace").decode()
        return self._compiled.fullmatch(text) is not None


# Those in use: the same text in many rules is one expression.
_known: WeakValueDictionary[str, Pattern] = WeakValueDictionary()


def pattern(text: str) -> Pattern:
    """The expression of a text; raises InvalidPattern."""
    found = _known.get(text)
    if found is None:
        found = _known[text] = Pattern(text, PATTERN_MEMORY)
    return found


@lru_cache(maxsize=_MERGED)
def merged(texts: tuple[str, ...]) -> Pattern | None:
    """Many as one, which a value matches if it matches any; None where that is too large: they are asked one by one."""
    try:
        return Pattern("|".join(f"(?:{text})" for text in texts), _MERGED_MEMORY)
    except InvalidPattern:
        return None


def _invalid(error: re2.error) -> InvalidPattern:
    reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
    if "too large" in reason:
        way = "repeat less, `{0,20}`, and name characters by a short list, `[a-z0-9]`"
        return InvalidPattern(f"takes more than {PATTERN_MEMORY >> 10} KiB as a regular expression", way)
    return InvalidPattern(f"is no regular expression: {reason}", "the syntax is RE2's, without back-references")
