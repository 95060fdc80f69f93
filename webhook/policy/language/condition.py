"""What a condition is: the kind that a word of the policy language names, and one condition that a rule has.

The kinds are in conditions/, a file each. Nothing outside of that folder asks for a condition by its word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from webhook.declare import Field, shown
from webhook.policy.language.cel_form import Cel, CelValue
from webhook.policy.language.patterns import Pattern


class Subject(Enum):
    """What a condition is about: a value, a list as a whole, that a field is present, or that it is missing."""

    VALUE = "value"
    LIST = "list"
    PRESENT = "present"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """The condition holds of `values`, or with `within` false of all others, in the form that `same` gives them."""

    values: frozenset[object]
    same: Callable[[Any], object]
    within: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """The condition holds of amounts above `limit`, or with `above` false below it, in the unit that `amount` gives."""

    limit: int
    amount: Callable[[Any], int | None]
    above: bool

    def exceeded(self, size: int) -> bool:
        """Whether an amount is beyond the limit."""
        return size > self.limit if self.above else size < self.limit


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """`holds` answers for a value; `wanted` is what the admin wrote, `refusal` words for a value that it holds for.

    The engine sees for itself whether a value is present: a condition on that holds whenever it is asked.
    At most one of `members`, `limit` and `pattern` says the same as `holds` in a form in which many conditions are
    merged (merged_rules.py). `only` are the values of which alone it can hold, where these are few (lint.py).
    """

    name: str
    wanted: object
    holds: Callable[[Any], bool]
    refusal: Callable[[Any], str] | None = None
    subject: Subject = Subject.VALUE
    members: Members | None = None
    limit: Limit | None = None
    pattern: Pattern | None = None
    only: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ConditionKind:
    """A word of the language with all that belongs to it, which is in one file of conditions/.

    `schema` is a JSON Schema of what is written behind the word, `doc` its description. `make` takes what is written
    and the field (None: any field of a class), and raises InvalidCondition. `cel` is the condition as a formula.
    `of_total` makes the condition on a sum over the VM, whose unit is its second argument (None: of no sum).
    """

    name: str
    doc: str
    schema: Mapping[str, Any]
    make: Callable[[object, Field | None], Condition]
    cel: Callable[[Condition, CelValue, Cel], str]
    of_total: Callable[[object, str], Condition] | None = None
    # A permit is about values that are present: whether it may have this condition.
    in_permit: bool = True
    # Whether it can be asked of another field, under `where` and `unless`.
    in_guard: bool = True
    # Whether each is counted among the conditions that are asked one by one (budget.py), or costs nothing when merged.
    counted: bool = True
    # Whether what is written is a regular expression, of which there may be so many different ones.
    expression: bool = False


class InvalidCondition(Exception):
    """A condition that can mean nothing; the message says why, `help` the way out."""

    def __init__(self, problem: str, way: str = "") -> None:
        self.help = way
        super().__init__(problem)


def flag(wanted: object) -> bool:
    """What is written as true or false; raises InvalidCondition."""
    if type(wanted) is not bool:
        raise InvalidCondition(f"is `{shown(wanted)}`, expected true or false")
    return wanted
