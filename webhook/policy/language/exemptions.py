"""The condition that the values of an exception add to its rule."""

from __future__ import annotations

from collections.abc import Mapping

from webhook.declare import DeclaredField
from webhook.policy.language.conditions import Condition, condition
from webhook.policy.language.model import Exemption, Rule


def of_values(exemption: Exemption, rule: Rule, declared_fields: Mapping[str, DeclaredField]) -> tuple[Condition, ...]:
    """The condition that a value is one of the exception's, none where it names none; raises InvalidCondition."""
    if not exemption.values:
        return ()
    place = declared_fields.get(exemption.selector.path or rule.selector.path)
    return (condition("in", list(exemption.values), place.field if place else None),)
