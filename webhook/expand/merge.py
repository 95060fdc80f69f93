"""The tenant's domain, what features ask, and best practice, merged into one tree.

The tenant's word never changes. What a feature asks must agree with it, or is a conflict that names both places;
defaults fill only what is unsaid. Devices meet by name. The order of contributions has no influence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from webhook.declare import Field, Frontend, Scalar, Shape, told
from webhook.declare.tree import copied
from webhook.domain import domain_shape
from webhook.expand.listed import Listed
from webhook.findings import Finding, Findings

Tree = dict[str, Any]
# Devices without a name that a merge compares with what features ask for: beyond it, they have to be named.
_MOST_COMPARED = 4096
# The way out of a feature that contradicts a machine which is stored: the other place is frozen.
_FROZEN = "restore the feature; what the guest sees stays as it was made, and another machine is another VM"


class Contribution(Protocol):
    """What one entry of a feature adds: partial domain trees, and where they come from."""

    @property
    def origin(self) -> str: ...
    @property
    def asked(self) -> Tree: ...
    @property
    def default(self) -> Tree: ...


@dataclass(slots=True)
class _Merging:
    """The state of one merge: the tree that grows, and devices by name, list by list."""

    path: str
    stated: Tree
    contributions: Sequence[Contribution]
    frozen: bool
    held: bool = False
    findings: Findings = field(default_factory=Findings)
    lists: dict[int, Listed] = field(default_factory=dict)
    # How many devices without a name were looked at.
    compared: int = 0
    # Who asks for something of a device, or of an element of the domain.
    askers: dict[str, list[Contribution]] = field(default_factory=dict)
    created: set[int] = field(default_factory=set)


def merge(
    tree: Tree, contributions: Iterable[Contribution], path: str, *, stated: Tree | None = None, frozen: bool = False
) -> Findings:
    """Merge contributions into `tree`, in place; returns the conflicts.

    `stated` is what the tenant wrote, for the words of a conflict (the tree itself where absent). With `frozen`,
    defaults go only to devices that this merge adds: what was there already stays as it is.
    """
    ordered = sorted(contributions, key=lambda entry: _natural(entry.origin))
    state = _Merging(path, tree if stated is None else stated, ordered, frozen)
    shape = domain_shape()
    for contribution in ordered:
        if contribution.asked:
            _overlay(tree, contribution.asked, shape, "", contribution, state)
    state.held = True
    for contribution in ordered:
        if contribution.default:
            _overlay(tree, contribution.default, shape, "", contribution, state)
    return state.findings


@lru_cache(4096)
def _natural(origin: str) -> tuple[int | str, ...]:
    """An origin as people sort it: entry 10 after entry 2."""
    return tuple(int(part) if index % 2 else part for index, part in enumerate(re.split("([0-9]+)", origin)))


def _overlay(  # noqa: C901 - one branch a kind of field
    target: Tree, add: Tree, shape: Shape, path: str, source: Contribution, state: _Merging
) -> None:
    """Lay one contribution's part over the tree: asked values may conflict, held ones (defaults) yield."""
    fields = shape.fields
    fills = not state.held or not state.frozen or id(target) in state.created
    for name, value in add.items():
        entry = fields[name]
        there = target.get(name)
        if entry.shape is None:
            if there is None:
                if fills:
                    target[name] = value
            elif not state.held and not _scalar(entry).same(there, value):
                _differs(target, entry, value, f"{path}.{name}", source, state)
        elif entry.many:
            _lists(target, name, value, entry.shape, f"{path}.{name}", source, state)
        elif there is None:
            if fills or path == ".devices":
                target[name] = copied(value)
                state.created.add(id(target[name]))
        elif type(there) is dict:
            _overlay(there, value, entry.shape, f"{path}.{name}", source, state)
            if id(target) in state.created:
                state.created.add(id(there))


def _differs(target: Tree, entry: Field, value: Any, path: str, source: Contribution, state: _Merging) -> None:
    """A feature asks for another value than is there. Goals and references of a stored VM follow the feature."""
    if state.frozen and not isinstance(entry.field_class, Frontend):
        target[entry.name] = value
    else:
        _conflict(path, target[entry.name], value, source, state, entry)


def _lists(
    target: Tree, name: str, items: list[Tree], shape: Shape, path: str, source: Contribution, state: _Merging
) -> None:
    there = target.get(name)
    device = path.startswith(".devices.")
    fills = not state.held or not state.frozen or device
    if not shape.key:
        if there is None and fills:
            target[name] = copied(items)
        elif there is not None and not state.held and there != items:
            _conflict(path, there, items, source, state, None)
        return
    if there is None:
        if not fills:
            return
        there = target[name] = []
    for item in items:
        _entry(there, item, shape, path, source, state)


