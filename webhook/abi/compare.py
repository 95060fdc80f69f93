"""Compare two configurations: as the guest sees them, or in all that they say.

Stricter than libvirt's own check (virDomainDefCheckABIStability), which does not look at USB ports, root-port
chassis, block sizes, clock offset, boot order, sleep states or drive targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from webhook.declare import Field, FieldPath, Frontend, Shape, told
from webhook.declare.withheld import field_at
from webhook.domain import domain_shape
from webhook.domain.bus import is_none
from webhook.domain.implied import means
from webhook.machines.controllers import machine_of, without_derived
from webhook.machines.machine import Machine
from webhook.rule_sets import NEWEST
from webhook.trees import Tree

# An amount at boot that is unsaid is all there can be, by the field that says it (libvirt: src/conf/domain_conf.c).
_ALL = {"domain.memory.current": "size", "domain.vcpu.current": "count"}


class Change(NamedTuple):
    """One field that differs: its path, its place among declarations, and both values (None: absent).

    A path has the index that an entry has in the new configuration, or its key where it is gone. `seen`: whether the
    guest sees the field.
    """

    path: str
    declared: str
    old: Any
    new: Any
    seen: bool = True

    @property
    def device(self) -> str:
        """The list of the device that comes or goes; empty where a field has another value."""
        above, _, name = self.declared.rpartition(".")
        return name.removesuffix("[*]") if above == "domain.devices" else ""


def compare(old: Tree, new: Tree, rule_set: str = NEWEST) -> Iterator[Change]:
    """All frontend fields that differ in `new`; a device that is only in `new` is an addition, not a change.

    To say what silence means, or what `rule_set` derives, is no change.
    """
    return _compared(old, new, rule_set, everything=False)


def differences(old: Tree, new: Tree) -> Iterator[Change]:
    """All fields that differ, of every class, and the devices that are only in one of the two."""
    return _compared(old, new, NEWEST, everything=True)


def _compared(old: Tree, new: Tree, rule_set: str, *, everything: bool) -> Iterator[Change]:
    before, after = (tree.get("devices", {}).get("controllers") for tree in (old, new))
    if before and after and before != after:
        machine = machine_of(old, rule_set)
        old, new = (_with_controllers(old, before, machine), _with_controllers(new, after, machine))
    return _Comparison(everything).element(old, new, domain_shape(), "", "domain")


def _with_controllers(domain: Tree, controllers: list[Tree], machine: Machine | None) -> Tree:
    """The domain without what is derived of its controllers."""
    silent = [without_derived(entry, machine) for entry in controllers]
    return {**domain, "devices": {**domain["devices"], "controllers": silent}}


class _Comparison(NamedTuple):
    """A walk through two trees of one shape; without `everything` it is the guest's view."""

    everything: bool

    def element(self, old: Tree, new: Tree, shape: Shape, path: str, declared: str) -> Iterator[Change]:
        for name, entry in shape.fields.items():
            before, after = old.get(name), new.get(name)
            # Equal values are the same: inspected trees have the declared types.
            if before == after:
                continue
            here, there = f"{path}.{name}", f"{declared}.{name}"
            if entry.shape is None:
                seen = _frontend(entry, before, after)
                meant = _meant(there, old) if before is None else before, _meant(there, new) if after is None else after
                if (seen or self.everything) and not _equal(entry, *meant):
                    yield Change(here, there, before, after, seen)
            elif entry.many:
                yield from self._list(before or [], after or [], entry, here, f"{there}[*]")
            elif declared == "domain.devices" and not (_there(before) and _there(after)):
                yield from self._device(before, after, here, there)
            else:
                yield from self.element(before or {}, after or {}, entry.shape, here, there)

    def _device(self, before: Tree | None, after: Tree | None, path: str, declared: str) -> Iterator[Change]:
        """A device that is on one side alone; an entry that there is none is no device."""
        if _there(before):
            yield Change(path, declared, before, None)
        elif _there(after) and self.everything:
            yield Change(path, declared, None, after)

    def _list(self, old: list[Tree], new: list[Tree], entry: Field, path: str, declared: str) -> Iterator[Change]:
        shape = entry.shape
        assert shape is not None  # noqa: S101 - lists are of elements
        if not shape.key:
            for index in range(max(len(old), len(new))):
                before = old[index] if index < len(old) else {}
                after = new[index] if index < len(new) else {}
                yield from self.element(before, after, shape, f"{path}[{index}]", declared)
            return
        devices, seen = declared.startswith("domain.devices.") and declared.count(".") == 2, _is_frontend(entry)
        after_by_key: dict[Any, tuple[int, Tree]] = {each.get(shape.key): (at, each) for at, each in enumerate(new)}
        for number, before in enumerate(old):
            key = before.get(shape.key)
            index, same = after_by_key.pop(key, (-1, None))
            if same is not None and (not devices or (_there(before) and _there(same))):
                yield from self.element(before, same, shape, f"{path}[{index}]", declared)
            elif devices:
                yield from self._device(before, same, f"{path}[{key if same is None else index}]", declared)
            elif seen or self.everything:
                yield Change(
                    f"{path}[{number if shape.fields[shape.key].secret else key}]", declared, before, None, seen
                )
        for index, added in after_by_key.values():
            if devices:
                yield from self._device(None, added, f"{path}[{index}]", declared)
            elif seen or self.everything:
                yield Change(f"{path}[{index}]", declared, None, added, seen)


def _meant(declared: str, element: Tree) -> Any:
    """What it means that an element does not say a field."""
    return element.get(_ALL[declared]) if declared in _ALL else means(declared, element)


def _there(device: Tree | None) -> bool:
    return device is not None and not is_none(device)


def _is_frontend(entry: Field) -> bool:
    return isinstance(entry.field_class, Frontend)


def _frontend(entry: Field, before: Any, after: Any) -> bool:
    return isinstance(entry.class_of_value(before), Frontend) or isinstance(entry.class_of_value(after), Frontend)


def _equal(entry: Field, before: Any, after: Any) -> bool:
    assert entry.scalar is not None  # noqa: S101 - the caller's case
    return before is not None and after is not None and entry.scalar.same(before, after)


def left_to_the_host(stored: Tree, change: Change) -> bool:
    """Whether a change says what a VM leaves open until its first boot: its cells, where they match the host's NUMA."""
    is_open = (stored.get("goals") or {}).get("matchHostNuma") and not (stored.get("cpu") or {}).get("numa")
    return bool(is_open) and change.old is None and change.declared.startswith("domain.cpu.numa[*]")


def in_words(change: Change) -> str:
    """What was and what is, as far as it may be shown."""
    if change.new is None:
        return f"is gone, it was {value_in_words(change.old, change)}"
    if change.old is None:
        return f"is {value_in_words(change.new, change)}, it was unsaid"
    return f"is {value_in_words(change.new, change)}, it was {value_in_words(change.old, change)}"


def value_in_words(value: Any, change: Change) -> str:
    """A value of a changed field, or the device that it is, as far as it may be shown."""
    entry = field_at(domain_shape(), FieldPath.parse(change.declared.removeprefix("domain.")))
    if not isinstance(value, dict):
        return told(entry, value)
    name = entry.shape.fields.get("name") if entry and entry.shape else None
    return f"the device {told(name, value['name'])}" if value.get("name") and name and not name.secret else "an element"
