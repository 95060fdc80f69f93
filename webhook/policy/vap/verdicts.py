"""When a value of a class at a declared place is refused, as a formula: `forbid` beats `permit` beats `deny`.

The counterpart of effective.py and merged_rules.py for one level: what is not of the level is gone, what depends on the
request is a formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from webhook.declare import DeclaredField, Field, FieldClass
from webhook.findings import Finding
from webhook.policy.engine.effective import exempted
from webhook.policy.engine.index import of_lists
from webhook.policy.engine.messages import DEFAULT_DENY
from webhook.policy.language.cel_form import Inexpressible
from webhook.policy.language.condition import Subject
from webhook.policy.language.model import Exemption, Policy, Rule, Selector
from webhook.policy.language.selection import class_name, selects
from webhook.policy.vap.cel import FALSE, TRUE, all_of, any_of, globbed, negated
from webhook.policy.vap.formulas import CelOperand, Formulas
from webhook.policy.vap.scope import NAMESPACE, in_force, variable


@dataclass(frozen=True, slots=True)
class RuleInForce:
    """A rule and when it is in force; `typed` is the path of the field that its conditions were checked against."""

    rule: Rule
    when: str
    typed: str

    @property
    def looks_around(self) -> bool:
        """Whether the rule is about other fields too."""
        return bool(self.rule.guards or self.rule.comparisons)


@dataclass(frozen=True, slots=True)
class Refusal:
    """When a value is refused: one that is new or changed, and one that stands in the stored object just so."""

    changed: str
    unchanged: str
    label: str
    # Whether who may not set the value may not take it away either, once it is stored.
    kept: bool = True


@dataclass
class Verdicts:
    """The policies of one level; with `stored` operands the rules are applied to the stored object."""

    policies: tuple[Policy, ...]
    declared_fields: Mapping[str, DeclaredField]
    level: str
    today: date
    # The classes of single values where the site has others than are declared, by declared path.
    classes: Mapping[str, Mapping[str, FieldClass]] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    # Whether an API keeps what its objects were granted.
    keeps: bool = True

    def __post_init__(self) -> None:
        self._formulas = Formulas(self.declared_fields)

    @cached_property
    def conditions(self) -> dict[str, str]:
        """When each policy that depends on the request is in force, by its variable."""
        when = {variable(policy): in_force(policy, self.level) for policy in self.policies}
        return {name: formula for name, formula in when.items() if formula not in (TRUE, FALSE)}

    @cached_property
    def exemptions(self) -> list[tuple[Policy, Exemption]]:
        """The exceptions that hold on the day of the export."""
        return [
            (policy, each)
            for policy in self.policies
            for each in policy.exceptions
            if each.until >= self.today and self._when(policy) != FALSE and each.rule in self._by_id
        ]

    def class_name(self, declared: str, entry: Field, word: str) -> str:
        """The class of a word at a declared place."""
        return class_name(self.classes.get(declared, {}).get(word) or entry.class_of_value(word))

    def refusal(
        self, declared: str, kind: str, operand: CelOperand, stored: CelOperand, *, element: bool = False
    ) -> Refusal:
        """When a value is refused; `stored` is its place in the stored object, where it stands unchanged.

        With `element`, a whole element that is no backend: only rules that name it are about it.
        """
        rules = [each for each in self._rules if not element or each.rule.selector == Selector(path=declared)]
        forbids = [each for each in rules if _about(each, "forbid", declared, kind)]
        denies = [each for each in rules if _about(each, "deny", declared, kind)]
        denies.sort(key=lambda each: not each.rule.selector.path)
        named = [each.rule.id for each in (*forbids, *denies)]
        if kind in DEFAULT_DENY:
            denies.append(RuleInForce(DEFAULT_DENY[kind], TRUE, ""))
        permitted = negated(any_of(self._holds(each, operand) for each in self._permits(declared, kind)))
        refusing = [(each, self._unless_exempted(each, declared, kind, operand)) for each in forbids]
        refusing += [(each, all_of([self._holds(each, operand), permitted])) for each in denies]
        return Refusal(
            any_of(formula for _, formula in refusing),
            self._newly(refusing, declared, kind, stored),
            kind if kind in DEFAULT_DENY else " or ".join(dict.fromkeys(named)),
            self.keeps,
        )

    def count(self, declared: str, operand: CelOperand, stored: CelOperand) -> Refusal | None:
        """When a list has too many entries: more than allowed, and more than are stored or allowed there."""
        about = [
            each
            for each in self._rules
            if each.rule.selector.path == declared and any(one.subject is Subject.LIST for one in each.rule.conditions)
        ]
        if not about:
            return None
        kind = about[0].rule.selector.kind
        refusing = [(each, self._unless_exempted(each, declared, kind, operand)) for each in about]
        more = f"size({operand.value}) > size({stored.value})"
        newly = self._newly(refusing, declared, kind, stored)
        formula = all_of([any_of(formula for _, formula in refusing), any_of([more, newly])])
        return Refusal(formula, FALSE, " or ".join(each.rule.id for each in about))

    def _newly(self, refusing: list[tuple[RuleInForce, str]], declared: str, kind: str, stored: CelOperand) -> str:
        """When an unchanged value is refused: by a rule that looks at other fields, and did not refuse it before."""
        parts: list[str] = []
        before: list[str] = []
        for each, formula in refusing:
            if each.looks_around and formula != FALSE:
                parts.append(all_of([formula, *before, negated(self._unless_exempted(each, declared, kind, stored))]))
            before.append(negated(formula))
        return any_of(parts)

    def _permits(self, declared: str, kind: str) -> list[RuleInForce]:
        exempting = [exception for of_rule in self._exempting.values() for exception in of_rule]
        return [each for each in (*self._rules, *exempting) if _about(each, "permit", declared, kind)]

    def _unless_exempted(self, each: RuleInForce, declared: str, kind: str, operand: CelOperand) -> str:
        """The rule holds, and no exception to a forbid covers the value."""
        exempting = self._exempting.get(each.rule.id, ()) if each.rule.effect == "forbid" else ()
        exempted_by_any = any_of(
            self._holds(exception, operand) for exception in exempting if selects(exception.rule, declared, kind)
        )
        return all_of([self._holds(each, operand), negated(exempted_by_any)])

    def _holds(self, each: RuleInForce, operand: CelOperand) -> str:
        rule, place = each.rule, self.declared_fields.get(each.typed)
        try:
            asked = self._formulas.rule(rule, operand, place.field if place else None)
        except Inexpressible as missing:
            self.findings[rule.id] = Finding(
                rule.where, f"rule `{rule.id}` cannot be exported: {missing}", "", "policy"
            )
            return FALSE
        return all_of([each.when, asked])

    def _when(self, policy: Policy) -> str:
        formula = in_force(policy, self.level)
        return formula if formula in (TRUE, FALSE) else f"variables.{variable(policy)}"

    @cached_property
    def _rules(self) -> list[RuleInForce]:
        return [
            RuleInForce(rule, when, rule.selector.path)
            for policy in self.policies
            if (when := self._when(policy)) != FALSE
            for rule in policy.rules
            if not rule.stated
        ]

    @cached_property
    def _by_id(self) -> dict[str, RuleInForce]:
        known = {rule.id: RuleInForce(rule, TRUE, "") for rule in DEFAULT_DENY.values()}
        return known | {each.rule.id: each for each in self._rules}

    @cached_property
    def _exempting(self) -> dict[str, list[RuleInForce]]:
        """The exceptions by their rule, each as the permit that it is."""
        exempting: dict[str, list[RuleInForce]] = {}
        for policy, each in self.exemptions:
            of = self._by_id[each.rule]
            rule = replace(exempted(each, of.rule, self.declared_fields), until=None)
            when = all_of([of.when, self._when(policy), globbed(each.namespaces, NAMESPACE)])
            exempting.setdefault(each.rule, []).append(
                RuleInForce(rule, when, rule.selector.path if each.values else of.typed)
            )
        return exempting


def _about(each: RuleInForce, effect: str, declared: str, kind: str) -> bool:
    return each.rule.effect == effect and not of_lists(each.rule) and selects(each.rule, declared, kind)


def unexported(policies: Iterable[Policy], level: str) -> Iterator[Rule]:
    """Enforced rules that are the webhook's alone.

    They are about no value (totals, and fields that must be there), or about what a requester writes.
    """
    for policy in policies:
        if in_force(policy, level) == FALSE:
            continue
        for rule in policy.rules:
            if rule.stated or rule.selector.total or any(each.subject is Subject.MISSING for each in rule.conditions):
                yield rule
