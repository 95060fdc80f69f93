"""A value that a rule refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from webhook.policy.language.model import Rule

# The classes of what is not there, and of sums.
MISSING, TOTAL = "", "total"


@dataclass(frozen=True, slots=True, eq=False)
class Denial:
    """A value that a rule refuses, at `path` below the spec and at `declared` among the declarations."""

    rule: Rule
    declared: str
    kind: str
    path: str
    value: Any
