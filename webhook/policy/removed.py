"""Backend fields that an update takes away from devices that stay: whoever may not set one may not remove it either.

A filter that an admin hung before a NIC would hold nobody if its tenant could leave it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.declare import Backend, Mark, Place, shown
from webhook.findings import Finding
from webhook.policy.guards import Memo
from webhook.policy.model import Rule
from webhook.policy.namesakes import Namesakes, contents
from webhook.policy.stored import PART, key_of
from webhook.policy.view import Tree, View

_WAY = "restore it: who may not set it may not remove it"


@dataclass(frozen=True, slots=True)
class Removed:
    """A field that is gone: the element of the new spec that lacks it, the way down from there, what it was."""

    element: dict[str, Any]
    names: tuple[str, ...]
    value: Any
    path: str
    rule: Rule
    secret: bool

    def restore(self) -> None:
        """Put it back, in place; a list to which something else was added stays as it is, to be refused."""
        element = self.element
        for name in self.names[:-1]:
            element = element.setdefault(name, {})
        there = element.get(self.names[-1])
        if there is None or contents(there).issubset(contents(self.value)):
            element[self.names[-1]] = self.value

    def finding(self) -> Finding:
        """What is said of it; never what may be a secret."""
        tellable = not self.secret and isinstance(self.value, str | int)
        told = f"was `{shown(self.value)}` and is gone" if tellable else "is gone"
        return Finding(self.path, told, _WAY, self.rule.named)


def removed(
    one: View, marks: Iterable[Mark], spec: Tree, stored: Tree, path: str, places: Mapping[str, Place]
) -> list[Removed]:
    """What of the stored spec's backend, by its marks below `path`, a new spec lacks and this view would refuse."""
    found: dict[str, Removed] = {}
    memo: Memo = {}
    known = Namesakes()
    for mark in marks:
        if not isinstance(mark.half, Backend):
            continue
        denial = one.backend(mark, mark.half, stored, path, memo)
        if denial is None:
            continue
        gone = _gone(mark, denial.rule, spec, stored, path, places, known)
        if gone is not None:
            found.setdefault(gone.path, gone)
    return list(found.values())


def _gone(
    mark: Mark,
    rule: Rule,
    spec: Tree,
    stored: Tree,
    path: str,
    places: Mapping[str, Place],
    known: Namesakes,
) -> Removed | None:
    """Where the new spec lacks the field; None where it does not, or its device is gone as a whole."""
    assert isinstance(mark.half, Backend)  # noqa: S101 - others are not asked about
    new: Any = spec
    old: Any = stored
    declared, here = "", path
    parts = PART.findall(mark.path[len(path) + 1 :])
    for depth, (name, index) in enumerate(parts):
        declared, here = f"{declared}.{name}".removeprefix("."), f"{here}.{name}"
        if type(new) is not dict:
            return None
        key = key_of(places.get(f"{declared}[*]"))
        if name not in new:
            return None if index and key else _missing(new, old, parts[depth:], here, mark, rule)
        if index and not key and type(new[name]) is list:
            kept = known.holds(new[name], old[name][int(index)])
            return None if kept else _missing(new, old, parts[depth:], here, mark, rule)
        new, old = new[name], old[name]
        if index:
            declared += "[*]"
            number = known.number(old[int(index)], new, key) if type(new) is list else None
            if number is None:
                return None
            new, old, here = new[number], old[int(index)], f"{here}[{number}]"
    return None


def _missing(
    new: dict[str, Any], old: Tree, parts: list[tuple[str, str]], here: str, mark: Mark, rule: Rule
) -> Removed:
    """From the first name that is missing down to the field, or to a list whose entries cannot be told apart."""
    names: list[str] = []
    value: Any = old
    for name, index in parts:
        names.append(name)
        value = value[name]
        if index:
            break
    return Removed(new, tuple(names), value, ".".join([here, *names[1:]]), rule, mark.field.secret)