def _entry(there: list[Tree], item: Tree, shape: Shape, path: str, source: Contribution, state: _Merging) -> None:
    """One keyed entry: laid over the one that it means, or added."""
    listed = state.lists.get(id(there))
    if listed is None:
        listed = state.lists[id(there)] = Listed(there, shape)
    key = item[shape.key]
    found = listed.by_name.get(key)
    if found is None and path.startswith(".devices."):
        found = _meant(listed, item, shape, path, state)
        if found is not None:
            listed.name(found, key)
        elif state.held and there and _none(item):
            return
    if found is not None:
        by_place = {**item, shape.key: found[shape.key]} if found[shape.key] != key else item
        _overlay(found, by_place, shape, f"{path}[{found[shape.key]}]", source, state)
        listed.note(found)
    elif not (state.held and state.frozen and not path.startswith(".devices.")):
        added = copied(item)
        listed.add(added)
        _mark_created(added, state)


def _mark_created(tree: Tree, state: _Merging) -> None:
    state.created.add(id(tree))
    for value in tree.values():
        if type(value) is dict:
            _mark_created(value, state)


def _meant(listed: Listed, item: Tree, shape: Shape, path: str, state: _Merging) -> Tree | None:
    """The tenant's device that this one means: an unnamed one it does not contradict, or one alike in every way.

    A kind without distinguishing fields (a display, a sound card) is met by any device of its list.
    """
    if not listed.entries:
        return None
    named = next((placed for placed in listed.alike(item) if not _none(placed[1])), None)
    for (place, candidate), alike in listed.unnamed(item):
        if named is not None and named[0] < place:
            break
        state.compared += 1
        if state.compared > _MOST_COMPARED:
            state.findings.take([_indistinct(path, state)] if state.compared == _MOST_COMPARED + 1 else ())
            return None
        if alike and (state.held or _agrees(candidate, item, shape)):
            return candidate
    return named[1] if named is not None else None


def _indistinct(path: str, state: _Merging) -> Finding:
    problem = "has too many devices without a name to tell which of them `spec.features` means"
    return Finding(f"{state.path}{path}", problem, "give each device of the list its `name`", "conflict")


def _agrees(candidate: Tree, item: Tree, shape: Shape) -> bool:
    """Whether a device says nothing else than what is asked of it."""
    for name, value in item.items():
        there, entry = candidate.get(name), shape.fields[name]
        if there is None:
            continue
        if entry.shape is None:
            if not _scalar(entry).same(there, value):
                return False
        elif not entry.many and not _agrees(there, value, entry.shape):
            return False
    return True


def _none(item: Tree) -> bool:
    return item.get("type") == "none" or item.get("model") == "none"


def _scalar(entry: Field) -> Scalar:
    assert entry.scalar is not None  # noqa: S101 - the caller's case
    return entry.scalar


def _conflict(path: str, there: Any, value: Any, source: Contribution, state: _Merging, entry: Field | None) -> None:
    """A conflict in the tenant's words: which place says what."""
    if state.findings.full():
        return
    other = _who(path, there, source, state)
    state.findings.append(
        Finding(
            source.origin,
            f"asks for {told(entry, value)}, but {other} says {told(entry, there)}",
            _FROZEN if state.frozen else "remove one of the two, or let them agree",
            "frozen" if state.frozen else "conflict",
        )
    )


def _who(path: str, there: Any, source: Contribution, state: _Merging) -> str:
    """The other place of a conflict: a feature that asked the same field, or the domain."""
    if not state.askers:
        for each in state.contributions:
            for asked in _parts(each.asked):
                state.askers.setdefault(asked, []).append(each)
    for other in state.askers.get(_part(path), ()):
        if other is not source and _said(other.asked, path) == there and _said(state.stated, path) is None:
            return f"`{other.origin}`"
    return f"`{state.path}{path}`"


def _parts(tree: Tree) -> Iterator[str]:
    """The devices and other elements that a partial domain is about, as the beginning of a path."""
    for name, value in tree.items():
        if name != "devices":
            yield f".{name}"
            continue
        for kind, entries in value.items():
            for entry in entries if type(entries) is list else ():
                yield f".devices.{kind}[{entry.get('name')}]"
            if type(entries) is dict:
                yield f".devices.{kind}"


def _part(path: str) -> str:
    """The device or element of the domain that a path begins with."""
    parts = path.split(".")
    return ".".join(parts[:3]) if parts[1] == "devices" else f".{parts[1].partition('[')[0]}"


def _said(tree: Tree, path: str) -> Any:
    """The value at a path of this module's form (`.devices.disks[my-disk].serial`), or None."""
    value: Any = tree
    for part in path.removeprefix(".").split("."):
        name, _, key = part.partition("[")
        value = value.get(name) if isinstance(value, dict) else None
        if key and isinstance(value, list):
            wanted = key.removesuffix("]")
            value = next((item for item in value if wanted in (item.get("name"), item.get("timer"))), None)
    return value
