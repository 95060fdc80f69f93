"""Which fields a rule selects, by class and path. Knows classes and paths, not devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from webhook.declare import BACKEND_KINDS, Backend, DeclaredField, FieldClass, Frontend, Goal, around
from webhook.policy.language.model import Rule

_BACKEND = frozenset(BACKEND_KINDS)


def class_name(field_class: FieldClass) -> str:
    """The name of a field class as rules write it; a backend's is its kind."""
    if isinstance(field_class, Backend):
        return field_class.kind
    return "frontend" if isinstance(field_class, Frontend) else "goal" if isinstance(field_class, Goal) else "reference"


def possible(place: DeclaredField) -> set[str]:
    """Every class that a value of this place can have, and `backend` where one is of its kinds.

    An element that is no backend has no class of its own: its fields have. What stands in a backend element is
    decided with the element.
    """
    if isinstance(place.field_class, Backend) and not isinstance(place.field.field_class, Backend):
        return {place.field_class.kind, "backend"}
    if place.field.shape is not None and not isinstance(place.field_class, Backend):
        return set()
    classes = {class_name(field_class) for field_class in (place.field.field_class, *place.field.unless.values())}
    return classes | ({"backend"} if classes & _BACKEND else set())


def classes_below(
    declared_fields: Mapping[str, DeclaredField], rest: Callable[[], None] = lambda: None
) -> dict[str, set[str]]:
    """By path, every class that a value there or below can have; `rest` is called with each declared path."""
    found: dict[str, set[str]] = {}
    for path, place in declared_fields.items():
        rest()
        classes = possible(place)
        for here in around(path):
            found.setdefault(here, set()).update(classes)
    return found


def decided_with(path: str, declared_fields: Mapping[str, DeclaredField]) -> str:
    """The element around a declared path that is backend as a whole, if there is one: it is decided, not its fields."""
    for parent in reversed([*around(path)][1:]):
        if parent in declared_fields and isinstance(declared_fields[parent].field_class, Backend):
            return parent
    return ""


def selects(rule: Rule, declared: str, kind: str) -> bool:
    """Whether the rule is about values of class `kind` at `declared`.

    A path names one field; with a class, and in a permit, it also stands for the fields below.
    """
    wanted, path = rule.selector.kind, rule.selector.path
    if rule.selector.total:
        return declared == f"total {rule.selector.total}"
    if wanted not in ("", kind) and not (wanted == "backend" and kind in _BACKEND):
        return False
    if path in ("", declared):
        return True
    return (rule.effect == "permit" or bool(wanted)) and declared.startswith(f"{path}.")
