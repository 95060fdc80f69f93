"""What is wrong with an input: where, what, and the way out.

Every part of the service reports in this one shape; nothing here knows what a virtual machine is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import ParamSpec

P = ParamSpec("P")
# Of one input so many problems are told at most: nobody reads more, and to make them costs the time of others.
MOST = 128


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of one place.

    `path` is a JSON path from the object's root (`spec.domain.devices.disks[1].source.file`), `problem` one
    lower-case line with the user's words in backticks, `help` the way out, `rule` the policy rule or the
    check that decided (`restricted/no-host-paths`, `shape`, `frozen`), with its file and line where it has them.
    """

    path: str
    problem: str
    help: str = ""
    rule: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" + (f"\n  help: {self.help}" if self.help else "")

    def as_dict(self) -> dict[str, str]:
        """The finding as a JSON object: path, problem, help, rule."""
        return asdict(self)


class Findings(list[Finding]):
    """The findings of one input, `most` of them: what is beyond is not kept, and should not be made.

    `cut` says that there are more, or may be: whoever looked stopped looking.
    """

    __slots__ = ("cut", "most")

    def __init__(self, found: Iterable[Finding] = (), most: int = MOST) -> None:
        super().__init__()
        self.most = most
        self.cut = False
        self.take(found)

    @property
    def room(self) -> int:
        """How many more are kept."""
        return max(0, self.most - len(self))

    def full(self) -> bool:
        """Whether whoever looks for more can stop; that there may be more is noted."""
        if len(self) < self.most:
            return False
        self.cut = True
        return True

    def add(self, make: Callable[P, Finding], *args: P.args, **kwargs: P.kwargs) -> None:
        """One more finding, which is made only where it is kept."""
        if not self.full():
            self.append(make(*args, **kwargs))

    def take(self, found: Iterable[Finding]) -> None:
        """Findings as they are made; the making ends where no more are kept."""
        for finding in found:
            if self.full():
                return
            self.append(finding)
        self.cut = self.cut or (isinstance(found, Findings) and found.cut)


class Refused(Exception):
    """An input that cannot be accepted, with everything that is wrong with it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        super().__init__()
        self.findings = findings if isinstance(findings, list) else list(findings)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)
