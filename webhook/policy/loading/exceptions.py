"""Checks of exceptions against all policies: the rule exists, and decides about the path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import islice

from webhook.declare import DeclaredField, shown
from webhook.declare.nearest import closest
from webhook.findings import Finding
from webhook.policy.engine.messages import DEFAULT_DENY
from webhook.policy.language.condition import InvalidCondition
from webhook.policy.language.exemptions import of_values
from webhook.policy.language.model import Exemption, Policy, Rule
from webhook.policy.language.selection import classes_below
from webhook.policy.loading.budget import Budget

# An exception is reported so many days before its end: time to ask for another day.
SOON = 14
# Rules among which the nearest name is looked for.
_NEAR = 2000


def check_exceptions(
    policies: Iterable[Policy], declared_fields: Mapping[str, DeclaredField], budget: Budget
) -> list[Finding]:
    """Findings for exceptions to no rule, or at a path that their rule does not decide; raises Exhausted."""
    policies = tuple(policies)
    rules = {rule.id: rule for rule in DEFAULT_DENY.values()}
    rules.update({rule.id: rule for policy in policies for rule in policy.rules})
    classes = budget.once(f"classes {id(declared_fields)}", lambda: classes_below(declared_fields, budget.rest))
    findings: list[Finding] = []
    for each in _exemptions(policies):
        budget.rest()
        rule = rules.get(each.rule)
        if rule is None:
            near = closest(each.rule, islice(rules, _NEAR), longest=128) if budget.suggests() else ""
            way = f"did you mean `{near}`?" if near else "name it `POLICY/RULE`"
            findings.append(Finding(each.place, f"no rule is named `{shown(each.rule)}`", way, "policy"))
            continue
        if each.selector.path and not _within(each.selector.path, rule, classes):
            problem = f"path `{each.selector.path}` is none that `{rule.id}` decides"
            way = f"name one of {rule.selector.path or 'class ' + rule.selector.kind}"
            findings.append(Finding(each.place, problem, way, "policy"))
        if rule.selector.total and (each.selector.path or each.values):
            problem = f"a path or values are no part of `{rule.id}`, which limits a total"
            findings.append(Finding(each.place, problem, "leave them out: the exception lifts the limit", "policy"))
            continue
        if rule.effect == "permit" and not each.values:
            problem = f"an exception to the permit `{rule.id}` names no values"
            findings.append(Finding(each.place, problem, "name those that it permits beside the rule's own", "policy"))
            continue
        try:
            of_values(each, rule, declared_fields)
        except InvalidCondition as invalid:
            findings.append(Finding(each.place, f"`values` {invalid}", invalid.help, "policy"))
    return findings


def expired(policies: Iterable[Policy], today: date) -> list[Finding]:
    """Exceptions whose day has passed: reported, and no reason to refuse the rest."""
    return [_ends(each, "ended") for each in _exemptions(policies) if each.until < today]


def expiring(policies: Iterable[Policy], today: date, days: int = SOON) -> list[Finding]:
    """Exceptions that still hold and end within so many days; one that ends today has 0 left."""
    last = today + timedelta(days)
    return [_ends(each, "ends") for each in _exemptions(policies) if today <= each.until <= last]


def ending(policies: Iterable[Policy], today: date, days: int = SOON) -> list[tuple[int, Exemption]]:
    """Exceptions that have ended or will within so many days, each with the days that are left, the fewest first."""
    left = [((each.until - today).days, each) for each in _exemptions(policies)]
    return sorted((pair for pair in left if pair[0] <= days), key=lambda pair: pair[0])


def _exemptions(policies: Iterable[Policy]) -> Iterator[Exemption]:
    return (each for policy in policies for each in policy.exceptions)


def _ends(exemption: Exemption, word: str) -> Finding:
    return Finding(
        exemption.where,
        f"the exception to `{exemption.rule}` {word} on {exemption.until}",
        f"remove it, or ask {exemption.owner} for a new day ({exemption.ticket})",
        "expired" if word == "ended" else "expiring",
    )


def _within(path: str, rule: Rule, classes: Mapping[str, set[str]]) -> bool:
    wanted, parent = rule.selector.kind, rule.selector.path
    if parent and path != parent and not path.startswith(f"{parent}."):
        return False
    return not wanted or wanted in classes.get(path, ())
