"""The closed set of conditions that a rule can put on a value, each checked against the field's type at load.

`matches` is a regular expression in RE2's syntax, which runs in linear time, and always means the whole value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webhook.declare import Field, kib, problem_of, shown, told
from webhook.policy.language.patterns import InvalidPattern, Pattern, pattern

# What a field holds, as far as conditions care.
ELEMENT, ELEMENTS, LIST, MEMORY, NUMBER, TEXT, FLAG, ANY = (
    "an element", "a list of elements", "a list", "an amount of memory", "a number", "a text", "true or false", "",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """`holds` answers for a value; `wanted` is what the admin wrote, `refusal` words for a value that it holds for.

    That a value is there or is missing is for the engine to see: `present` holds whenever it is asked. What many
    conditions of a kind are merged by stands beside it (merged_rules.py): `values` in the form that `same` gives
    (None: not comparable), `limit` in the unit that `amount` gives, `pattern` compiled.
    """

    name: str
    wanted: object
    holds: Callable[[Any], bool]
    refusal: Callable[[Any], str] | None = None
    values: frozenset[object] = frozenset()
    same: Callable[[Any], object] | None = None
    limit: int = 0
    amount: Callable[[Any], int | None] | None = None
    pattern: Pattern | None = None


_SCALARS = frozenset((str, int, bool))


class InvalidCondition(Exception):
    """A condition that can mean nothing; the message says why, `help` the way out."""

    def __init__(self, problem: str, way: str = "") -> None:
        self.help = way
        super().__init__(problem)


def holding(field: Field | None) -> str:
    """What the field holds; ANY where a rule selects by class alone."""
    if field is None:
        return ANY
    if field.scalar is None:
        return ELEMENTS if field.many else ELEMENT
    if field.scalar.schema.get("x-kubernetes-int-or-string"):
        return MEMORY
    return {"array": LIST, "integer": NUMBER, "boolean": FLAG}.get(field.scalar.schema.get("type", ""), TEXT)


def condition(name: str, wanted: object, field: Field | None) -> Condition:
    """The condition `name: wanted` on this field (None: on any field of a class); raises Unfit."""
    return _MAKERS[name](wanted, field)


def _in(wanted: object, field: Field | None) -> Condition:
    values, same = _values(wanted, field), comparable(field)
    return Condition("in", wanted, lambda value: same(value) in values, values=values, same=same)


def _not_in(wanted: object, field: Field | None) -> Condition:
    values, same = _values(wanted, field), comparable(field)

    def holds(value: Any) -> bool:
        known = same(value)
        return known is not None and known not in values

    return Condition("not-in", wanted, holds, values=values, same=same)


def _values(wanted: object, field: Field | None) -> frozenset[object]:
    if type(wanted) is not list or not wanted:
        raise InvalidCondition("names no values", "write a list with at least one value")
    if holding(field) in (ELEMENT, ELEMENTS, LIST):
        raise InvalidCondition(
            f"compares values, and the field holds {holding(field)}", "name one of the fields below it"
        )
    made, same = set(), comparable(field)
    for value in wanted:
        problem = problem_of(field, value) if field and field.scalar else None
        if problem:
            raise InvalidCondition(
                f"can never hold: the field's value {problem}", "name values that the field can have"
            )
        known = same(value)
        if known is None:
            raise InvalidCondition(f"holds `{shown(value)}`, expected texts, whole numbers or booleans")
        if known in made:
            raise InvalidCondition(
                f"names {told(field, value) if field else f'`{shown(value)}`'} twice", "keep one of them"
            )
        made.add(known)
    return frozenset(made)


def comparable(field: Field | None) -> Callable[[Any], object]:
    """Values in the form in which equal ones are equal (true is not 1, 4Gi is 4096); None: not comparable."""
    return kib if holding(field) == MEMORY else _typed


def _typed(value: Any) -> object:
    return (type(value), value) if type(value) in _SCALARS else None


def _matches(wanted: object, field: Field | None) -> Condition:
    if holding(field) not in (TEXT, ANY):
        raise InvalidCondition(f"reads texts, and the field holds {holding(field)}", "use `in`, `above` or `below`")
    if type(wanted) is not str or not 0 < len(wanted) <= 512:
        raise InvalidCondition("is no regular expression of 1 to 512 characters")
    try:
        known = pattern(wanted)
    except InvalidPattern as invalid:
        raise InvalidCondition(shown(str(invalid)), invalid.help) from None

    def holds(value: Any) -> bool:
        return type(value) is str and known.matches(value)

    return Condition("matches", wanted, holds, pattern=known)


def _above(wanted: object, field: Field | None) -> Condition:
    limit, amount = _limit(wanted, field)

    def holds(value: Any) -> bool:
        found = amount(value)
        return found is not None and found > limit

    return Condition(
        "above",
        wanted,
        holds,
        lambda value: f"is {shown(value)}, at most {wanted} is allowed here",
        limit=limit,
        amount=amount,
    )


def _below(wanted: object, field: Field | None) -> Condition:
    limit, amount = _limit(wanted, field)

    def holds(value: Any) -> bool:
        found = amount(value)
        return found is not None and found < limit

    return Condition(
        "below",
        wanted,
        holds,
        lambda value: f"is {shown(value)}, at least {wanted} is allowed here",
        limit=limit,
        amount=amount,
    )


def of_total(name: str, wanted: object, unit: str) -> Condition:
    """The condition `above` or `below` on a sum over the VM, in KiB where `unit` is memory; raises Unfit."""
    amount = kib if unit == "memory" else _whole
    limit = amount(wanted)
    if limit is None:
        raise InvalidCondition(f"is `{shown(wanted)}`, expected {_EXAMPLES[MEMORY if unit == 'memory' else NUMBER]}")
    words = "at most" if name == "above" else "at least"

    def refusal(value: Any) -> str:
        told = _amount(value) if unit == "memory" else value
        return f"is {shown(told)} in all, {words} {wanted} is allowed here"

    def holds(value: Any) -> bool:
        return bool(value > limit if name == "above" else value < limit)

    return Condition(name, wanted, holds, refusal, limit=limit, amount=_whole)


def _amount(value: int) -> str:
    """An amount of KiB as a quantity, so that it stands beside a limit of `8Gi`."""
    return f"{value // 1024}Mi" if value % 1024 == 0 else f"{value}Ki"


_EXAMPLES = {MEMORY: "MiB as a whole number or a quantity like `4Gi`", NUMBER: "a whole number"}


def _limit(wanted: object, field: Field | None) -> tuple[int, Callable[[Any], int | None]]:
    held = holding(field)
    if held == ANY:
        raise InvalidCondition(
            "compares amounts, and a class has fields of every type", "name a `path` beside the class"
        )
    if held not in (NUMBER, MEMORY):
        raise InvalidCondition(f"compares amounts, and the field holds {held}", "use `in` or `matches`")
    amount = kib if held == MEMORY else _whole
    limit = amount(wanted)
    if limit is None:
        raise InvalidCondition(f"is `{shown(wanted)}`, expected {_EXAMPLES[held]}")
    return limit, amount


def _whole(value: object) -> int | None:
    return value if type(value) is int else None


def _present(wanted: object, field: Field | None) -> Condition:
    if field is None:
        raise InvalidCondition("asks for a field by name, and a class names none", "name a `path`")
    if type(wanted) is not bool:
        raise InvalidCondition(f"is `{shown(wanted)}`, expected true or false")
    if not wanted and field.many:
        raise InvalidCondition(
            "asks for an entry that is not there", "name a field of the entries, or the list's parent"
        )
    return Condition("present", wanted, lambda _: True, None if wanted else lambda _: "is missing")


def _known(wanted: object, field: Field | None) -> Condition:
    table = field.scalar.known if field is not None and field.scalar is not None else None
    if table is None:
        raise InvalidCondition("asks for a table of names, and the field has none", "use `in`, `not-in` or `matches`")
    if type(wanted) is not bool:
        raise InvalidCondition(f"is `{shown(wanted)}`, expected true or false")
    names = table()

    def holds(value: Any) -> bool:
        return type(value) is str and (value in names.names) is wanted

    def refusal(value: Any) -> str:
        other = names.others.get(value)
        told = f", which calls it `{other}`" if other else ""
        return f"`{shown(value)}` is {'a' if wanted else 'no'} {names.what} that {names.whose} knows{told}"

    values = frozenset((str, name) for name in names.names)
    return Condition("known", wanted, holds, refusal, values=values, same=_typed)


def _count_above(wanted: object, field: Field | None) -> Condition:
    if holding(field) not in (ELEMENTS, LIST):
        raise InvalidCondition(
            "counts entries, and the rule names no list", "name a list such as `domain.devices.disks[*]`"
        )
    limit = _whole(wanted)
    if limit is None or limit < 0:
        raise InvalidCondition(f"is `{shown(wanted)}`, expected a whole number from 0")
    return Condition(
        "count-above",
        wanted,
        lambda value: type(value) is list and len(value) > limit,
        lambda value: f"has {len(value)} entries, at most {limit} are allowed here",
    )


_MAKERS: dict[str, Callable[[object, Field | None], Condition]] = {
    "in": _in,
    "not-in": _not_in,
    "known": _known,
    "matches": _matches,
    "above": _above,
    "below": _below,
    "present": _present,
    "count-above": _count_above,
}
CONDITIONS = tuple(_MAKERS)
# What a permit may ask: it speaks of a value that is there.
OF_VALUES = ("in", "not-in", "known", "matches", "above", "below")
