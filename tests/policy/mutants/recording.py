"""Which checks run which lines: the code as it is, traced once, so that a mutant is asked first what runs its line.

A recording only orders the checks. What survives has passed them all.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

from tests.policy.mutants.checks import Check, Name

Trace = Callable[[FrameType, str, Any], Any]


@dataclass
class Recording:
    """The checks in the order of what they cost, and by file and line which of them run it, a bit each."""

    seconds: float
    checks: list[Name] = field(default_factory=list)
    lines: dict[str, dict[int, int]] = field(default_factory=dict)

    def running(self, file: str, line: int, within: range) -> Iterator[Name]:
        """The checks that run a line; where the line runs in none of its own, those that run any `within`."""
        lines = self.lines.get(file, {})
        bits = lines.get(line, 0)
        if not bits:
            for each in within:
                bits |= lines.get(each, 0)
        return (name for index, name in enumerate(self.checks) if bits >> index & 1)

    def text(self) -> str:
        """The recording as JSON, for another process."""
        return json.dumps({"seconds": self.seconds, "checks": self.checks, "lines": self.lines})

    @classmethod
    def of(cls, text: str) -> Recording:
        """What `text` wrote."""
        said = json.loads(text)
        lines = {file: {int(line): bits for line, bits in each.items()} for file, each in said["lines"].items()}
        return cls(said["seconds"], [(group, title) for group, title in said["checks"]], lines)


def recorded(files: Iterable[str], checks: Iterable[tuple[Name, Check]], seconds: float) -> Recording:
    """Ask the checks in this process, and note which lines of the files each runs; `seconds`: what all take untraced.

    What a function remembers is run by the first that asks it alone: the process has to be a new one.
    """
    made: list[tuple[float, Name, dict[str, set[int]]]] = []
    hit: dict[str, set[int]] = {file: set() for file in files}
    trace = _tracing(hit)
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        start = time.process_time()
        for name, check in checks:
            check()
            made.append((time.process_time() - start, name, {file: set(lines) for file, lines in hit.items()}))
            for lines in hit.values():
                lines.clear()
            start = time.process_time()
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
    made.sort(key=lambda each: each[0])
    return Recording(seconds, [name for _, name, _ in made], _bits([ran for _, _, ran in made]))


def _bits(ran: list[dict[str, set[int]]]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for index, files in enumerate(ran):
        for file, lines in files.items():
            for line in lines:
                found[file][line] |= 1 << index
    return found


def _tracing(hit: Mapping[str, set[int]]) -> Trace:
    """What Python calls for each function: the lines of those in `hit` are added there, others are left alone."""
    known: dict[CodeType, Trace | None] = {}

    def entered(frame: FrameType, _event: str, _argument: Any) -> Trace | None:
        code = frame.f_code
        if code not in known:
            lines = hit.get(code.co_filename)
            known[code] = None if lines is None else _noting(lines)
        return known[code]

    return entered


def _noting(lines: set[int]) -> Trace:
    add = lines.add

    def noted(frame: FrameType, _event: str, _argument: Any) -> Trace:
        add(frame.f_lineno)
        return noted

    return noted
