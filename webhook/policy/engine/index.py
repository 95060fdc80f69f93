"""All rules of all policies by the class and the path that they are about, made once when policies are loaded.

What is asked of it costs what it answers, not how many rules there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from webhook.declare import BACKEND_KINDS, DeclaredField, around
from webhook.policy.language.condition import Subject
from webhook.policy.language.model import Policy, Rule
from webhook.policy.language.selection import selects

BACKEND = "backend"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A rule, the index of its policy, and its place among all rules."""

    rule: Rule
    policy: int
    order: int


@dataclass(slots=True, eq=False)
class Index:
    """Rules about values by their path, and by their class where they name no path; about lists; about totals."""

    by_path: dict[str, list[Entry]] = field(default_factory=dict)
    by_class: dict[str, list[Entry]] = field(default_factory=dict)
    of_lists: list[Entry] = field(default_factory=list)
    by_total: dict[str, list[Entry]] = field(default_factory=dict)
    # The declared places at and below each path; all of them below the empty one.
    below: Mapping[str, list[DeclaredField]] = field(default_factory=dict)

    def about(self, declared: str, kind: str) -> list[Entry]:
        """Every rule about values of class `kind` at a declared place, in the order of the files."""
        found = [entry for entry in self._near(declared, kind) if selects(entry.rule, declared, kind)]
        return sorted(found, key=lambda entry: entry.order)

    def _near(self, declared: str, kind: str) -> Iterator[Entry]:
        yield from self.by_class.get(kind, ())
        if kind in BACKEND_KINDS:
            yield from self.by_class.get(BACKEND, ())
        for here in around(declared):
            yield from self.by_path.get(here, ())

    def values(self) -> Iterator[Entry]:
        """All rules about values of fields."""
        for entries in (*self.by_path.values(), *self.by_class.values()):
            yield from entries


def index(policies: Iterable[Policy], declared_fields: Mapping[str, DeclaredField], rest: Callable[[], None]) -> Index:
    """Sort the rules of all policies; `rest` is called with each, and with each declared path."""
    made, order = Index(below=_below(declared_fields, rest)), 0
    for number, policy in enumerate(policies):
        for rule in policy.rules:
            rest()
            _sort(made, Entry(rule, number, order))
            order += 1
    return made


def _below(declared_fields: Mapping[str, DeclaredField], rest: Callable[[], None]) -> dict[str, list[DeclaredField]]:
    found: dict[str, list[DeclaredField]] = {"": list(declared_fields.values())}
    for path, place in declared_fields.items():
        rest()
        for here in around(path):
            found.setdefault(here, []).append(place)
    return found


def of_lists(rule: Rule) -> bool:
    """Whether a rule is about how many there are, or about something missing, and not about a value."""
    return any(each.subject in (Subject.LIST, Subject.MISSING) for each in rule.conditions)


def _sort(made: Index, entry: Entry) -> None:
    selector = entry.rule.selector
    if selector.total:
        made.by_total.setdefault(selector.total, []).append(entry)
    elif of_lists(entry.rule):
        made.of_lists.append(entry)
    elif selector.path:
        made.by_path.setdefault(selector.path, []).append(entry)
    else:
        made.by_class.setdefault(selector.kind, []).append(entry)
