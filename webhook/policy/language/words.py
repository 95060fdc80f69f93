"""Rules, exceptions and matches in words, as tools show them: the same words, the same meaning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from webhook.declare import shown
from webhook.policy.language.condition import Condition, Subject
from webhook.policy.language.cross_field import Guard
from webhook.policy.language.model import Exemption, Policy, Rule, Selector


def rule_words(rule: Rule) -> str:
    """`forbid domain.vcpu.count when above 64`: effect, what it selects, and on which conditions."""
    conditions = condition_words(rule)
    return " ".join(filter(None, (rule.effect, selector_words(rule.selector), conditions)))


def selector_words(selector: Selector) -> str:
    """What a rule is about; with a path and a class, both."""
    if selector.total:
        return f"total {selector.total}"
    kind = f"class {selector.kind}" if selector.kind else ""
    return " ".join(filter(None, (kind, f"at {selector.path}" if kind and selector.path else selector.path))) or "any"


def condition_words(rule: Rule) -> str:
    """On which conditions a rule is about a value; empty where always."""
    own = [*map(_condition, rule.conditions), *(f"{each.name} {each.path}" for each in rule.comparisons)]
    parts = [f"when {' and '.join(own)}" if own else "", *(_guard(each) for each in rule.guards)]
    return " ".join(filter(None, (*parts, f"until {rule.until}" if rule.until else "")))


def unconditional(rule: Rule) -> bool:
    """Whether the rule is about every value of what it selects."""
    always = all(each.subject is Subject.PRESENT for each in rule.conditions)
    return always and not (rule.comparisons or rule.guards or rule.until or rule.selector.total)


def match_words(policy: Policy) -> str:
    """Where and for whom a policy holds, and in which mode."""
    match = policy.match
    parts = (
        f"level {policy.level}" if policy.level else policy.mode,
        _names("namespaces", match.names),
        _names("except", match.without),
        _names("labels", sorted(f"{label}={value}" for label, value in match.labels.items())),
        _names("users", match.users),
        _names("groups", match.groups),
    )
    return ", ".join(filter(None, parts))


def exemption_words(each: Exemption) -> str:
    """What an exception is from and about, without its end."""
    selected = f" at {selector_words(each.selector)}" if each.selector.path or each.selector.kind else ""
    values = f" of {_list(each.values)}" if each.values else ""
    return f"to {each.rule} in {', '.join(each.namespaces)}{selected}{values}"


def _names(word: str, names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"{word} {listed}" if listed else ""


def _condition(each: Condition) -> str:
    return f"{each.name} {_list(each.wanted) if isinstance(each.wanted, list | tuple) else _value(each.wanted)}"


def _guard(each: Guard) -> str:
    return f"{each.word} {' and '.join(_fields(each.conditions))}"


def _fields(conditions: Mapping[str, Iterable[Condition]]) -> Iterator[str]:
    for path, wanted in conditions.items():
        for each in wanted:
            yield f"{path} {_condition(each)}"


def _list(values: Iterable[object]) -> str:
    return f"[{', '.join(map(_value, values))}]"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else shown(value, 200)
