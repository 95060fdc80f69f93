"""The policies that hold for one kind of request, ready to be asked about fields by their class and path.

A backend field is looked up by its declared path and class; every other ruled field stands in a tree of names
(field_tree.py) that is walked beside the VM's, so that a review costs what its backend and ruled fields cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from webhook.declare import Backend, DeclaredField, Mark, declared_form
from webhook.policy.engine.denial import TOTAL, Denial
from webhook.policy.engine.field_tree import FieldNode, field_tree
from webhook.policy.engine.index import Entry, Index
from webhook.policy.engine.merged_rules import Clause, Clauses, MergedRules, Rank
from webhook.policy.engine.messages import DEFAULT_DENY
from webhook.policy.language.cross_field import FieldLocation, Memo, Tree
from webhook.policy.language.exemptions import of_values
from webhook.policy.language.model import Exemption, Rule, Selector, Today
from webhook.policy.language.selection import selects
from webhook.policy.language.totals import Total, totals

# How many rules the kept merged rules may have together; beyond that they are merged with each review.
_LARGEST = 200_000
# The default deny is named where nothing else refuses.
_LAST: Rank = (1 << 60, 0)


def location_at(spec: Tree, path: str, root: str, memo: Memo) -> Callable[[], FieldLocation]:
    """Makes the location of what is at `path`, in a spec that is itself at `root`; `memo` belongs to the spec."""
    return lambda: FieldLocation(spec, path[len(root) + 1 :], memo)


@dataclass(slots=True, eq=False)
class EffectiveRules:
    """Rules and exceptions in force together."""

    index: Index
    policies: frozenset[int]
    # What each exempted rule does not refuse, by the rule's id; they permit as well.
    exempting: Mapping[str, tuple[Rule, ...]]
    root: FieldNode
    # The sums that rules are about, each with its merged rules.
    totals: tuple[tuple[Total, MergedRules], ...]
    today: Today
    merged_rules: dict[tuple[str, str], MergedRules] = field(default_factory=dict)
    # How many rules there are, and in the merged rules together: what it takes of memory.
    size: int = 0

    def backend(self, mark: Mark, field_class: Backend, spec: Tree, root: str, memo: Memo) -> Denial | None:
        """The denial of a backend field, if any."""
        declared = declared_path(mark, root)
        rule = self.rules_about(declared, field_class.kind).refusing(
            mark.value, location_at(spec, mark.path, root, memo)
        )
        return Denial(rule, declared, field_class.kind, mark.path, mark.value) if rule else None

    def rules_about(self, declared: str, kind: str) -> MergedRules:
        """The rules about a place and a class, made once; the default deny comes last."""
        known = self.merged_rules.get((declared, kind))
        if known is None:
            entries = self.index.about(declared, kind)
            known = self._merged(entries, declared, kind)
            self.size += len(entries)
            if self.size <= _LARGEST:
                self.merged_rules[declared, kind] = known
        return known

    def _merged(self, entries: Iterable[Entry], declared: str, kind: str) -> MergedRules:
        clauses: dict[str, list[Clause]] = {"forbid": [], "permit": [], "deny": []}
        for entry in entries:
            if entry.policy in self.policies:
                # Of denies, the words of one that names the field are more to the point than those about a class.
                later = entry.rule.effect == "deny" and not entry.rule.selector.path
                clauses[entry.rule.effect].append(self.clause(entry.rule, declared, kind, (int(later), entry.order)))
        for exception in (rule for rules in self.exempting.values() for rule in rules):
            if selects(exception, declared, kind):
                clauses["permit"].append(Clause(exception, _LAST, self.today))
        if kind in DEFAULT_DENY:
            clauses["deny"].append(Clause(DEFAULT_DENY[kind], _LAST, self.today))
        return MergedRules(Clauses(clauses["forbid"]), Clauses(clauses["permit"]), Clauses(clauses["deny"]))

    def clause(self, rule: Rule, declared: str, kind: str, rank: Rank = (0, 0)) -> Clause:
        """A rule as it is asked of values: its conditions hold, and no exception to a forbid covers the value."""
        exempted = self.exempting.get(rule.id, ()) if rule.effect == "forbid" else ()
        exempting = tuple(Clause(each, rank, self.today) for each in exempted if selects(each, declared, kind))
        return Clause(rule, rank, self.today, exempting)

    def of_total(self, total: Total) -> MergedRules:
        """The rules about a sum."""
        return self._merged(self.index.by_total.get(total.name, ()), total.declared, TOTAL)


def declared_path(mark: Mark, path: str) -> str:
    """A mark's place among the declarations: `domain.devices.disks[*].source.file`."""
    here = declared_form(mark.path[len(path) + 1 :])
    return f"{here}[*]" if mark.field.many else here


def effective_rules(
    index: Index,
    policies: frozenset[int],
    exemptions: Iterable[Exemption],
    declared_fields: Mapping[str, DeclaredField],
    today: Today,
) -> EffectiveRules:
    """Compile the rules of these policies (by their numbers) and the exceptions that hold together with them."""
    excepted = tuple(exemptions)
    wanted = {each.rule for each in excepted}
    by_id = {rule.id: rule for rule in DEFAULT_DENY.values()}
    everything = (*index.values(), *index.of_lists, *(entry for each in index.by_total.values() for entry in each))
    active = [entry.rule for entry in everything if entry.policy in policies]
    by_id.update((rule.id, rule) for rule in active if rule.id in wanted)
    exempting: dict[str, list[Rule]] = {}
    for each in excepted:
        if each.rule in by_id:
            exempting.setdefault(each.rule, []).append(exempted(each, by_id[each.rule], declared_fields))
    by_rule = {name: tuple(each) for name, each in exempting.items()}
    made = EffectiveRules(
        index, policies, by_rule, field_tree(active, declared_fields, index.below), (), today, size=len(active)
    )
    limited = {rule.selector.total for rule in active} - {""}
    made.totals = tuple((total, made.of_total(total)) for name, total in totals().items() if name in limited)
    return made


def exempted(exemption: Exemption, rule: Rule, declared_fields: Mapping[str, DeclaredField]) -> Rule:
    """An exception as the permit that it is: what its rule selects, narrowed to its path and values."""
    selector = Selector(rule.selector.kind, exemption.selector.path or rule.selector.path, rule.selector.total)
    conditions = of_values(exemption, rule, declared_fields)
    return Rule(
        id=rule.id,
        effect="permit",
        selector=selector,
        conditions=conditions or rule.conditions,
        where=exemption.where,
        until=exemption.until,
        # Other values than a permit's own are what an exception to it is for.
        comparisons=() if rule.effect == "permit" else rule.comparisons,
        guards=rule.guards,
    )
