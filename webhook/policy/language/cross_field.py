"""A rule's look at other fields of the same VM: `where` and `unless`, and the comparisons.

Entries of a list that the ruled field stands in are its own entry; of any other list, some entry has to fit. Pure:
a guard is a tree of field names that is compared with the VM's tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from webhook.declare import FieldPath, shown
from webhook.declare.field_path import Step
from webhook.policy.language.condition import Condition, Subject

Tree = Mapping[str, Any]
Memo = dict[tuple[int, ...], Any]
_MISSING: Any = object()
# The words of a rule that hold guards: conditions that must all hold together, or must not.
GUARDS = ("where", "unless")
COMPARISONS = ("equals", "not-equals", "outside")


@dataclass(frozen=True)
class FieldLocation:
    """Where a ruled value stands: the VM's spec, and the value's path below it (`domain.devices.disks[1].serial`)."""

    spec: Tree
    path: str
    # What is known of lists that the value does not stand in: the same for all values of one spec.
    memo: Memo = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def entries(self) -> dict[str, int]:
        """The lists that the value stands in, by their declared path, and the index of its entry in each."""
        return FieldPath.parse(self.path).indices


@dataclass(slots=True, eq=False)
class _Node:
    """One name of the tree: conditions on a list itself, on its entries or the value, and what stands below.

    `many` where the conditions are about entries of a list.
    """

    declared: str = ""
    many: bool = False
    list_conditions: list[Condition] = field(default_factory=list)
    own: list[Condition] = field(default_factory=list)
    below: dict[str, _Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """Conditions on other fields by their declared path; under `unless` they must not all hold together."""

    word: str
    conditions: Mapping[str, tuple[Condition, ...]]
    root: _Node = field(compare=False, repr=False)

    def holds(self, location: FieldLocation) -> bool:
        """Whether the rule is about a value at this location, as far as this guard decides."""
        return _fits_tree(self.root, location.spec, location) is (self.word == "where")


def guard(word: str, conditions: Mapping[str, tuple[Condition, ...]]) -> Guard:
    """A guard of conditions that have been checked against their fields."""
    root = _Node()
    for path, wanted in conditions.items():
        node = root
        for name, entry, declared in FieldPath.parse(path).steps:
            node = node.below.setdefault(name, _Node())
            node.declared, node.many = declared, bool(entry)
        for each in wanted:
            (node.list_conditions if each.subject is Subject.LIST else node.own).append(each)
    return Guard(word, conditions, root)


def _fits_tree(node: _Node, tree: Any, location: FieldLocation) -> bool:
    """Whether all conditions below a node hold of what stands below it in the tree."""
    for name, child in node.below.items():
        value = tree.get(name, _MISSING) if type(tree) is dict else _MISSING
        if not all(each.holds(value) for each in child.list_conditions):
            return False
        if (child.own or child.below) and not _fits_some(child, value, location):
            return False
    return True


def _fits_some(node: _Node, value: Any, location: FieldLocation) -> bool:
    """Whether something fits a node; of a list that the ruled value does not stand in, this is found out once."""
    if not node.many or node.declared in location.entries:
        return any(_fits_value(node, one, location) for one in _candidates(node, value, location))
    known = (id(node), id(value))
    if known not in location.memo:
        location.memo[known] = any(_fits_value(node, one, location) for one in _candidates(node, value, location))
    return bool(location.memo[known])


def _candidates(node: _Node, value: Any, location: FieldLocation) -> Sequence[Any]:
    """What a node's conditions may be about: the value; of a list the entry that the ruled value stands in, or any."""
    if not node.many:
        return (value,)
    if type(value) is not list:
        return ()
    own = location.entries.get(node.declared)
    return value if own is None else value[own : own + 1]


def _fits_value(node: _Node, value: Any, location: FieldLocation) -> bool:
    return all(_holds(each, value) for each in node.own) and _fits_tree(node, value, location)


def _holds(condition: Condition, value: Any) -> bool:
    """A condition on a field that may be missing: only `present: false` holds of it then."""
    if condition.subject is Subject.MISSING:
        return value is _MISSING
    return value is not _MISSING and condition.holds(value)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """`equals` or `not-equals` another field, by its declared path; of a list's entries, some one has to be equal.

    A field that is missing is equal to nothing. `same` gives values in the form in which equal ones are equal. With
    `outside` the namespace of a reference (`NAMESPACE/NAME`) is compared, and a name alone is in the other's.
    """

    name: str
    path: str
    same: Callable[[Any], object]
    # The path, compiled.
    steps: tuple[Step, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", FieldPath.parse(self.path).steps)

    def holds(self, value: Any, location: FieldLocation) -> bool:
        """Whether the rule is about this value, as far as the other field decides."""
        if self.name == "outside":
            namespace = namespace_of(value)
            return namespace is not None and self.same(namespace) not in self._others(location)
        known = self.same(value)
        equal = known is not None and known in self._others(location)
        return equal is (self.name == "equals")

    def _others(self, location: FieldLocation) -> frozenset[object]:
        """The values to compare with; where they do not depend on the value's own entry, they are looked up once."""
        if any(declared in location.entries for _, _, declared in self.steps):
            return frozenset(self.same(other) for other in values_at(self.steps, location))
        known = (id(self),)
        if known not in location.memo:
            location.memo[known] = frozenset(self.same(other) for other in values_at(self.steps, location))
        found: frozenset[object] = location.memo[known]
        return found

    def refusal(self, value: object) -> str:
        """The problem of a value that is refused for it."""
        if self.name == "outside":
            return f"is `{shown(value)}`, of another namespace than `{self.path}` says"
        return f"is `{shown(value)}`, which is {'' if self.name == 'equals' else 'not '}the value of `spec.{self.path}`"


def namespace_of(value: object) -> str | None:
    """The namespace that a reference names (`NAMESPACE/NAME`, as Multus reads it); None of a name alone."""
    namespace, slash, _ = value.partition("/") if isinstance(value, str) else ("", "", "")
    return namespace if slash else None


def values_at(steps: Iterable[Step], location: FieldLocation) -> Iterator[Any]:
    """All values at a declared path, those of the value's own entries where it stands in the same lists."""
    found: list[Any] = [location.spec]
    for name, entry, declared in steps:
        found = [tree[name] for tree in found if type(tree) is dict and name in tree]
        if entry:
            own = location.entries.get(declared)
            lists = [value for value in found if type(value) is list]
            found = [entry for each in lists for entry in (each if own is None else each[own : own + 1])]
    yield from found
