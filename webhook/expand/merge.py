"""The tenant's domain, what features ask, and best practice, merged into one tree.

A value of the tenant's never changes. What a feature asks must agree with it, or is a conflict that names both places;
defaults fill only fields without a value. Devices are matched by name. The order of contributions has no influence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from webhook.abi.adoption import DeviceKey
from webhook.declare import Field, Frontend, Reference, Scalar, Shape, told
from webhook.declare.tree import copied
from webhook.domain import domain_shape
from webhook.domain.bus import is_none
from webhook.expand.askers import askers_of, element_of
from webhook.expand.device_order import DeviceOrder
from webhook.expand.following import Frozen, value_at
from webhook.expand.listed import Listed
from webhook.findings import Finding, Findings
from webhook.trees import Tree

# Devices without a name that a merge compares with what features ask for: beyond it, they have to be named.
_MOST_COMPARED = 4096


class Contribution(Protocol):
    """What one entry of a feature adds: partial domain trees, and where they come from."""

    @property
    def origin(self) -> str: ...
    @property
    def asked(self) -> Tree: ...
    @property
    def default(self) -> Tree: ...


class MergeResult(NamedTuple):
    """The conflicts of a merge, and the order of the devices that features ask for."""

    findings: Findings
    order: DeviceOrder


@dataclass(slots=True, eq=False)
class _Merge:
    """The state of one merge: the tree that grows, and the entries of its lists by name."""

    path: str
    stated: Tree
    contributions: Sequence[Contribution]
    frozen: Frozen | None
    findings: Findings = field(default_factory=Findings)
    lists: dict[int, Listed] = field(default_factory=dict)
    # How many comparisons with devices without a name there were.
    compared: int = 0
    # The contributions that ask for something, by the device or the element of the domain.
    askers: dict[str, list[Contribution]] = field(default_factory=dict)
    created: set[int] = field(default_factory=set)
    order: dict[DeviceKey, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """One part of a contribution, what it asks or its default, while it is merged.

    With `only_created` it may write a field only into what this merge made: a default in a frozen machine.
    """

    source: Contribution
    is_default: bool
    only_created: bool
    merge: _Merge


def merge(
    tree: Tree,
    contributions: Iterable[Contribution],
    path: str,
    *,
    stated: Tree | None = None,
    frozen: Frozen | None = None,
) -> MergeResult:
    """Merge contributions into `tree`, in place.

    `stated` is what the tenant wrote, for the words of a conflict (the tree itself where absent). In a stored machine,
    `frozen`, a value follows the feature that now asks for another one; defaults go only to what this merge makes.
    """
    ordered = sorted(contributions, key=lambda entry: _natural(entry.origin))
    merging = _Merge(path, tree if stated is None else stated, ordered, frozen)
    shape = domain_shape()
    for contribution in ordered:
        if contribution.asked:
            _overlay(tree, contribution.asked, shape, "", _Layer(contribution, False, False, merging))
    for contribution in ordered:
        if contribution.default:
            _overlay(tree, contribution.default, shape, "", _Layer(contribution, True, frozen is not None, merging))
    return MergeResult(merging.findings, merging.order)


# A pure function of text; the bound is well above the number of origins in one VM.
@lru_cache(4096)
def _natural(origin: str) -> tuple[int | str, ...]:
    """A sort key that puts entry 10 after entry 2."""
    return tuple(int(part) if index % 2 else part for index, part in enumerate(re.split("([0-9]+)", origin)))


def _overlay(target: Tree, add: Tree, shape: Shape, path: str, layer: _Layer) -> None:  # noqa: C901 - one branch a kind of field
    """Merge one layer into the target: an asked value may conflict, a default yields."""
    fields, is_default = shape.fields, layer.is_default
    created = layer.merge.created if layer.only_created else None
    fills = created is None or id(target) in created
    for name, value in add.items():
        entry = fields[name]
        there = target.get(name)
        if entry.shape is None:
            if there is None:
                if fills:
                    target[name] = value
                    if layer.merge.frozen is not None and not is_default:
                        layer.merge.frozen.follow(f"{path}.{name}", layer.source.origin, None)
            elif not is_default and not _scalar(entry).same(there, value):
                _differs(target, entry, value, f"{path}.{name}", layer)
        elif entry.many:
            _merge_list(target, entry, value, f"{path}.{name}", layer)
        elif there is None and fills and not path and name == "devices":
            # List by list, as where there are some, so that the order of what is asked for is known.
            target[name] = {}
            _overlay(target[name], value, entry.shape, ".devices", layer)
        elif there is None:
            if fills or path == ".devices":
                target[name] = copied(value)
                if layer.merge.frozen:
                    layer.merge.created.add(id(target[name]))
        elif type(there) is dict:
            _overlay(there, value, entry.shape, f"{path}.{name}", layer)
            if layer.merge.frozen and id(target) in layer.merge.created:
                layer.merge.created.add(id(there))


def _differs(target: Tree, entry: Field, value: Any, path: str, layer: _Layer) -> None:
    """A feature asks for another value than is there; in a stored machine the value follows the feature's change."""
    frozen, there = layer.merge.frozen, target[entry.name]
    if frozen is None or path in frozen.followed:
        _conflict(path, there, value, entry, layer)
    elif isinstance(entry.field_class, Reference):
        # What a device refers to was decided before (webhook.expand.references).
        target[entry.name] = value
    elif not entry.same(there, frozen.stored_at(path)):
        layer.merge.findings.add(_both_ways, path, there, value, entry, layer)
    elif isinstance(entry.field_class, Frontend) and not frozen.changed(path, value, entry):
        _conflict(path, there, value, entry, layer)
    else:
        frozen.follow(path, layer.source.origin, there)
        target[entry.name] = value
        layer.merge.created.add(id(target))


