"""What rules ask of a value and of other fields of the same VM, as formulas.

The counterpart of conditions.py and cross_field.py: where those have a value, this has CEL's words for it. Fields that
may be missing are CEL's optionals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from webhook.declare import DeclaredField, Field, kib
from webhook.policy.language.conditions import MEMORY, Condition, holding
from webhook.policy.language.cross_field import Comparison, Guard
from webhook.policy.language.model import Rule
from webhook.policy.vap.cel import FALSE, TRUE, all_of, among, any_of, negated, text

_DYNAMIC: Any = object()
# Of a quantity, what declare/quantity.py takes; CEL's quantities know more forms.
_QUANTITY = text("^[0-9]{1,18}([.][0-9]{1,9})?(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?$")
# RE2's single byte, which Go's regular expressions do not have.
_SINGLE_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\C")


class Inexpressible(Exception):
    """A condition that the API server's expressions have no words for; the message says what is missing."""


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
class Asked:
    """Formulas for conditions, comparisons and guards; `places` tell the types of other fields."""

    declared_fields: Mapping[str, DeclaredField]
    _variables: int = 0

    def rule(self, rule: Rule, operand: CelOperand, typed: Field | None) -> str:
        """All that a rule asks; its conditions were checked against the field `typed` (None: by class alone)."""
        self._variables = 0  # the same questions have the same words
        return all_of(
            [
                *(self.condition(each, operand, typed) for each in rule.conditions),
                *(self.comparison(each, operand) for each in rule.comparisons),
                *(self.guard(each, operand) for each in rule.guards),
            ]
        )

    def condition(self, each: Condition, operand: CelOperand, typed: Field | None) -> str:
        """A condition on the value itself."""
        if each.name == "count-above":
            return f"size({operand.value}) > {each.wanted}"
        if operand.constant is not _DYNAMIC:
            return TRUE if each.holds(operand.constant) else FALSE
        return _ASK[each.name](each, operand.value, operand.field, typed)

    def comparison(self, each: Comparison, operand: CelOperand) -> str:
        """`equals` and `not-equals`."""
        equal = FALSE
        if operand.field.scalar is not None and operand.field.scalar.schema.get("type") != "array":
            equal = self._equal(each, each.path.split("."), "", operand.spec, operand)
        return equal if each.name == "equals" else negated(equal)

    def guard(self, guard: Guard, operand: CelOperand) -> str:
        """`where` and `unless`."""
        laid = self._laid(guard.root, operand.spec, operand)
        return laid if guard.word == "where" else negated(laid)

    def _equal(self, each: Comparison, parts: list[str], above: str, tree: str, operand: CelOperand) -> str:
        """Whether some value at the path below `tree` equals the spot's."""
        part, *rest = parts
        declared = f"{above}.{part}".removeprefix(".")
        name = part.removesuffix("[*]")
        here = f"{tree}[?{text(name)}]"

        def below(found: str) -> str:
            return (
                self._equal(each, rest, declared, found, operand)
                if rest
                else self._said(found, _sameness(each, operand))
            )

        return below(here) if name == part else self._some(declared, here, operand, below)

    def _laid(self, node: Any, tree: str, operand: CelOperand) -> str:
        """Whether what a guard says of the fields below an element (guards._Node) holds of `tree`."""
        parts = []
        for name, child in node.below.items():
            here = f"{tree}[?{text(name)}]"
            parts += [f"size({here}.orValue([])) > {each.wanted}" for each in child.whole]
            if not child.declared.endswith("[*]"):
                parts.append(self._fits(child, here, operand))
            elif child.own or child.below:
                parts.append(self._some(child.declared, here, operand, partial(self._fits, child, operand=operand)))
        return all_of(parts)

    def _some(self, declared: str, entries: str, operand: CelOperand, fits: Callable[[str], str]) -> str:
        """Whether the value's own entry fits, where it stands in this list; else whether some entry does."""
        if declared in operand.entries:
            return fits(operand.entries[declared])
        entry = self._variable("x")
        inner = fits(f"optional.of({entry})")
        return inner if inner == FALSE else f"{entries}.orValue([]).exists({entry}, {inner})"

    def _fits(self, node: Any, value: str, operand: CelOperand) -> str:
        return all_of([*(self._own(each, node.declared, value) for each in node.own), self._laid(node, value, operand)])

    def _own(self, each: Condition, declared: str, value: str) -> str:
        """A condition on a field that may be missing: only `present: false` holds of it then."""
        if each.name == "present":
            return f"{value}.hasValue()" if each.wanted else f"!{value}.hasValue()"
        field = self.declared_fields[declared].field
        return self._said(value, lambda known: _ASK[each.name](each, known, field, field))

    def _said(self, value: str, holds: Callable[[str], str]) -> str:
        """Whether an optional has a value of which this holds."""
        known = self._variable("v")
        inner = holds(known)
        return inner if inner == FALSE else f"{value}.optMap({known}, {inner}).orValue(false)"

    def _variable(self, kind: str) -> str:
        self._variables += 1
        return f"{kind}{self._variables}"


