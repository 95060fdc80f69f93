"""The decision: what the policies in force say of one VM's spec, for this requester in this namespace.

Pure: facts come in as arguments, and nothing here asks the cluster. Views are kept by the facts that policies look at,
so that the second request of a kind finds its index ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from webhook.declare import BACKEND_KINDS, Backend, Mark, Place
from webhook.findings import Finding
from webhook.policy.branches import Branch
from webhook.policy.denials import refusal
from webhook.policy.model import LABELS, LEVELS, Decision, Exemption, Policy, Request, Today
from webhook.policy.scope import chosen, exempts
from webhook.policy.stored import unchanged
from webhook.policy.view import MISSING, Denial, Tree, View, view

_NOTHING: Tree = {}
_KEPT = 1024  # views and sorts of request that are kept; beyond it they are made anew


def utc_today() -> date:
    """The day on which exceptions end, in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Views:
    """What is refused, and, where it differs, what would be under `warn` and `audit`."""

    enforce: View
    warn: View | None
    audit: View | None


@dataclass(slots=True)
class Engine:
    """Policies ready for decisions. Made by `compile_policies`."""

    policies: tuple[Policy, ...]
    places: Mapping[str, Place]
    default_level: str
    today: Today
    # Each with the index of its policy: it holds where the policy holds.
    exemptions: tuple[tuple[int, Exemption], ...] = ()
    # The facts that any policy looks at; requests which agree in them have the same views.
    labels: tuple[str, ...] = ()
    by_namespace: bool = False
    by_subject: bool = False
    _sorts: dict[object, Views] = field(default_factory=dict)
    _views: dict[object, View] = field(default_factory=dict)

    def decide(
        self,
        marks: Sequence[Mark],
        spec: Tree,
        request: Request,
        path: str = "spec",
        stored: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Judge every backend field among `marks` and every ruled field of `spec`, which stands at `path`.

        `stored` is the old object's spec: on UPDATE, what it holds unchanged is not the requester's doing. Devices
        are told by name. Never raises, whatever the spec is; unknown fields are the inspection's to refuse.
        """
        views = self._views_of(request)
        before = stored if request.operation == "UPDATE" else None
        refused = self._judged(views.enforce, marks, spec, path, before)
        if views.warn is None and views.audit is None:
            return Decision(refused)
        known = {finding.path for finding in refused}
        warned, audited = (
            [] if one is None else [
                finding for finding in self._judged(one, marks, spec, path, before) if finding.path not in known
            ]
            for one in (views.warn, views.audit)
        )  # fmt: skip
        return Decision(refused, [f"{each.path}: {each.problem} [{each.rule}]" for each in warned], audited)

    def _judged(
        self, one: View, marks: Iterable[Mark], spec: Tree, path: str, stored: Mapping[str, Any] | None
    ) -> list[Finding]:
        findings = []
        for denial in _denials(one, marks, spec, path):
            if stored is not None and unchanged(denial, spec, stored, path, self.places):
                continue
            findings.append(refusal(denial.rule, denial.declared, denial.kind, denial.path, denial.value))
        return findings

    def _views_of(self, request: Request) -> Views:
        labels = request.labels
        sort = (
            request.namespace if self.by_namespace else "",
            tuple([labels.get(label) for label in self.labels]),
            (request.user, tuple(request.groups)) if self.by_subject else (),
        )
        found = self._sorts.get(sort)
        if found is None:
            if len(self._sorts) >= _KEPT:
                self._sorts.clear()
            found = self._sorts[sort] = self._made(request)
        return found

    def _made(self, request: Request) -> Views:
        excepted = tuple(index for index, each in enumerate(self.exemptions) if exempts(each[1], request))
        enforce, warn, audit = (
            chosen(self.policies, request, mode, self.default_level) for mode in ("enforce", "warn", "audit")
        )
        return Views(
            self._view(enforce, excepted),
            self._view(warn, excepted) if warn != enforce else None,
            self._view(audit, excepted) if audit != enforce else None,
        )

    def _view(self, policies: tuple[int, ...], exemptions: tuple[int, ...]) -> View:
        found = self._views.get((policies, exemptions))
        if found is None:
            if len(self._views) >= _KEPT:
                self._views.clear()
            rules = [rule for index in policies for rule in self.policies[index].rules]
            known = set(policies)
            excepted = [each for index in exemptions for policy, each in [self.exemptions[index]] if policy in known]
            found = self._views[policies, exemptions] = view(rules, excepted, self.places, self.today)
        return found


def compile_policies(
    policies: Iterable[Policy],
    places: Mapping[str, Place],
    default_level: str = LEVELS[0],
    today: Today = utc_today,
) -> Engine:
    """Policies that have passed their checks, ready for decisions; `today` is asked where an exception is used."""
    known = tuple(policies)
    matches = [policy.match for policy in known]
    exemptions = tuple((index, each) for index, policy in enumerate(known) for each in policy.exceptions)
    return Engine(
        policies=known,
        places=places,
        default_level=default_level,
        today=today,
        exemptions=exemptions,
        labels=tuple(sorted({*LABELS.values(), *(label for match in matches for label in match.labels)})),
        by_namespace=bool(exemptions) or any(match.names or match.without for match in matches),
        by_subject=any(match.by_subject for match in matches),
    )


def _denials(one: View, marks: Iterable[Mark], spec: Tree, path: str) -> list[Denial]:
    """Everything that one view refuses: backend fields first, then the others in the order of the declarations."""
    found = []
    for mark in marks:
        half = mark.half
        if half.__class__ is Backend:
            denial = one.backend(mark, half, path)
            if denial is not None:
                found.append(denial)
    if one.root.below and type(spec) is dict:
        _walk(one, one.root, spec, path, found)
    return found


def _walk(one: View, parent: Branch, tree: Tree, path: str, found: list[Denial]) -> None:
    """The ruled fields below one element of the tree. Nothing here depends on how many rules there are elsewhere."""
    below = parent.below
    if parent.wanting:
        for name, branch in below.items():
            if branch.wanting and name not in tree:
                _missing(one, branch, f"{path}.{name}", found)
    for name in below if len(below) <= len(tree) else tree:
        if name not in below or name not in tree:
            continue
        branch, value = below[name], tree[name]
        if branch.counts:
            _count(one, branch, value, f"{path}.{name}", found)
        if not branch.many:
            _enter(one, branch, value, f"{path}.{name}", found)
        elif type(value) is list:
            for index, item in enumerate(value):
                _enter(one, branch, item, f"{path}.{name}[{index}]", found)


def _enter(one: View, branch: Branch, value: Any, path: str, found: list[Denial]) -> None:
    """A value, or an entry of a list, and what is ruled below it."""
    if branch.ruled:
        _look(one, branch, value, path, found)
    if branch.below and type(value) is dict:
        _walk(one, branch, value, path, found)


def _look(one: View, branch: Branch, value: Any, path: str, found: list[Denial]) -> None:
    kind = branch.kind or branch.class_of(value)
    if kind in BACKEND_KINDS:
        return  # a mark, and decided as such
    rule = one.ruling(branch.declared, kind).refusing(value)
    if rule is not None:
        found.append(Denial(rule, branch.declared, kind, path, value))


def _count(one: View, branch: Branch, value: Any, path: str, found: list[Denial]) -> None:
    kind = branch.class_of(value)
    for rule in branch.counts:
        if one.test(rule, branch.declared, kind)(value):
            found.append(Denial(rule, branch.declared, kind, path, value))


def _missing(one: View, branch: Branch, path: str, found: list[Denial]) -> None:
    """What rules want to be there and is not, also where all around it is missing."""
    for rule in branch.absents:
        if one.test(rule, branch.declared, branch.class_of(None))(None):
            found.append(Denial(rule, branch.declared, MISSING, path, None))
    if not branch.many:
        _walk(one, branch, _NOTHING, path, found)
