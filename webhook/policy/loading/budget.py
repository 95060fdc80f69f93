"""What loading a set of policies may cost: everything that is read is counted, and a finding where a limit is exceeded.

Policy files cannot make loading slow or take much memory: each thing that is counted costs a bounded number of
steps and bytes. While it counts, a loader in a running service rests, so that reviews go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from webhook.findings import Finding
from webhook.policy.engine.engine import no_rest


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """How many there may be in one set of policies, what they are, and the way out."""

    most: int
    what: str
    help: str


T = TypeVar("T")
_SPLIT = "remove what does not hold any more, or give the clusters policies of their own"
LIMITS = {
    "files": Limit(1_000, "files", "put several policies into one file, with `---` between them"),
    "bytes": Limit(4 << 20, "bytes", _SPLIT),
    "nodes": Limit(250_000, "YAML values", _SPLIT),
    "documents": Limit(2_000, "documents", "write rules with the same `match` into one policy"),
    "rules": Limit(20_000, "rules", "write values into one list: `when: {in: [A, B]}`"),
    "exceptions": Limit(2_000, "exceptions", "remove those that have ended, and list several namespaces in one"),
    # Each may take PATTERN_MEMORY (patterns.py) while it decides.
    "patterns": Limit(256, "different regular expressions", "write several as one, `A|B`, or list values with `in`"),
    # They are asked of each value in each review: of every disk, if that is what the rules are about.
    "asked": Limit(512, "conditions about one path or class that are asked one by one", "list values: `when: {in: …}`"),
    "globs": Limit(500, "names with `*`", "name what they have in common, or choose namespaces by `labels`"),
    "findings": Limit(200, "findings", "correct these first, the rest is not read"),
}
# A nearest name is looked for among all declared paths: so many are, then findings go without.
_SUGGESTIONS = 20
# Seconds of work between two rests, and how long a rest is: more than half of a core is left to reviews.
_WORK, _REST = 0.001, 0.002


class Exhausted(Exception):
    """The set costs more than it may; `finding` names the limit and the place where the limit was exceeded."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(str(finding))


@dataclass(slots=True, eq=False)
class Budget:
    """One loading: what is counted so far. `rest` is called with each thing counted; equal `patterns` count once."""

    rest: Callable[[], None] = no_rest
    spent: dict[str, int] = field(default_factory=dict)
    patterns: set[str] = field(default_factory=set)
    suggested: int = 0
    _made: dict[str, Any] = field(default_factory=dict)

    def spend(self, what: str, place: str, amount: int = 1, about: str = "") -> None:
        """Count something of LIMITS at a place (`FILE:LINE:COLUMN`), apart for each `about`; raises Exhausted."""
        self.rest()
        key = f"{what} {about}" if about else what
        count = self.spent[key] = self.spent.get(key, 0) + amount
        limit = LIMITS[what]
        if count > limit.most:
            problem = f"is where the policies have more than {limit.most} {limit.what}"
            raise Exhausted(Finding(place, problem, limit.help, "policy"))

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What one loading needs once, by its name."""
        if name not in self._made:
            self._made[name] = make()
        made: T = self._made[name]
        return made

    def suggests(self) -> bool:
        """Whether a nearest name is still worth its search."""
        self.suggested += 1
        return self.suggested <= _SUGGESTIONS


class Pace:
    """A rest after each piece of work, for a loader beside an event loop: Python runs one thread at a time."""

    def __init__(self, work: float = _WORK, rest: float = _REST) -> None:
        self.work, self.seconds = work, rest
        self._since = time.perf_counter()

    def __call__(self) -> None:
        if time.perf_counter() - self._since > self.work:
            time.sleep(self.seconds)
            self._since = time.perf_counter()
