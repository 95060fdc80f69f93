"""What a rule is, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from webhook.findings import Finding

Tree = dict[str, Any]
Rule = Callable[[Tree, str], Iterator[Finding]]

RULES: list[Rule] = []
WARNINGS: list[Rule] = []


def rule(function: Rule) -> Rule:
    """Register a rule whose findings refuse."""
    RULES.append(function)
    return function


def warning(function: Rule) -> Rule:
    """Register a rule whose findings only warn."""
    WARNINGS.append(function)
    return function


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
