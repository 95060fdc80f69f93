"""The conditions of rules on a value and on other fields of the same VM, as formulas.

The counterpart of cross_field.py: where that has a value, this has CEL's words for it, and a
condition's kind has the formula of the condition. Fields that may be missing are CEL's optionals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from webhook.declare import DeclaredField, Field, kib, nano
from webhook.declare.field_path import Step
from webhook.policy.language.cel_form import CelValue
from webhook.policy.language.condition import Condition, Subject
from webhook.policy.language.conditions import CONDITIONS
from webhook.policy.language.cross_field import Comparison, Guard
from webhook.policy.language.model import Rule
from webhook.policy.vap import cel
from webhook.policy.vap.cel import FALSE, TRUE, all_of, any_quantity, is_amount, is_quantity, negated, quantity, text

_DYNAMIC: Any = object()


@dataclass(frozen=True, slots=True)
class CelOperand:
    """A value that rules are asked about: CEL's words for it and for what is around it.

    `entries` are the entries of lists that the value stands in, by the list's declared path; they and `spec` are
    optionals. `constant` is the value itself where the export knows it: a word of an enumeration, or an element, of
    which conditions never look at the content.
    """

    field: Field
    value: str
    spec: str
    entries: Mapping[str, str]
    constant: Any = _DYNAMIC

    def of(self, constant: object) -> CelOperand:
        """The same place with a value that is known."""
        return replace(self, constant=constant)


@dataclass(slots=True)
class Formulas:
    """Formulas for conditions, comparisons and guards; `declared_fields` have the types of other fields."""

    declared_fields: Mapping[str, DeclaredField]
    _variables: int = 0

    def rule(self, rule: Rule, operand: CelOperand, typed: Field | None) -> str:
        """All conditions of a rule; they were checked against the field `typed` (None: by class alone)."""
        self._variables = 0  # equal conditions give equal formulas
        return all_of(
            [
                *(self.condition(each, operand, typed) for each in rule.conditions),
                *(self.comparison(each, operand) for each in rule.comparisons),
                *(self.guard(each, operand) for each in rule.guards),
            ]
        )

    def condition(self, each: Condition, operand: CelOperand, typed: Field | None) -> str:
        """A condition on the value itself."""
        if operand.constant is not _DYNAMIC and each.subject is not Subject.LIST:
            return TRUE if each.holds(operand.constant) else FALSE
        return _formula(each, CelValue(operand.value, operand.field, typed))

    def comparison(self, each: Comparison, operand: CelOperand) -> str:
        """`equals`, `not-equals` and `outside`."""
        equal = FALSE
        if operand.field.scalar is not None and not operand.field.scalar.is_set:
            equal = self._equal(each, each.steps, operand.spec, operand)
        if each.name == "outside":
            return all_of([f"{_own(operand)}.contains('/')", negated(equal)])
        return equal if each.name == "equals" else negated(equal)

    def guard(self, guard: Guard, operand: CelOperand) -> str:
        """`where` and `unless`."""
        fits = self._fits_tree(guard.root, operand.spec, operand)
        return fits if guard.word == "where" else negated(fits)

    def _equal(self, each: Comparison, steps: Sequence[Step], tree: str, operand: CelOperand) -> str:
        """Whether some value at the path below `tree` equals the operand."""
        (name, entry, declared), *rest = steps
        here = f"{tree}[?{text(name)}]"

        def below(found: str) -> str:
            return (
                self._equal(each, rest, found, operand) if rest else self._with_value(found, _sameness(each, operand))
            )

        return self._some(declared, here, operand, below) if entry else below(here)

    def _fits_tree(self, node: Any, tree: str, operand: CelOperand) -> str:
        """Whether the conditions of a guard below an element (cross_field._Node) hold of `tree`."""
        parts = []
        for name, child in node.below.items():
            here = f"{tree}[?{text(name)}]"
            parts += [self._of_list(each, child.declared, f"{here}.orValue([])") for each in child.list_conditions]
            if not child.many:
                parts.append(self._fits_value(child, here, operand))
            elif child.own or child.below:
                parts.append(
                    self._some(child.declared, here, operand, partial(self._fits_value, child, operand=operand))
                )
        return all_of(parts)

    def _some(self, declared: str, entries: str, operand: CelOperand, fits: Callable[[str], str]) -> str:
        """Whether the value's own entry fits, where it stands in this list; else whether some entry does."""
        if declared in operand.entries:
            return fits(operand.entries[declared])
        entry = self._variable("x")
        inner = fits(f"optional.of({entry})")
        return inner if inner == FALSE else f"{entries}.orValue([]).exists({entry}, {inner})"

    def _fits_value(self, node: Any, value: str, operand: CelOperand) -> str:
        return all_of(
            [*(self._own(each, node.declared, value) for each in node.own), self._fits_tree(node, value, operand)]
        )

    def _own(self, each: Condition, declared: str, value: str) -> str:
        """A condition on a field that may be missing: only `present: false` holds of it then."""
        if each.subject is not Subject.VALUE:
            return f"{value}.hasValue()" if each.subject is Subject.PRESENT else f"!{value}.hasValue()"
        field = self.declared_fields[declared].field
        return self._with_value(value, lambda known: _formula(each, CelValue(known, field, field)))

    def _of_list(self, each: Condition, declared: str, entries: str) -> str:
        field = self.declared_fields[declared].field
        return _formula(each, CelValue(entries, field, field))

    def _with_value(self, value: str, holds: Callable[[str], str]) -> str:
        """Whether an optional has a value of which this holds."""
        known = self._variable("v")
        inner = holds(known)
        return inner if inner == FALSE else f"{value}.optMap({known}, {inner}).orValue(false)"

    def _variable(self, kind: str) -> str:
        self._variables += 1
        return f"{kind}{self._variables}"


def _formula(each: Condition, value: CelValue) -> str:
    return CONDITIONS[each.name].cel(each, value, cel)


def _own(operand: CelOperand) -> str:
    return operand.value if operand.constant is _DYNAMIC else text(operand.constant)


def _sameness(each: Comparison, operand: CelOperand) -> Callable[[str], str]:
    """Whether another value is the same as the operand, in the form in which equal ones are equal."""
    own = _own(operand)
    if each.name == "outside":
        return lambda other: f"{own}.startsWith({other} + '/')"
    if each.same is nano:
        same = f"compareTo({any_quantity(own)}) == 0"
        return lambda other: all_of([is_quantity(own), is_quantity(other), f"{any_quantity(other)}.{same}"])
    if each.same is not kib:
        return lambda other: f"{other} == {own}"
    return lambda other: all_of(
        [is_amount(own), is_amount(other), f"{quantity(other)}.compareTo({quantity(own)}) == 0"]
    )
