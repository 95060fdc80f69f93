"""What a policy is once it is read, what is asked of it, and what it answers. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from webhook.declare import BACKEND_KINDS
from webhook.findings import Finding
from webhook.policy.conditions import Condition

API_VERSION = "policy.vmconfig.kubevirt.io/v1"
KIND = "Policy"
# The levels that a namespace's label chooses from, strictest first.
LEVELS = ("restricted", "baseline", "privileged")
MODES = ("enforce", "audit", "warn")
# The namespace label that names the level of a mode.
LABELS = {mode: f"vmconfig.kubevirt.io/{mode}" for mode in MODES}
HALVES = ("backend", "frontend", "reference", "goal")
CLASSES = (*BACKEND_KINDS, *HALVES)
EFFECTS = ("permit", "deny", "forbid")
# The policy that every backend field meets where no other denies it: one rule a kind.
DEFAULT = "default-deny"

Effect = Literal["permit", "deny", "forbid"]
# The day it is, in UTC.
Today = Callable[[], date]


@dataclass(frozen=True, slots=True)
class Selector:
    """Which fields a rule is about: those of a class, a declared path, or both. Empty: any."""

    kind: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `forbid` beats `permit` beats `deny`; the conditions must all hold.

    `id` is `POLICY/RULE`, `where` its `FILE:LINE` (empty for the default deny), `until` the last day it holds.
    """

    id: str
    effect: Effect
    selector: Selector
    conditions: tuple[Condition, ...] = ()
    message: str = ""
    help: str = ""
    where: str = ""
    until: date | None = None

    @property
    def named(self) -> str:
        """The rule as findings name it."""
        return f"{self.id} ({self.where})" if self.where else self.id


@dataclass(frozen=True, slots=True)
class Exemption:
    """Values that a rule does not refuse in some namespaces until a day (inclusive, UTC); somebody's, for a reason."""

    rule: str
    namespaces: tuple[str, ...]
    selector: Selector
    values: tuple[object, ...]
    until: date
    owner: str
    ticket: str
    where: str


@dataclass(frozen=True, slots=True)
class Match:
    """Where and for whom a policy holds; an empty part is any. Names are globs."""

    names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def by_subject(self) -> bool:
        """Whether it matters who asks."""
        return bool(self.users or self.groups)


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy document. With a `level` it holds where the namespace's labels name that level."""

    name: str
    rules: tuple[Rule, ...]
    exceptions: tuple[Exemption, ...] = ()
    match: Match = Match()
    mode: str = "enforce"
    level: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants what where: the review's own facts, and the labels of its namespace."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    groups: Sequence[str] = ()
    operation: str = "CREATE"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is refused, what the requester is warned of, and what only the log and the metrics are told."""

    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    audits: list[Finding] = field(default_factory=list)
