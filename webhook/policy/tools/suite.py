"""Suites: what a folder's policies are meant to refuse and what not, as cases; and the rules that no case needs.

A `suite.yaml` stands beside the policy files that it is about; cases.py has its grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from webhook.declare import DeclaredField, Mark, shown
from webhook.findings import Finding
from webhook.policy.engine.engine import Engine, compile_policies, utc_today
from webhook.policy.engine.stated import stated_paths
from webhook.policy.engine.submission import Submission
from webhook.policy.language.model import LABELS, LEVELS, Policy, Rule, Today
from webhook.policy.language.selection import possible
from webhook.policy.loading.load import SUITE, Loading, load
from webhook.policy.tools.cases import Case, Complete, Verdict, read_cases

Tree = dict[str, Any]
# The fields of a spec that are no frontend, as the inspection finds them; the path is the spec's own.
Marks = Callable[[Tree, str], Iterable[Mark]]

_REFUSED = "refused"
_WAYS = {
    _REFUSED: "permit it, or expect it in `refused`",
    "warned": "change the rule, or expect it in `warned`",
    "audited": "change the rule, or expect it in `audited`",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many cases were run, and all that is wrong with policies or suites."""

    cases: int
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of policies with what suites need to know of VMs."""

    path: Path
    declared_fields: Mapping[str, DeclaredField]
    marks: Marks
    complete: Complete
    today: Today = utc_today

    def named(self, file: Path) -> str:
        """A file as findings show it."""
        return f"{self.path.resolve().name}/{file.relative_to(self.path)}"


def run(folder: Folder) -> Outcome:
    """Run every suite of a folder of policies; Refused where the policies themselves do not load."""
    policies = load(folder.path, Loading(folder.declared_fields, today=folder.today, levels=False)).engine.policies
    findings: list[Finding] = []
    count = 0
    suites = sorted(folder.path.rglob(SUITE))
    for file in suites:
        cases, wrong = read_cases(file.read_bytes(), folder.named(file), _beside(file), folder.complete)
        findings += wrong
        count += len(cases)
        own = [policy for policy in policies if _stands_by(policy, folder.named(file))]
        level = next((policy.level for policy in own if policy.level), LEVELS[0])
        judge = compile_policies(policies, folder.declared_fields, today=folder.today)
        for case in cases:
            findings += _unexpected(judge, case, level, folder)
        if not wrong:
            findings += _unneeded(policies, own, cases, level, folder)
    if count == 0 and not findings:
        findings.append(
            Finding(
                folder.path.resolve().name, "has no suite with cases", "put a `suite.yaml` beside the policies", "suite"
            )
        )
    elif suites:
        findings += _without_suite(policies, [folder.named(file) for file in suites], folder)
    return Outcome(count, findings)


def _without_suite(policies: Iterable[Policy], suites: list[str], folder: Folder) -> Iterator[Finding]:
    """Policies whose rules nothing tries, as no suite stands in their folder."""
    for policy in policies:
        tried = any(_stands_by(policy, suite) for suite in suites)
        if not tried and any(_about_anything(rule, folder.declared_fields) for rule in policy.rules):
            way = f"put a `{SUITE}` beside it, with cases that need its rules"
            yield Finding(policy.where, f"policy `{policy.name}` has no `{SUITE}` in its folder", way, "suite")


def _beside(suite: Path) -> Callable[[str], bytes]:
    def content(name: str) -> bytes:
        return (suite.parent / name).read_bytes()

    return content


def _stands_by(policy: Policy, suite: str) -> bool:
    """Whether a policy stands in the suite's own folder; its `where` is FOLDER/…/FILE:LINE."""
    return policy.where.rpartition("/")[0] == suite.rpartition("/")[0]


def _decided(judge: Engine, case: Case, level: str, folder: Folder) -> dict[str, list[Verdict]]:
    """The path and the rule of each refusal, warning and audit."""
    request = replace(case.request, labels={LABELS["enforce"]: level, **case.request.labels})
    marks = list(folder.marks(case.spec, case.path))
    decisions = [judge.decide(Submission(case.spec, marks, case.path, case.stored), request)]
    if judge.of_stated is not None:
        known = [] if case.stored is None else [case.stored]
        paths = stated_paths(case.written, known, case.path, folder.declared_fields)
        own = Submission(case.written, list(folder.marks(case.written, case.path)), case.path, case.stored)
        decisions.append(judge.decide_stated(own, request, paths))
    found = {
        _REFUSED: [each for one in decisions for each in one.findings],
        "warned": [each for one in decisions for each in one.warned],
        "audited": [each for one in decisions for each in one.audits],
    }
    return {
        mode: sorted((each.path, each.rule.partition(" ")[0]) for each in findings) for mode, findings in found.items()
    }


def _unexpected(judge: Engine, case: Case, level: str, folder: Folder) -> Iterator[Finding]:
    """What becomes of a case and is not expected, or the other way round."""
    place = f"{case.where}: {shown(case.title, 120)}"
    for mode, found in _decided(judge, case, level, folder).items():
        expected = case.expected[mode]
        for path, rule in found:
            if (path, rule) not in expected:
                yield Finding(place, f"`{path}` is {mode} by `{rule}`", _WAYS[mode], "suite")
        for path, rule in expected:
            if (path, rule) not in found:
                way = f"change the rule, or expect it not to be {mode}"
                yield Finding(place, f"`{path}` is not {mode} by `{rule}`", way, "suite")


def _unneeded(
    policies: Iterable[Policy], own: list[Policy], cases: list[Case], level: str, folder: Folder
) -> Iterator[Finding]:
    """Rules without which every case would end the same."""
    all_rules = compile_policies(policies, folder.declared_fields, today=folder.today)
    before = [_decided(all_rules, case, level, folder) for case in cases]
    for policy in own:
        for rule in policy.rules:
            if not _about_anything(rule, folder.declared_fields):
                continue
            rest = replace(
                policy,
                rules=tuple(each for each in policy.rules if each is not rule),
                exceptions=tuple(each for each in policy.exceptions if each.rule != rule.id),
            )
            others = [rest if each is policy else each for each in policies]
            judge = compile_policies(others, folder.declared_fields, today=folder.today)
            if [_decided(judge, case, level, folder) for case in cases] == before:
                problem = f"rule `{rule.id}` is exercised by no case"
                yield Finding(rule.where, problem, "add a case that needs it", "suite")


def _about_anything(rule: Rule, declared_fields: Mapping[str, DeclaredField]) -> bool:
    """Whether any declared field has a value that the rule's class could hold."""
    selector = rule.selector
    return bool(selector.path or selector.total) or any(
        selector.kind in possible(place) for place in declared_fields.values()
    )
