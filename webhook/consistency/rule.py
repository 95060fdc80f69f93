"""What a rule is, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from webhook.findings import Finding

Tree = dict[str, Any]
Check = Callable[[Tree, str], Iterator[Finding]]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A function from a domain and its path to findings, which refuse or only warn. It is called as the function is."""

    check: Check
    refuses: bool

    @property
    def name(self) -> str:
        """The function's name."""
        return self.check.__name__

    def __call__(self, domain: Tree, path: str) -> Iterator[Finding]:
        return self.check(domain, path)


def rule(check: Check) -> Rule:
    """A rule whose findings refuse."""
    return Rule(check, refuses=True)


def warning(check: Check) -> Rule:
    """A rule whose findings only warn."""
    return Rule(check, refuses=False)


def devices(domain: Tree) -> Iterator[tuple[str, int, Tree]]:
    """Every device: its list, its place in it (-1 where there is but one), and itself."""
    for kind, entries in domain.get("devices", {}).items():
        if type(entries) is dict:
            yield kind, -1, entries
        else:
            for index, entry in enumerate(entries):
                yield kind, index, entry


def path_of(kind: str, index: int) -> str:
    """A device's path below the domain."""
    return f".devices.{kind}" if index < 0 else f".devices.{kind}[{index}]"
