"""`known: false`: the value is no name of the table that the field has, such as libvirt's CPU models."""

from __future__ import annotations

from typing import Any

from webhook.declare import Field, shown
from webhook.policy.language.cel_form import Cel, CelValue
from webhook.policy.language.condition import Condition, ConditionKind, InvalidCondition, Members, flag
from webhook.policy.language.field_content import READ_BY, holding, typed


def make(wanted: object, field: Field | None) -> Condition:
    table = field.scalar.known if field is not None and field.scalar is not None else None
    if table is None:
        way = READ_BY.get(holding(field), "use `in`, `not-in` or `matches`")
        raise InvalidCondition("asks for a table of names, and the field has none", way)
    within, names = flag(wanted), table()

    def holds(value: Any) -> bool:
        return type(value) is str and (value in names.names) is within

    def refusal(value: Any) -> str:
        other = names.others.get(value)
        elsewhere = f", which calls it `{other}`" if other else ""
        return f"`{shown(value)}` is {'a' if within else 'no'} {names.what} that {names.whose} knows{elsewhere}"

    values = frozenset((str, name) for name in names.names)
    return Condition("known", wanted, holds, refusal, members=Members(values, typed, within))


def formula(each: Condition, value: CelValue, cel: Cel) -> str:
    table = value.checked.scalar.known if value.checked is not None and value.checked.scalar is not None else None
    assert table is not None  # noqa: S101 - the condition is refused of other fields
    found = cel.known_name(value.words, table().what)
    return found if each.wanted else cel.negated(found)


KIND = ConditionKind(
    "known",
    "the value is a name of a table that the field has, or is not",
    {"type": "boolean"},
    make,
    formula,
    counted=False,
)
