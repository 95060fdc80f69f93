"""What a rule of consistency is, and how rules find devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from webhook.findings import Finding
from webhook.trees import Tree

# A domain and its place in the object; returns what is wrong.
Check = Callable[[Tree, str], Iterator[Finding]]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule of consistency, called as its function. With `refuses` its findings refuse the VM, else they warn."""

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
    """Every device: its list, its index there (-1 for a single device), and itself."""
    for kind, entries in domain.get("devices", {}).items():
        if type(entries) is dict:
            yield kind, -1, entries
        else:
            for index, entry in enumerate(entries):
                yield kind, index, entry


def path_of(kind: str, index: int) -> str:
    """A device's path below the domain."""
    return f".devices.{kind}" if index < 0 else f".devices.{kind}[{index}]"
