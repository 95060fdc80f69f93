"""Policies as they are read, the request that they are applied to, and the decision. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from webhook.declare import BACKEND_KINDS
from webhook.findings import Findings
from webhook.policy.language.condition import Condition
from webhook.policy.language.cross_field import Comparison, Guard

API_VERSION = "policy.vmconfig.kubevirt.io/v1"
KIND = "Policy"
# One about KubeVirt's own virtual machines, which has their paths.
KUBEVIRT_KIND = "KubeVirtPolicy"
# A document that names the files of its folder.
SET_KIND = "PolicySet"
# The names of policies and rules: a label of Kubernetes.
NAME, LONGEST_NAME = "[a-z0-9]([-a-z0-9]*[a-z0-9])?", 63
# The levels that a namespace's label chooses from, strictest first.
LEVELS = ("restricted", "baseline", "privileged")
MODES = ("enforce", "audit", "warn")
# The namespace label that names the level of a mode.
LABELS = {mode: f"vmconfig.kubevirt.io/{mode}" for mode in MODES}
GENERAL_CLASSES = ("backend", "frontend", "reference", "goal")
CLASSES = (*BACKEND_KINDS, *GENERAL_CLASSES)
EFFECTS = ("permit", "deny", "forbid")
# The condition of rules about what a requester writes.
STATED = "stated"
# The policy that every backend field meets where no other denies it: one rule a kind.
DEFAULT = "default-deny"

Effect = Literal["permit", "deny", "forbid"]
# The day it is, in UTC.
Today = Callable[[], date]


@dataclass(frozen=True, slots=True)
class Selector:
    """What a rule is about: the fields of a class, a declared path, or both; or a total over the VM. Empty: any."""

    kind: str = ""
    path: str = ""
    # One of TOTALS (totals.yaml), alone.
    total: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule. `forbid` beats `permit` beats `deny`; conditions, comparisons and guards must all hold.

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
    # The field beside another one of the same VM, and conditions on other fields of it (`where`, `unless`).
    comparisons: tuple[Comparison, ...] = ()
    guards: tuple[Guard, ...] = ()

    @property
    def stated(self) -> bool:
        """Whether it is about what a requester writes, and not about the completed object."""
        return any(each.name == STATED for each in self.conditions)

    @property
    def named(self) -> str:
        """The rule as findings name it."""
        return f"{self.id} ({self.where})" if self.where else self.id


class Located:
    """Base of what is read from a policy file: `where` is its `FILE:LINE`, `column` counts from 1 (0: unknown)."""

    __slots__ = ()
    where: str
    column: int

    @property
    def place(self) -> str:
        """`FILE:LINE:COLUMN`."""
        return f"{self.where}:{self.column}"

    @property
    def file(self) -> str:
        """`FOLDER/FILE`."""
        return self.where.rpartition(":")[0]


@dataclass(frozen=True, slots=True, eq=False)
class Exemption(Located):
    """Values that a rule does not refuse in some namespaces until a day (inclusive, UTC), with owner and ticket."""

    rule: str
    namespaces: tuple[str, ...]
    selector: Selector
    values: tuple[object, ...]
    until: date
    owner: str
    ticket: str
    where: str
    column: int = 0


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


@dataclass(frozen=True, slots=True, eq=False)
class Policy(Located):
    """One policy document. With a `level` it holds where the namespace's labels name that level."""

    name: str
    rules: tuple[Rule, ...]
    exceptions: tuple[Exemption, ...] = ()
    match: Match = Match()
    mode: str = "enforce"
    level: str = ""
    where: str = ""
    column: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PolicySet(Located):
    """The files that a folder of policies has, by their names below it: one that is missing is a finding."""

    files: tuple[str, ...]
    where: str
    column: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Who wants what where: the review's own facts, and the labels of its namespace."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    groups: Sequence[str] = ()
    operation: str = "CREATE"


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What is refused, what the requester is warned of, and what goes to the log and the metrics only."""

    findings: Findings = field(default_factory=Findings)
    warned: Findings = field(default_factory=Findings)
    audits: Findings = field(default_factory=Findings)

    @property
    def warnings(self) -> list[str]:
        """What the requester is warned of, a line each."""
        return [f"{each.path}: {each.problem} [{each.rule}]" for each in self.warned]
