"""The decision: what the policies in force refuse of one VM's spec, for this requester in this namespace.

Pure: facts come in as arguments, and nothing here asks the cluster. Effective rules are kept by the facts that
policies look at, so that the second request of a kind finds them ready.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from webhook.declare import DeclaredField
from webhook.findings import Finding, Findings
from webhook.policy.engine.denial import Denial
from webhook.policy.engine.effective import EffectiveRules, effective_rules
from webhook.policy.engine.evaluate import denials
from webhook.policy.engine.granted import Lost, losses
from webhook.policy.engine.index import Index, index
from webhook.policy.engine.messages import WORDS, refusal
from webhook.policy.engine.stated import decided, decision, of_stated, without_stated
from webhook.policy.engine.submission import Submission, Update
from webhook.policy.engine.unchanged import unchanged
from webhook.policy.language.model import LABELS, LEVELS, Decision, Exemption, Policy, Request, Today
from webhook.policy.language.scope import chosen, exempts

# A decision reports so many refusals at most, unless it is asked for fewer.
_MOST = 512
_KEPT = 1024  # effective rules, and kinds of request, that are kept; beyond it they are made anew
# Rules of all that is kept together, and characters of the facts by which a kind of request is known.
_KEPT_RULES, _KEPT_TEXT = 400_000, 16_384


def no_rest() -> None:
    """Whoever is alone with the processor need not rest."""


def utc_today() -> date:
    """The day on which exceptions end, in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True, eq=False)
class RulesByMode:
    """What is refused, and, where it differs, what would be under `warn` and `audit`."""

    enforce: EffectiveRules
    warn: EffectiveRules | None
    audit: EffectiveRules | None


@dataclass(slots=True, eq=False)
class Engine:
    """Policies ready for decisions. Made by `compile_policies`."""

    policies: tuple[Policy, ...]
    declared_fields: Mapping[str, DeclaredField]
    default_level: str
    today: Today
    index: Index
    # Each with the index of its policy: it holds where the policy holds.
    exemptions: tuple[tuple[int, Exemption], ...] = ()
    # The facts that any policy looks at; requests which agree in them have the same rules in force.
    labels: tuple[str, ...] = ()
    by_namespace: bool = False
    by_subject: bool = False
    # The rules about what a requester writes, which this one has not; None where there are none.
    of_stated: Engine | None = None
    # What is said of a refused field, by its class.
    words: Path = WORDS
    _by_request: dict[object, RulesByMode] = field(default_factory=dict)
    _effective: dict[object, EffectiveRules] = field(default_factory=dict)

    def decide(self, submitted: Submission, request: Request, most: int = _MOST) -> Decision:
        """Judge every marked backend field of a spec and every ruled one.

        On UPDATE, what the stored spec holds unchanged is not the requester's doing, and what of it he could not set,
        by its marks, stays as it is together with its device. Of each kind of finding `most` are made. Never raises,
        whatever the spec is; unknown fields are the inspection's to refuse.
        """
        rules, update = self.rules_for(request), self._update(submitted, request)

        def found(one: EffectiveRules | None, known: Container[str]) -> Findings:
            made = self._judged(one, submitted, update, most) if one is not None else ()
            return Findings((finding for finding in made if finding.path not in known), most)

        refused = found(rules.enforce, ())
        known = {finding.path for finding in refused}
        if update is not None and submitted.stored_marks:
            gone = _lost(rules.enforce, update)
            refused.take(each.finding() for each in gone if each.path not in known)
        if rules.warn is None and rules.audit is None:
            return Decision(refused)
        return Decision(refused, found(rules.warn, known), found(rules.audit, known))

    def decide_stated(
        self, submitted: Submission, request: Request, stated: Collection[str], most: int = _MOST
    ) -> Decision:
        """What rules about stated fields say of a requester's spec as he wrote it, of which he states these paths."""
        if self.of_stated is None:
            return Decision()
        rules = self.of_stated.rules_for(request)
        found = decided((rules.enforce, rules.warn, rules.audit), submitted, stated, most)
        return decision([[self._refusal(denial) for denial in denied] for denied in found], most)

    def _update(self, submitted: Submission, request: Request) -> Update | None:
        """The update that is asked for; None where something new is."""
        if request.operation != "UPDATE" or submitted.stored is None:
            return None
        return Update(submitted, submitted.stored, self.declared_fields)

    def _judged(
        self, one: EffectiveRules, submitted: Submission, update: Update | None, most: int
    ) -> Iterator[Finding]:
        # What is stored already may be any number of denials, and is no finding.
        enough = most if update is None else sys.maxsize
        for denial in denials(one, submitted, enough):
            if update is not None and unchanged(one, denial, update):
                continue
            yield self._refusal(denial)

    def _refusal(self, denial: Denial) -> Finding:
        place = self.declared_fields.get(denial.declared)
        return refusal(denial, self.words, secret=place is not None and place.field.secret)

    def lost(self, submitted: Submission, request: Request) -> Iterator[Lost]:
        """What of the stored backend, by its marks, the requester could not set and the new spec lacks, by place."""
        update = self._update(submitted, request)
        return iter(()) if update is None else _lost(self.rules_for(request).enforce, update)

    def rules_for(self, request: Request) -> RulesByMode:
        """The policies in force for a request, by mode."""
        labels = request.labels
        facts = (
            request.namespace if self.by_namespace else "",
            tuple([labels.get(label) for label in self.labels]),
            (request.user, tuple(request.groups)) if self.by_subject else (),
        )
        found = self._by_request.get(facts)
        if found is None:
            found = self._by_mode(request)
            if _size(facts) <= _KEPT_TEXT:
                if len(self._by_request) >= _KEPT:
                    self._by_request.clear()
                self._by_request[facts] = found
        return found

    def _by_mode(self, request: Request) -> RulesByMode:
        excepted = tuple(index for index, each in enumerate(self.exemptions) if exempts(each[1], request))
        enforce, warn, audit = (
            chosen(self.policies, request, mode, self.default_level) for mode in ("enforce", "warn", "audit")
        )
        return RulesByMode(
            self._effective_rules(enforce, excepted),
            self._effective_rules(warn, excepted) if warn != enforce else None,
            self._effective_rules(audit, excepted) if audit != enforce else None,
        )

    def _bound(self) -> None:
        """Drop effective rules, and the kinds of request that hold them, before they are too many or too large."""
        if len(self._effective) >= _KEPT or sum(each.size for each in self._effective.values()) >= _KEPT_RULES:
            self._effective.clear()
            self._by_request.clear()

    def _effective_rules(self, policies: tuple[int, ...], exemptions: tuple[int, ...]) -> EffectiveRules:
        found = self._effective.get((policies, exemptions))
        if found is None:
            self._bound()
            known = frozenset(policies)
            excepted = [each for index in exemptions for policy, each in [self.exemptions[index]] if policy in known]
            found = self._effective[policies, exemptions] = effective_rules(
                self.index, known, excepted, self.declared_fields, self.today
            )
        return found


