"""What a verb of the command is: a value that its module has among its `VERBS`, by which the command finds it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Group:
    """Verbs that have a first word in common, and what they are for."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Verb:
    """`text` is its line of the help; `run` does it and gives the exit code.

    `add_flags` gives it its arguments; it is called only where the verb's name is on the command line, so that a verb
    may import for them what other verbs need not pay for. `group` has the word that comes before its name. One that
    `prints` objects or findings takes `-o`. What a `document` verb prints goes to a file or another program, so that
    its findings go to standard error.
    """

    name: str
    text: str
    run: Callable[[argparse.Namespace], int]
    add_flags: Callable[[argparse.ArgumentParser], None] | None = None
    group: Group | None = None
    prints: bool = True
    document: bool = False

    @property
    def words(self) -> str:
        """The verb as one types it: `policy check`."""
        return f"{self.group.name} {self.name}" if self.group is not None else self.name


@runtime_checkable
class HasVerbs(Protocol):
    """A module of the command with verbs."""

    VERBS: Sequence[Verb]


POLICY = Group("policy", "tools for policy files")
