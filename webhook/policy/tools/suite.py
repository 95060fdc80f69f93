"""Suites: what a folder's policies are meant to refuse and what not, as cases; and the rules that no case needs.

A `suite.yaml` stands beside the policy files that it is about; cases.py has its grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from webhook.declare import DeclaredField, Mark, shown
from webhook.findings import Finding
from webhook.policy.engine.engine import Engine, compile_policies, utc_today
from webhook.policy.engine.stated import stated_paths
from webhook.policy.engine.submission import Submission
from webhook.policy.language.model import LABELS, LEVELS, Decision, Policy, Request, Rule, Today
from webhook.policy.language.selection import possible
from webhook.policy.loading.load import SUITE, Loading, OtherApi, load
from webhook.policy.tools.cases import Case, Objects, Verdict, read_cases
from webhook.trees import Tree

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


# What an engine comes to for an object of KubeVirt's, and its stored form where it is an update.
DecideObject = Callable[[Engine, Request, Tree, Tree | None], Decision]


@dataclass(frozen=True, slots=True)
class Foreign:
    """KubeVirt's API, which policies of a folder may be about, and how its objects are judged."""

    api: OtherApi
    decide: DecideObject


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of policies with what suites need to know of VMs."""

    path: Path
    declared_fields: Mapping[str, DeclaredField]
    marks: Marks
    objects: Objects
    foreign: Foreign
    today: Today = utc_today

    def named(self, file: Path) -> str:
        """A file as findings show it."""
        return f"{self.path.resolve().name}/{file.relative_to(self.path)}"


@dataclass(frozen=True, slots=True)
class _Side:
    """The policies about one of the two APIs, what it declares, and how a case of it is judged."""

    policies: tuple[Policy, ...]
    declared_fields: Mapping[str, DeclaredField]
    today: Today
    decided: Callable[[Engine, Case, Request], list[Decision]]

    def engine(self, policies: Iterable[Policy]) -> Engine:
        """Policies of this side, ready for decisions."""
        return compile_policies(policies, self.declared_fields, today=self.today)


def run(folder: Folder) -> Outcome:
    """Run every suite of a folder of policies; Refused where the policies themselves do not load."""
    sides = _sides(folder)
    findings: list[Finding] = []
    count = 0
    suites = sorted(folder.path.rglob(SUITE))
    for file in suites:
        cases, wrong = read_cases(file.read_bytes(), folder.named(file), _beside(file), folder.objects)
        findings += wrong
        count += len(cases)
        near = [policy for side in sides.values() for policy in side.policies if _stands_by(policy, folder.named(file))]
        level = next((policy.level for policy in near if policy.level), LEVELS[0])
        for foreign, side in sides.items():
            own = [case for case in cases if case.foreign is foreign]
            judge = side.engine(side.policies)
            for case in own:
                findings += _unexpected(judge, case, level, side)
            if not wrong:
                findings += _unneeded([policy for policy in near if policy in side.policies], own, level, side)
    if count == 0 and not findings:
        findings.append(
            Finding(
                folder.path.resolve().name, "has no suite with cases", "put a `suite.yaml` beside the policies", "suite"
            )
        )
    elif suites:
        for side in sides.values():
            findings += _without_suite(side, [folder.named(file) for file in suites])
    return Outcome(count, findings)


def _sides(folder: Folder) -> dict[bool, _Side]:
    """Our own VMs, and KubeVirt's (True)."""
    api = folder.foreign.api
    loaded = load(folder.path, Loading(folder.declared_fields, today=folder.today, levels=False, kubevirt=api))

    def of_ours(judge: Engine, case: Case, request: Request) -> list[Decision]:
        marks = list(folder.marks(case.spec, case.path))
        decisions = [judge.decide(Submission(case.spec, marks, case.path, case.stored), request)]
        if judge.of_stated is not None:
            known = [] if case.stored is None else [case.stored]
            paths = stated_paths(case.written, known, case.path, folder.declared_fields)
            own = Submission(case.written, list(folder.marks(case.written, case.path)), case.path, case.stored)
            decisions.append(judge.decide_stated(own, request, paths))
        return decisions

    def of_kubevirt(judge: Engine, case: Case, request: Request) -> list[Decision]:
        return [folder.foreign.decide(judge, request, case.spec, case.stored)]

    about = loaded.kubevirt.policies if loaded.kubevirt is not None else ()
    return {
        False: _Side(tuple(loaded.engine.policies), folder.declared_fields, folder.today, of_ours),
        True: _Side(tuple(about), api.declared_fields, folder.today, of_kubevirt),
    }


