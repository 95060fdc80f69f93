"""Suites: what a folder's policies are meant to refuse and what not, as cases; and the rules that no case needs.

A `suite.yaml` stands beside the policy files that it is about:

    cases:
      - title: a file of the host is refused
        spec: {domain: {os: {kernel: /boot/vmlinuz}}}
        request: {namespace: team-a, user: jane, groups: [devs], labels: {tier: tenant}}    # each part may be left out
        refused: [{path: spec.domain.os.kernel, rule: restricted/no-host-paths}]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import Mark, Place, shown
from webhook.findings import Finding, Refused
from webhook.policy.engine import Engine, compile_policies, utc_today
from webhook.policy.load import SUITE, load
from webhook.policy.model import LABELS, LEVELS, Policy, Request, Rule, Today
from webhook.policy.selection import possible

Tree = dict[str, Any]
# The fields of a spec that are no frontend, as the inspection finds them; the path is the spec's own.
Marks = Callable[[Tree, str], Iterable[Mark]]

_CASE = frozenset({"title", "spec", "request", "refused"})
_REQUEST = frozenset({"namespace", "labels", "user", "groups"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many cases were run, and all that is wrong with policies or suites."""

    cases: int
    findings: list[Finding]


def run(folder: Path, places: Mapping[str, Place], marks: Marks, today: Today = utc_today) -> Outcome:
    """Run every suite of a folder of policies; Refused where the policies themselves do not load."""
    policies = load(folder, places, today=today).engine.policies
    findings: list[Finding] = []
    count = 0
    for file in sorted(folder.rglob(SUITE)):
        cases = _cases(file, folder, findings)
        count += len(cases)
        own = [policy for policy in policies if _beside(policy, file, folder)]
        level = next((policy.level for policy in own if policy.level), LEVELS[0])
        judge = compile_policies(policies, places, today=today)
        for case in cases:
            findings += _differs(judge, case, level, marks, _named(file, folder))
        findings += _idle(policies, own, cases, level, places, marks, today)
    return Outcome(count, findings)


def _named(file: Path, folder: Path) -> str:
    return f"{folder.resolve().name}/{file.relative_to(folder)}"


def _beside(policy: Policy, suite: Path, folder: Path) -> bool:
    """Whether a policy stands in the suite's own folder; `where` is FOLDER/…/FILE:LINE:COLUMN."""
    return policy.where.rpartition("/")[0] == _named(suite, folder).rpartition("/")[0]


def _cases(file: Path, folder: Path, findings: list[Finding]) -> list[Tree]:
    """The cases of a suite that are cases; what is wrong with the others is added to the findings."""
    name = _named(file, folder)
    try:
        tree = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeError) as error:
        raise Refused([Finding(name, f"is no YAML: {str(error).splitlines()[0]}", "mend it", "suite")]) from None
    listed = tree.get("cases") if isinstance(tree, dict) else None
    if not isinstance(listed, list):
        raise Refused([Finding(name, "has no list of `cases`", "see the shipped suites", "suite")])
    found = []
    for index, case in enumerate(listed):
        problem = _malformed(case)
        if problem:
            findings.append(Finding(f"{name}: cases[{index}]", problem, "see the shipped suites", "suite"))
        else:
            found.append(case)
    return found


def _malformed(case: Any) -> str:
    if not isinstance(case, dict) or not isinstance(case.get("title"), str) or not isinstance(case.get("spec"), dict):
        return "is no case: it has a `title` and a `spec`"
    if set(case) - _CASE or set(case.get("request") or {}) - _REQUEST:
        return f"has unknown keys; known are {', '.join(sorted(_CASE | _REQUEST))}"
    return ""


def _decided(judge: Engine, case: Tree, level: str, marks: Marks) -> list[tuple[str, str]]:
    """The path and the rule of each refusal."""
    said = case.get("request") or {}
    labels = {LABELS["enforce"]: level, **said.get("labels", {})}
    request = Request(said.get("namespace", "default"), labels, said.get("user", ""), said.get("groups", ()))
    decision = judge.decide(list(marks(case["spec"], "spec")), case["spec"], request)
    return sorted((finding.path, finding.rule.partition(" ")[0]) for finding in decision.findings)


def _differs(judge: Engine, case: Tree, level: str, marks: Marks, file: str) -> Iterator[Finding]:
    expected = sorted((each["path"], each["rule"]) for each in case.get("refused", ()))
    found = _decided(judge, case, level, marks)
    place = f"{file}: {shown(case['title'], 120)}"
    for path, rule in found:
        if (path, rule) not in expected:
            yield Finding(place, f"`{path}` is refused by `{rule}`", "permit it, or expect it in `refused`", "suite")
    for path, rule in expected:
        if (path, rule) not in found:
            yield Finding(place, f"`{path}` is not refused by `{rule}`", "mend the rule, or expect no refusal", "suite")


def _idle(
    policies: Iterable[Policy],
    own: list[Policy],
    cases: list[Tree],
    level: str,
    places: Mapping[str, Place],
    marks: Marks,
    today: Today,
) -> Iterator[Finding]:
    """Rules without which every case would end the same."""
    whole = compile_policies(policies, places, today=today)
    before = [_decided(whole, case, level, marks) for case in cases]
    for policy in own:
        for rule in policy.rules:
            if not _about_anything(rule, places):
                continue
            rest = replace(policy, rules=tuple(each for each in policy.rules if each is not rule), exceptions=())
            judge = compile_policies([rest if each is policy else each for each in policies], places, today=today)
            if [_decided(judge, case, level, marks) for case in cases] == before:
                problem = f"rule `{rule.id}` is exercised by no case"
                yield Finding(rule.where, problem, "add a case that needs it", "suite")


def _about_anything(rule: Rule, places: Mapping[str, Place]) -> bool:
    """Whether any declared field has a value that the rule's class could hold."""
    return bool(rule.selector.path) or any(rule.selector.kind in possible(place) for place in places.values())