def _lost(one: EffectiveRules, update: Update) -> Iterator[Lost]:
    reported: set[str] = set()
    for _, each in losses(one, update):
        if each.path not in reported:
            reported.add(each.path)
            yield each


def _size(facts: object) -> int:
    """How much text the facts of a request are: whoever may write reviews could make it endless."""
    if isinstance(facts, tuple):
        return sum(map(_size, facts)) + len(facts)
    return len(facts) if isinstance(facts, str) else 0


def compile_policies(
    policies: Iterable[Policy],
    declared_fields: Mapping[str, DeclaredField],
    default_level: str = LEVELS[0],
    today: Today = utc_today,
    rest: Callable[[], None] = no_rest,
) -> Engine:
    """Policies that have passed their checks, ready for decisions; `today` is asked where an exception is used.

    `rest` is called with each rule, for whoever makes them beside an event loop.
    """
    known = tuple(policies)
    matches = [policy.match for policy in known]
    exemptions = tuple((index, each) for index, policy in enumerate(known) for each in policy.exceptions)
    judge = Engine(
        policies=known,
        declared_fields=declared_fields,
        default_level=default_level,
        today=today,
        index=index(without_stated(known), declared_fields, rest),
        exemptions=exemptions,
        labels=tuple(sorted({*LABELS.values(), *(label for match in matches for label in match.labels)})),
        by_namespace=bool(exemptions) or any(match.names or match.without for match in matches),
        by_subject=any(match.by_subject for match in matches),
    )
    if any(rule.stated for policy in known for rule in policy.rules):
        rules = index(of_stated(known), declared_fields, rest)
        judge.of_stated = replace(judge, index=rules, _by_request={}, _effective={})
    return judge
