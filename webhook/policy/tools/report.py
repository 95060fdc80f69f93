"""Decisions over stored VMs as PolicyReports (wgpolicyk8s.io/v1alpha2): one a namespace, no larger than etcd takes.

Pure: what was judged comes in, a tree goes out. Who stores it is webhook/cluster/reports.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from webhook.findings import Finding
from webhook.policy.language.model import Decision
from webhook.trees import Tree

GROUP, VERSION, PLURAL, KIND = "wgpolicyk8s.io", "v1alpha2", "policyreports", "PolicyReport"
# The name of our one report in a namespace, and the label that our reports have.
NAME = "vmconfig"
LABEL = "app.kubernetes.io/managed-by"
FAIL, ERROR, WARN, PASS, SKIP = "fail", "error", "warn", "pass", "skip"
# The worst first: where there are too many, the least bad are left out.
OUTCOMES = (ERROR, FAIL, WARN, PASS)
# etcd takes 1.5 MiB (its --max-request-bytes); what the API server notes of field owners comes on top.
MOST_BYTES = 1_000_000
# The categories of findings about a malformed VM, and about what two have, which no class of field has.
SHAPE, IDENTITY = "shape", "identity"
# How bad it is that a VM has a field of the class: the report's words, of which older definitions know no others.
SEVERITIES = {
    "host-path": "high",
    "raw-device": "high",
    "host-port": "medium",
    "host-network": "medium",
    "host-identity": "high",
    "credential": "high",
    "scheduling": "medium",
    "io-tuning": "low",
    "passthrough": "high",
    "firmware-path": "high",
    "escape-hatch": "high",
    "placement": "medium",
    "frontend": "low",
    "reference": "medium",
    "goal": "low",
    IDENTITY: "medium",
}

# A warning as the engine writes it: PATH: PROBLEM [POLICY/RULE (FILE:LINE)].
_RULE = re.compile(r"(?P<policy>[^/]+)/(?P<rule>\S+)(?: \((?P<where>.+)\))?")


@dataclass(frozen=True, slots=True)
class Subject:
    """The object that results are about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Result:
    """One finding of one object, or that there is none; `where` is the rule's `FILE:LINE`."""

    outcome: str
    policy: str
    rule: str = ""
    category: str = ""
    path: str = ""
    problem: str = ""
    help: str = ""
    where: str = ""


def results(
    decision: Decision,
    malformed: Iterable[Finding],
    classes: Mapping[str, str],
    unrunnable: Iterable[Finding] = (),
    duplicates: Iterable[tuple[str, Finding]] = (),
) -> list[Result]:
    """All results of one object; what both `warn` and `audit` would refuse is one result.

    `duplicates` are identities that others have too, each with its outcome.
    """
    found = [Result(ERROR, NAME, SHAPE, SHAPE, each.path, each.problem, each.help) for each in malformed]
    found += [Result(FAIL, NAME, each.rule, "frontend", each.path, each.problem, each.help) for each in unrunnable]
    found += [_result(FAIL, each, classes) for each in decision.findings]
    milder: dict[tuple[str, str], Finding] = {}
    for each in (*decision.audits, *decision.warned):
        milder.setdefault((each.path, each.rule), each)
    found += [_result(WARN, each, classes) for each in milder.values()]
    found += [
        Result(outcome, NAME, each.rule, IDENTITY, each.path, each.problem, each.help) for outcome, each in duplicates
    ]
    return found or [Result(PASS, NAME, problem="no policy refuses it")]


def _result(outcome: str, finding: Finding, classes: Mapping[str, str]) -> Result:
    matched = _RULE.fullmatch(finding.rule)
    policy, rule, where = (
        (matched["policy"], matched["rule"], matched["where"] or "") if matched else (finding.rule, "", "")
    )
    kind = classes.get(finding.path, "frontend")
    return Result(outcome, policy, rule, kind, finding.path, finding.problem, finding.help, where)


def outcome_of(found: Iterable[Result]) -> str:
    """The word for the whole object: the worst of its results, where malformed is worse than refused."""
    words = {each.outcome for each in found}
    return next(word for word in OUTCOMES if word in words)


@dataclass(slots=True)
class Report:
    """The results of one namespace as they come in; of each outcome no more are kept than a report could hold."""

    namespace: str
    name: str = NAME
    # What shows all results.
    command: str = "vmconfig audit"
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    _kept: dict[str, list[Tree]] = field(default_factory=lambda: {outcome: [] for outcome in OUTCOMES})
    _bytes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))

    @property
    def empty(self) -> bool:
        """Whether the namespace has no VM."""
        return not any(self.counts.values())

    def add(self, subject: Subject, found: Iterable[Result]) -> None:
        """The results of one object."""
        for each in found:
            full = len(self._kept[each.outcome]) < self.counts[each.outcome]
            self.counts[each.outcome] += 1
            made = _entry(subject, each)
            size = _size(made)
            if not full and self._bytes[each.outcome] + size <= MOST_BYTES:
                self._kept[each.outcome].append(made)
                self._bytes[each.outcome] += size

    def tree(self) -> Tree:
        """The PolicyReport; its summary counts all, also what is left out for want of space."""
        shown = self._shown()
        left = sum(self.counts.values()) - len(shown)
        if left:
            problem = f"{left} more results are left out here: `{self.command} --namespace {self.namespace}` shows all"
            shown.append(
                {
                    "source": NAME,
                    "policy": NAME,
                    "result": SKIP,
                    "message": problem,
                    "properties": {"leftOut": str(left)},
                }
            )
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "metadata": {"name": self.name, "namespace": self.namespace, "labels": {LABEL: NAME}},
            "scope": {"apiVersion": "v1", "kind": "Namespace", "name": self.namespace},
            "summary": {**self.counts, SKIP: 1 if left else 0},
            "results": shown,
        }

    def _shown(self) -> list[Tree]:
        """What there is room for; nothing better stands in a report where something worse is left out."""
        shown: list[Tree] = []
        free = MOST_BYTES
        for outcome in OUTCOMES:
            for each in self._kept[outcome]:
                free -= _size(each)
                if free < 0:
                    return shown
                shown.append(each)
            if len(self._kept[outcome]) < self.counts[outcome]:
                return shown
        return shown


def _size(entry: Tree) -> int:
    """Bytes in a report, with the comma."""
    return len(json.dumps(entry, separators=(",", ":"))) + 1


def _entry(subject: Subject, each: Result) -> Tree:
    resource = {
        "apiVersion": subject.api_version,
        "kind": subject.kind,
        "namespace": subject.namespace,
        "name": subject.name,
        "uid": subject.uid,
    }
    made = {
        "source": NAME,
        "policy": each.policy,
        "rule": each.rule,
        "category": each.category,
        "severity": SEVERITIES.get(each.category, ""),
        "result": each.outcome,
        "message": each.problem,
        "resources": [{key: value for key, value in resource.items() if value}],
        "properties": {
            key: value for key, value in (("path", each.path), ("help", each.help), ("where", each.where)) if value
        },
    }
    return {key: value for key, value in made.items() if value}
