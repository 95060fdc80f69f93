"""What is wrong with an input: where, what, and the way out.

Every part of the service reports in this one shape; nothing here knows what a virtual machine is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


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


class Refused(Exception):
    """An input that cannot be accepted, with everything that is wrong with it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))