def _sameness(each: Comparison, operand: CelOperand) -> Callable[[str], str]:
    """Whether another value is the same as the spot's, in the form in which equal ones are equal."""
    constant = operand.constant is not _DYNAMIC
    own = text(operand.constant) if constant else operand.value
    if each.same is not kib:
        return lambda other: f"{other} == {own}"
    return lambda other: all_of(
        [_amounts(own), _amounts(other), f"{_quantity(other)}.compareTo({_quantity(own)}) == 0"]
    )


def _in(each: Condition, value: str, field: Field, typed: Field | None) -> str:
    if holding(typed) != MEMORY:
        return among(value, _possible(each, field))
    same = [f"{_quantity(value)}.compareTo({_kib(kib(wanted))}) == 0" for wanted in _wanted(each)]
    return all_of([_amounts(value), any_of(same)])


def _not_in(each: Condition, value: str, field: Field, typed: Field | None) -> str:
    if holding(typed) == MEMORY:
        return all_of([_amounts(value), negated(_in(each, value, field, typed))])
    return negated(among(value, _possible(each, field)))


def _known(each: Condition, value: str, field: Field, typed: Field | None) -> str:  # noqa: ARG001 - one of _ASK
    """Whether a name is in the table of the field that the condition was checked against."""
    table = typed.scalar.known if typed is not None and typed.scalar is not None else None
    assert table is not None  # noqa: S101 - the condition is refused of other fields
    found = f"{value} in variables.known[{text(table().what)}]"
    return found if each.wanted else negated(found)


def _matches(each: Condition, value: str, field: Field, typed: Field | None) -> str:  # noqa: ARG001 - one of _ASK
    if not _types(field) & {"string"}:
        return FALSE
    pattern = str(each.wanted)
    if _SINGLE_BYTE.search(pattern):
        raise Inexpressible(f"`{pattern}` matches single bytes, which the API server's regular expressions cannot")
    said = f"{value}.matches({text(f'^(?:{pattern})$')})"
    return said if _types(field) == {"string"} else f"type({value}) == string && {said}"


def _limit(each: Condition, value: str, field: Field, typed: Field | None) -> str:  # noqa: ARG001 - one of _ASK
    if each.amount is not kib:
        return f"{value} {'>' if each.name == 'above' else '<'} {each.limit}"
    compare = "isGreaterThan" if each.name == "above" else "isLessThan"
    return all_of([_amounts(value), f"{_quantity(value)}.{compare}({_kib(each.limit)})"])


_ASK: dict[str, Callable[[Condition, str, Field, Field | None], str]] = {
    "in": _in,
    "not-in": _not_in,
    "known": _known,
    "matches": _matches,
    "above": _limit,
    "below": _limit,
    "present": lambda *_: TRUE,
}


def _wanted(each: Condition) -> list[Any]:
    return list(each.wanted) if isinstance(each.wanted, list | tuple) else []


def _possible(each: Condition, field: Field) -> list[object]:
    """Of the values of a condition those of a type that the field has."""
    names = {str: "string", int: "integer", bool: "boolean"}
    return [value for value in _wanted(each) if names.get(type(value)) in _types(field)]


def _types(field: Field) -> set[str]:
    """The types of JSON values that a leaf's schema allows; of a list or an element none is compared with anything."""
    if field.scalar is None:
        return set()
    schema = field.scalar.schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"string", "integer"}
    return {schema["type"]} if "type" in schema else {"string", "integer", "boolean"}


def _amounts(value: str) -> str:
    """Whether a value is an amount of whole KiB; CEL takes no quantity with a fraction for a whole number."""
    rounded = f"quantity(string(int(quantity({value}).asApproximateFloat() / 1024.0)) + 'Ki')"
    whole = f"{rounded}.compareTo(quantity({value})) == 0"
    return f"type({value}) == int ? {value} >= 0 : ({value}.matches({_QUANTITY}) && {whole})"


def _quantity(value: str) -> str:
    """An amount of memory as a quantity; a bare number is MiB."""
    return f"(type({value}) == int ? quantity(string({value}) + 'Mi') : quantity({value}))"


def _kib(amount: int | None) -> str:
    return f"quantity('{amount}Ki')"
