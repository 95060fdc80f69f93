"""Names of guests as people write them: `win11`, `Windows Server 2022`, `rhel9.4`, `http://microsoft.com/win/11`.

Words alone; which names there are is a rule set's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

# Between two numbers a mark, a service pack and an update are a point: `15 SP4` is `15.4`, `8u4` is `8.4`.
_POINT = re.compile(r"(?<=[0-9])(?:[^a-z0-9]*(?:sp|update|u)[^a-z0-9]*|[^a-z0-9]+)(?=[0-9])")
# Any other mark says nothing.
_MARK = re.compile(r"[^a-z0-9.]+|(?<![0-9])\.|\.(?![0-9])")
# What osinfo calls a version that it does not know: `rhel9-unknown`.
_UNKNOWN = "unknown"


def plain(word: str) -> str:
    """A name with what does not tell it from others taken away: lower case, no marks, a point between numbers."""
    word = word.lower().removeprefix("http://").removeprefix("https://")
    return _MARK.sub("", _POINT.sub(".", word))


def parted(word: str, names: Mapping[str, str]) -> tuple[str, str] | None:
    """The type that the longest of `names` in front of a plain word means, and the rest, which is a version."""
    for length in range(len(word), 0, -1):
        kind = names.get(word[:length])
        if kind is not None:
            return kind, word[length:]
    return None


def shorter(version: str, silent: Sequence[str], points: bool) -> Iterator[str]:
    """The version, without the `silent` words behind it, and (`points`) each release that it is a point release of."""
    yield version
    bare = version.removesuffix(_UNKNOWN)
    while ends := [word for word in silent if bare.endswith(word)]:
        bare = bare.removesuffix(max(ends, key=len))
    if bare != version:
        yield bare
    while points and "." in bare:
        bare = bare.rpartition(".")[0]
        yield bare
