"""All rules about values of one class at one declared place, merged: many simple ones cost what one costs.

Rules with one condition on values of the same form are one lookup (`in`), one comparison with the strictest limit
(`above`, `below`) or one expression (`matches`) together; all others are asked one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from webhook.policy.language.condition import Condition, Limit, Members, Subject
from webhook.policy.language.cross_field import FieldLocation
from webhook.policy.language.model import Rule, Today
from webhook.policy.language.patterns import Pattern, merged

# Makes the location of the value in question; most rules never need it.
LocationGetter = Callable[[], FieldLocation]
# Which of two rules that both hold is named: the lower one.
Rank = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """A rule as it is applied to values: `exempting` are the exceptions to it."""

    rule: Rule
    rank: Rank
    today: Today
    exempting: tuple[Clause, ...] = ()

    def holds(self, value: Any, location: LocationGetter) -> bool:
        rule = self.rule
        if not all(each.holds(value) for each in rule.conditions):
            return False
        if rule.until is not None and self.today() > rule.until:
            return False
        if rule.comparisons and not all(each.holds(value, location()) for each in rule.comparisons):
            return False
        if rule.guards and not all(each.holds(location()) for each in rule.guards):
            return False
        return not any(each.holds(value, location) for each in self.exempting)

    def lasting(self) -> bool:
        """Whether the answer for a value is the same in every VM and on every day."""
        return not (self.rule.until or self.rule.comparisons or self.rule.guards or self.exempting)

    def simple(self) -> Condition | None:
        """The only condition of the clause; None where it has more, or looks at more than the value."""
        conditions = self.rule.conditions
        if not self.lasting() or len(conditions) > 1:
            return None
        return conditions[0] if conditions else _ALWAYS


_ALWAYS = Condition("present", True, lambda _: True, subject=Subject.PRESENT)
_NONE: tuple[Rank, Rule | None] = ((1 << 62, 0), None)


class Clauses:
    """Clauses of one effect. `first` names the rule of the lowest rank that holds; of limits the strictest is asked."""

    __slots__ = ("_always", "_excluded", "_limits", "_others", "_patterns", "_values", "empty", "lasting")

    def __init__(self, clauses: Iterable[Clause]) -> None:
        self._always = _NONE
        self._values: dict[Callable[[Any], object], dict[object, tuple[Rank, Rule | None]]] = {}
        self._excluded: dict[Callable[[Any], object], dict[frozenset[object], tuple[Rank, Rule | None]]] = {}
        self._limits: dict[tuple[bool, Callable[[Any], int | None]], tuple[int, Rank, Rule]] = {}
        self._others: list[Clause] = []
        patterns: list[tuple[Rank, Rule, Condition]] = []
        self.empty = self.lasting = True
        for clause in clauses:
            self.empty = False
            self.lasting = self.lasting and clause.lasting()
            self._sort(clause, patterns)
        self._patterns = _Patterns(patterns)

    def _sort(self, clause: Clause, patterns: list[tuple[Rank, Rule, Condition]]) -> None:
        only, ranked = clause.simple(), (clause.rank, clause.rule)
        if only is None:
            self._others.append(clause)
        elif only.subject is Subject.PRESENT:
            self._always = min(self._always, ranked, key=_rank)
        elif only.members is not None:
            self._list(only.members, ranked)
        elif only.limit is not None:
            self._limit(only.limit, clause)
        elif only.pattern is not None and "\\Q" not in str(only.wanted):  # a quote may be left open to its end
            patterns.append((clause.rank, clause.rule, only))
        else:
            self._others.append(clause)

    def _list(self, only: Members, ranked: tuple[Rank, Rule]) -> None:
        if only.within:
            known = self._values.setdefault(only.same, {})
            for value in only.values:
                known[value] = min(known.get(value, _NONE), ranked, key=_rank)
        else:
            lists = self._excluded.setdefault(only.same, {})
            lists[only.values] = min(lists.get(only.values, _NONE), ranked, key=_rank)

    def _limit(self, only: Limit, clause: Clause) -> None:
        key = (only.above, only.amount)
        known = self._limits.get(key)
        strictness = -only.limit if only.above else only.limit
        if known is None or (strictness, known[1]) > (-known[0] if only.above else known[0], clause.rank):
            self._limits[key] = (only.limit, clause.rank, clause.rule)

    def first(self, value: Any, location: LocationGetter) -> Rule | None:
        """The rule that holds of a value; None where none does."""
        if self.empty:
            return None
        best = self._listed(value)
        for (above, amount), (limit, rank, rule) in self._limits.items():
            size = amount(value)
            if size is not None and rank < best[0] and (size > limit if above else size < limit):
                best = (rank, rule)
        best = self._patterns.first(value, best)
        for clause in self._others:
            if clause.rank < best[0] and clause.holds(value, location):
                best = (clause.rank, clause.rule)
        return best[1]

    def untouched(self, value: Any) -> bool:
        """Whether no clause is about a value, whatever stands around it in a VM and whatever day it is."""
        if self.first(value, _nowhere) is not None:
            return False
        return not any(all(each.holds(value) for each in clause.rule.conditions) for clause in self._others)

    def _listed(self, value: Any) -> tuple[Rank, Rule | None]:
        """The first that holds of any value, or whose list has this one, or has not."""
        best = self._always
        for same, known in self._values.items():
            found = known.get(same(value))
            if found is not None and found[0] < best[0]:
                best = found
        for same, lists in self._excluded.items():
            form = same(value)
            for values, ranked in lists.items() if form is not None else ():
                if form not in values and ranked[0] < best[0]:
                    best = ranked
        return best


def _nowhere() -> FieldLocation:
    return FieldLocation({}, "")


def _rank(found: tuple[Rank, Rule | None]) -> Rank:
    return found[0]


@dataclass(slots=True, eq=False)
class _Patterns:
    """Regular expressions, asked together first: most values match none of many."""

    patterns: list[tuple[Rank, Rule, Condition]]
    together: Pattern | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if len(self.patterns) > 1:
            self.together = merged(tuple(dict.fromkeys(str(each.wanted) for _, _, each in self.patterns)))

    def first(self, value: Any, best: tuple[Rank, Rule | None]) -> tuple[Rank, Rule | None]:
        if not self.patterns or type(value) is not str:
            return best
        if self.together is not None and not self.together.matches(value):
            return best
        for rank, rule, condition in self.patterns:
            if rank < best[0] and condition.holds(value):
                best = (rank, rule)
        return best


@dataclass(frozen=True, slots=True, eq=False)
class MergedRules:
    """The rules about values of one class at one place: `forbid` beats `permit` beats `deny`."""

    forbids: Clauses
    permits: Clauses
    denies: Clauses

    def refusing(self, value: Any, location: LocationGetter) -> Rule | None:
        """The rule that refuses a value; None where it is allowed."""
        rule = self.forbids.first(value, location)
        if rule is not None or self.denies.empty:
            return rule
        rule = self.denies.first(value, location)
        return None if rule is None or self.permits.first(value, location) is not None else rule

    def passes(self, value: Any) -> bool:
        """Whether a value that is allowed is so in every VM and on every day."""
        if self.forbids.lasting and self.permits.lasting and self.denies.lasting:
            return True
        return self.forbids.untouched(value) and self.denies.untouched(value)

    def deciding(self, value: Any, location: LocationGetter) -> tuple[Rule | None, bool]:
        """The rule that decides about a value, and whether it refuses it; None where no rule has to."""
        rule = self.refusing(value, location)
        if rule is not None:
            return rule, True
        denied = self.denies.first(value, location)
        return (self.permits.first(value, location) if denied is not None else None), False