def _without_suite(side: _Side, suites: list[str]) -> Iterator[Finding]:
    """Policies whose rules nothing tries, as no suite stands in their folder."""
    for policy in side.policies:
        tried = any(_stands_by(policy, suite) for suite in suites)
        if not tried and any(_about_anything(rule, side.declared_fields) for rule in policy.rules):
            way = f"put a `{SUITE}` beside it, with cases that need its rules"
            yield Finding(policy.where, f"policy `{policy.name}` has no `{SUITE}` in its folder", way, "suite")


def _beside(suite: Path) -> Callable[[str], bytes]:
    def content(name: str) -> bytes:
        return (suite.parent / name).read_bytes()

    return content


def _stands_by(policy: Policy, suite: str) -> bool:
    """Whether a policy stands in the suite's own folder; its `where` is FOLDER/…/FILE:LINE."""
    return policy.where.rpartition("/")[0] == suite.rpartition("/")[0]


def _decided(judge: Engine, case: Case, level: str, side: _Side) -> dict[str, list[Verdict]]:
    """The path and the rule of each refusal, warning and audit."""
    request = replace(case.request, labels={LABELS["enforce"]: level, **case.request.labels})
    decisions = side.decided(judge, case, request)
    found = {
        _REFUSED: [each for one in decisions for each in one.findings],
        "warned": [each for one in decisions for each in one.warned],
        "audited": [each for one in decisions for each in one.audits],
    }
    return {
        mode: sorted((each.path, each.rule.partition(" ")[0]) for each in findings) for mode, findings in found.items()
    }


def _unexpected(judge: Engine, case: Case, level: str, side: _Side) -> Iterator[Finding]:
    """What becomes of a case and is not expected, or the other way round."""
    place = f"{case.where}: {shown(case.title, 120)}"
    for mode, found in _decided(judge, case, level, side).items():
        expected = case.expected[mode]
        for path, rule in found:
            if (path, rule) not in expected:
                yield Finding(place, f"`{path}` is {mode} by `{rule}`", _WAYS[mode], "suite")
        for path, rule in expected:
            if (path, rule) not in found:
                way = f"change the rule, or expect it not to be {mode}"
                yield Finding(place, f"`{path}` is not {mode} by `{rule}`", way, "suite")


def _unneeded(own: list[Policy], cases: list[Case], level: str, side: _Side) -> Iterator[Finding]:
    """Rules without which every case would end the same."""
    all_rules = side.engine(side.policies)
    before = [_decided(all_rules, case, level, side) for case in cases]
    for policy in own:
        for rule in policy.rules:
            if not _about_anything(rule, side.declared_fields):
                continue
            rest = replace(
                policy,
                rules=tuple(each for each in policy.rules if each is not rule),
                exceptions=tuple(each for each in policy.exceptions if each.rule != rule.id),
            )
            judge = side.engine([rest if each is policy else each for each in side.policies])
            if [_decided(judge, case, level, side) for case in cases] == before:
                problem = f"rule `{rule.id}` is exercised by no case"
                yield Finding(rule.where, problem, "add a case that needs it", "suite")


def _about_anything(rule: Rule, declared_fields: Mapping[str, DeclaredField]) -> bool:
    """Whether any declared field has a value that the rule's class could hold."""
    selector = rule.selector
    return bool(selector.path or selector.total) or any(
        selector.kind in possible(place) for place in declared_fields.values()
    )