def _merge_list(target: Tree, entry: Field, items: list[Tree], path: str, layer: _Layer) -> None:
    shape = entry.shape
    assert shape is not None  # noqa: S101 - lists are of elements
    there = target.get(entry.name)
    fills = not layer.only_created or path.startswith(".devices.")
    if not shape.key:
        if there is None and fills:
            target[entry.name] = copied(items)
        elif there is not None and not layer.is_default and there != items:
            _differs(target, entry, copied(items), path, layer)
        return
    if there is None:
        if not fills:
            return
        there = target[entry.name] = []
    for item in items:
        _merge_entry(there, item, shape, path, layer)


def _merge_entry(there: list[Tree], item: Tree, shape: Shape, path: str, layer: _Layer) -> None:
    """One entry of a list with a key: merged into the entry that it stands for, or added."""
    merging = layer.merge
    listed = merging.lists.get(id(there))
    if listed is None:
        listed = merging.lists[id(there)] = Listed(there, shape)
    key = item[shape.key]
    found = listed.by_name.get(key)
    is_device = path.startswith(".devices.")
    if found is None and is_device:
        found = _match(listed, item, path, layer)
        if found is not None:
            listed.name(found, key)
        elif layer.is_default and there and is_none(item):
            return
    if found is not None:
        by_name = {**item, shape.key: found[shape.key]} if found[shape.key] != key else item
        _overlay(found, by_name, shape, f"{path}[{found[shape.key]}]", layer)
        listed.note(found)
    elif is_device or not layer.only_created:
        found = copied(item)
        listed.add(found)
        if merging.frozen:
            _mark_created(found, merging.created)
    if found is not None and is_device and not layer.is_default:
        merging.order.setdefault((path.removeprefix(".devices."), found[shape.key]), len(merging.order))


def _mark_created(tree: Tree, created: set[int]) -> None:
    created.add(id(tree))
    for value in tree.values():
        if type(value) is dict:
            _mark_created(value, created)


def _match(listed: Listed, item: Tree, path: str, layer: _Layer) -> Tree | None:
    """The tenant's device that this one stands for: an unnamed one it does not contradict, or one alike in every way.

    A kind without distinguishing fields (a display, a sound card) is matched by any device of its list.
    """
    if not listed.entries:
        return None
    merging = layer.merge
    named = next((placed for placed in listed.alike(item) if not is_none(placed[1])), None)
    for (index, candidate), alike in listed.unnamed(item):
        if named is not None and named[0] < index:
            break
        merging.compared += 1
        if merging.compared > _MOST_COMPARED:
            merging.findings.take([_indistinct(path, merging)] if merging.compared == _MOST_COMPARED + 1 else ())
            return None
        if alike and (layer.is_default or _agrees(candidate, item, listed.shape)):
            return candidate
    return named[1] if named is not None else None


def _indistinct(path: str, merging: _Merge) -> Finding:
    problem = "has too many devices without a name to tell which of them `spec.features` means"
    return Finding(f"{merging.path}{path}", problem, "give each device of the list its `name`", "conflict")


def _agrees(candidate: Tree, item: Tree, shape: Shape) -> bool:
    """Whether a device has no field that contradicts what is asked of it."""
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


def _scalar(entry: Field) -> Scalar:
    assert entry.scalar is not None  # noqa: S101 - the caller's case
    return entry.scalar


def _conflict(path: str, there: Any, value: Any, entry: Field | None, layer: _Layer) -> None:
    """Report a conflict with both places and their values."""
    merging = layer.merge
    if merging.findings.full():
        return
    other = _other_place(path, there, layer)
    merging.findings.append(
        Finding(
            layer.source.origin,
            f"asks for {told(entry, value)}, but {other} says {told(entry, there)}",
            "remove one of the two, or let them agree",
            "frozen" if merging.frozen else "conflict",
        )
    )


def _both_ways(path: str, there: Any, value: Any, entry: Field, layer: _Layer) -> Finding:
    """The domain was changed beside a feature that asks for something else: one edit is the feature's."""
    origin = layer.source.origin
    problem = f"is {told(entry, there)}, but `{origin}` asks for {told(entry, value)}"
    way = f"say it in `{origin}` alone, without `{layer.merge.path}{path}`"
    return Finding(f"{layer.merge.path}{path}", problem, way, "conflict")


def _other_place(path: str, there: Any, layer: _Layer) -> str:
    """The other place of a conflict: a feature that asked the same field, or the domain."""
    merging = layer.merge
    if not merging.askers:
        merging.askers = askers_of(merging.contributions)
    for other in merging.askers.get(element_of(path), ()):
        if other is layer.source or value_at(merging.stated, path) is not None:
            continue
        if value_at(other.asked, path) == there:
            return f"`{other.origin}`"
    return f"`{merging.path}{path}`"
