"""What exceptions must be together with the policies that they except from: the rule is there, the place is its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches

from webhook.declare import Place, shown
from webhook.findings import Finding
from webhook.policy.conditions import Condition, Unfit, condition
from webhook.policy.denials import DEFAULT_DENY
from webhook.policy.model import Exemption, Policy, Rule
from webhook.policy.selection import possible


def check_exceptions(policies: Iterable[Policy], places: Mapping[str, Place]) -> list[Finding]:
    """Findings for exceptions to no rule, or at a place that their rule says nothing about."""
    policies = tuple(policies)
    rules = {rule.id: rule for rule in DEFAULT_DENY.values()}
    rules.update({rule.id: rule for policy in policies for rule in policy.rules})
    findings = []
    for each in (exemption for policy in policies for exemption in policy.exceptions):
        rule = rules.get(each.rule)
        if rule is None:
            near = get_close_matches(each.rule[:128], rules, n=1)
            way = f"did you mean `{near[0]}`?" if near else "name it `POLICY/RULE`"
            findings.append(
                Finding(each.where, f"rule `{shown(each.rule)}` is not there to except from", way, "policy")
            )
            continue
        if each.selector.path and not _within(each.selector.path, rule, places):
            problem = f"path `{each.selector.path}` is none that `{rule.id}` decides"
            way = f"name one of {rule.selector.path or 'class ' + rule.selector.kind}"
            findings.append(Finding(each.where, problem, way, "policy"))
        try:
            of_values(each, rule, places)
        except Unfit as unfit:
            findings.append(Finding(each.where, f"values {unfit}", unfit.help, "policy"))
    return findings


def of_values(exemption: Exemption, rule: Rule, places: Mapping[str, Place]) -> tuple[Condition, ...]:
    """The condition that an exception's values are, none where it names none; raises Unfit."""
    if not exemption.values:
        return ()
    place = places.get(exemption.selector.path or rule.selector.path)
    return (condition("in", list(exemption.values), place.field if place else None),)


def expired(policies: Iterable[Policy], today: date) -> list[Finding]:
    """Exceptions whose day has passed: reported, and no reason to refuse the rest."""
    return [
        Finding(
            each.where,
            f"the exception to `{each.rule}` ended on {each.until}",
            f"remove it, or ask {each.owner} for a new day ({each.ticket})",
            "expired",
        )
        for policy in policies
        for each in policy.exceptions
        if each.until < today
    ]


def _within(path: str, rule: Rule, places: Mapping[str, Place]) -> bool:
    wanted, parent = rule.selector.kind, rule.selector.path
    if parent and path != parent and not path.startswith(f"{parent}."):
        return False
    if not wanted:
        return True
    return any(
        wanted in possible(place) for name, place in places.items() if name == path or name.startswith(f"{path}.")
    )
