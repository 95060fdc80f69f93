"""Rules about what a requester writes (`stated: true`): judged over his own words, before they are completed.

The engine has the other rules in force; these have one of their own (`Engine.of_stated`), with all permits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from webhook.declare import DeclaredField
from webhook.findings import Finding, Findings
from webhook.policy.engine.denial import Denial
from webhook.policy.engine.effective import EffectiveRules
from webhook.policy.engine.evaluate import denials
from webhook.policy.engine.submission import Submission
from webhook.policy.language.cross_field import Tree
from webhook.policy.language.model import Decision, Policy, Rule


def without_stated(policies: Sequence[Policy]) -> list[Policy]:
    """The policies without their rules about what is stated."""
    return [_with_rules(each, [rule for rule in each.rules if not rule.stated]) for each in policies]


def of_stated(policies: Sequence[Policy]) -> list[Policy]:
    """The policies with their rules about what is stated and their permits alone."""
    return [_with_rules(each, [rule for rule in each.rules if rule.stated or _permits(rule)]) for each in policies]


def _permits(rule: Rule) -> bool:
    return rule.effect == "permit"


def _with_rules(policy: Policy, rules: Sequence[Rule]) -> Policy:
    return policy if len(rules) == len(policy.rules) else replace(policy, rules=tuple(rules))


def refusals(rules: EffectiveRules, submitted: Submission, stated: Collection[str]) -> Iterator[Denial]:
    """What rules about stated fields refuse of a requester's spec, of which he states these paths."""
    return (each for each in denials(rules, submitted) if each.rule.stated and each.path in stated)


def decided(
    by_mode: Sequence[EffectiveRules | None], submitted: Submission, stated: Collection[str], most: int
) -> Iterator[list[Denial]]:
    """The refusals of each mode, at most so many; None is a mode that adds nothing."""
    for rules in by_mode:
        yield [] if rules is None else _first(refusals(rules, submitted, stated), most)


def _first(found: Iterator[Denial], most: int) -> list[Denial]:
    return [each for each, _ in zip(found, range(most + 1), strict=False)]


def decision(found: Sequence[Sequence[Finding]], most: int) -> Decision:
    """The decision of these findings by mode: what is refused is not warned of as well."""
    refused, warned, audited = found
    known = {each.path for each in refused}
    milder = [[each for each in some if each.path not in known] for some in (warned, audited)]
    return Decision(*(Findings(some, most) for some in (refused, *milder)))


def stated_paths(
    spec: Tree, known: Sequence[Tree], root: str, declared_fields: Mapping[str, DeclaredField]
) -> set[str]:
    """The paths of a spec at `root` whose values are those of none of the known specs, and of what is around them.

    So is a list that lacks an entry which all of them have.
    """
    reader = _Reader(declared_fields)
    reader.stated(spec, known, root, "")
    return reader.found


@dataclass(slots=True, eq=False)
class _Reader:
    """One comparison of a spec with others; entries of lists are compared by their key, or by their place."""

    declared_fields: Mapping[str, DeclaredField]
    found: set[str] = field(default_factory=set)

    def stated(self, tree: Any, known: Sequence[Any], path: str, declared: str) -> bool:
        """Whether anything in the tree is stated; notes where."""
        kind = type(tree)
        if kind is dict:
            own = self._fields(tree, [each for each in known if type(each) is dict], path, declared)
        elif kind is list:
            own = self._entries(tree, [each for each in known if type(each) is list], path, f"{declared}[*]")
        else:
            own = tree is not None and not any(self._same(tree, each, declared) for each in known)
        if own:
            self.found.add(path)
        return own

    def _fields(self, tree: Tree, known: Sequence[Tree], path: str, declared: str) -> bool:
        own = False
        for name, value in tree.items():
            others = [each[name] for each in known if name in each]
            below = f"{declared}.{name}" if declared else name
            own = self.stated(value, others, f"{path}.{name}", below) or own
        return own

    def _entries(self, tree: list[Any], known: Sequence[list[Any]], path: str, declared: str) -> bool:
        place = self.declared_fields.get(declared)
        key = place.field.shape.key if place is not None and place.field.shape is not None else ""
        by_key = [_by_key(each, key) for each in known]
        present = _by_key(tree, key)
        own = bool(by_key) and any(all(one in each for each in by_key) for one in by_key[0].keys() - present.keys())
        for index, item in enumerate(tree):
            one = _key(item, key, index)
            others = [each[one] for each in by_key if one in each]
            own = self.stated(item, others, f"{path}[{index}]", declared) or own
        return own

    def _same(self, one: Any, other: Any, declared: str) -> bool:
        place = self.declared_fields.get(declared)
        return one == other if place is None or place.field.scalar is None else place.field.same(one, other)


def _by_key(entries: list[Any], key: str) -> dict[Any, Any]:
    return {_key(item, key, index): item for index, item in enumerate(entries)}


def _key(item: Any, key: str, index: int) -> Any:
    """What tells an entry: its key where it has one, else its place."""
    named = item.get(key) if key and type(item) is dict else None
    return named if type(named) in (str, int) else (index,)
