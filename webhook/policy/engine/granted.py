"""What a VM was granted: backend that is stored, and that whoever updates the VM could not set.

It stays as it is, and so does the device that has it: a network filter that an admin set on a NIC would have no effect
if the tenant could leave it out, and a device of the host that was granted would be another one under another name.
The device may be removed as a whole; then it is kept among the tombstones with what it was granted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.declare import SECRET_KINDS, Backend, DeclaredField, Mark, shown
from webhook.findings import Finding
from webhook.policy.engine.devices import CHOSEN_ANEW, DEVICES, ELSEWHERE, Parts, device_at, device_of, namesake
from webhook.policy.engine.effective import Denial, EffectiveRules, Tree
from webhook.policy.engine.namesakes import Namesakes, contents
from webhook.policy.engine.unchanged import PART, key_of
from webhook.policy.language.cross_field import Memo
from webhook.policy.language.model import Rule

_VALUE = "restore it: who may not set it may not {} it"
_DEVICE = "restore the device, or remove it as a whole: who may not set this field may not change what has it"
_GONE = "restore the device, or leave it to the service: a device that is removed rests in `spec.abi.tombstones`"


@dataclass(frozen=True, slots=True)
class Lost:
    """A granted value that an update does not leave as it is, with the problem and the way out.

    Where it is missing: the element of the new spec that lacks it, the way down from there, and the value.
    """

    path: str
    problem: str
    way: str
    rule: Rule
    element: dict[str, Any] | None = None
    names: tuple[str, ...] = ()
    value: Any = None

    def restore(self) -> None:
        """Put back what is missing, in place; a list to which something else was added stays, to be refused."""
        element = self.element
        if element is None:
            return
        for name in self.names[:-1]:
            element = element.setdefault(name, {})
        there = element.get(self.names[-1])
        if there is None or contents(there).issubset(contents(self.value)):
            element[self.names[-1]] = self.value

    def finding(self) -> Finding:
        """The finding; it never shows the value of a credential."""
        return Finding(self.path, self.problem, self.way, self.rule.named)


def losses(
    one: EffectiveRules,
    marks: Iterable[Mark],
    spec: Tree,
    stored: Tree,
    path: str,
    declared_fields: Mapping[str, DeclaredField],
    frozen: bool,
) -> Iterator[tuple[Denial, Lost]]:
    """What of the stored spec's backend, by its marks below `path`, these rules would refuse and `spec` does not keep.

    Each with the denial of the stored value. Where the VM is not `frozen`, devices may move: their place and their turn
    at boot are no part of what they are.
    """
    memo: Memo = {}
    update = _Update(spec, stored, path, declared_fields, frozen)
    for mark in marks:
        if not isinstance(mark.field_class, Backend):
            continue
        denial = one.backend(mark, mark.field_class, stored, path, memo)
        if denial is None:
            continue
        each = update.lost(denial)
        if each is not None:
            yield denial, each


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a walk is in both specs: now, then, by its declared path and its path in the new object."""

    new: Any
    old: Any
    declared: str
    here: str


@dataclass(slots=True)
class _Update:
    """Both specs of one update."""

    spec: Tree
    stored: Tree
    path: str
    declared_fields: Mapping[str, DeclaredField]
    frozen: bool
    known: Namesakes = field(default_factory=Namesakes)

    def lost(self, denial: Denial) -> Lost | None:
        """What became of one granted value; None where it is as it was."""
        parts: Parts = PART.findall(denial.path[len(self.path) + 1 :])
        where = device_of(parts)
        if where is None:
            return self._kept(denial, parts, _Position(self.spec, self.stored, "", self.path), None)
        before = device_at(self.stored, where, parts[2])
        assert before is not None  # noqa: S101 - a mark is a place of its own spec
        kind, index = parts[2]
        now = namesake(self.spec, DEVICES, kind, before.device, self.known)
        if now is None:
            name = before.device.get("name", kind)
            return Lost(f"{self.path}.domain.devices.{kind}[{name}]", "is gone", _GONE, denial.rule)
        declared = f"{'.'.join(where)}.{kind}{'[*]' if index else ''}"
        at = _Position(now.device, before.device, declared, f"{self.path}.{now.path}")
        # A device that has just come to rest keeps no more than it has to: the frozen machine says what.
        return self._kept(denial, parts[3:], at, None if now.rests and not before.rests else at)

    def _kept(self, denial: Denial, parts: Parts, at: _Position, unit: _Position | None) -> Lost | None:
        """Down to the value, and whether the unit that it belongs to is as it was."""
        for depth, (name, index) in enumerate(parts):
            declared = f"{at.declared}.{name}".removeprefix(".")
            if type(at.new) is not dict:
                return None  # malformed, and refused for that
            if name not in at.new:
                return self._missing(denial, at, parts[depth:])
            new, old, here = at.new[name], at.old[name], f"{at.here}.{name}"
            if index:
                number = self._number(new, old[int(index)], f"{declared}[*]")
                if number is None:
                    return self._missing(denial, at, parts[depth:])
                if number < 0:
                    break
                new, old, declared, here = new[number], old[int(index)], f"{declared}[*]", f"{here}[{number}]"
            at = _Position(new, old, declared, here)
            if unit is None and (index or declared in ELSEWHERE):
                unit = at
        else:
            if not self.known.pair(at.new, at.old, _same):
                return self._changed(denial, at)
        return self._device_change(denial, at, unit) if unit is not None else None

    def _number(self, new: Any, entry: Any, declared: str) -> int | None:
        """Where an entry is in a new list, None where it is not; -1 where entries have no key and the same one is."""
        if type(new) is not list:
            return None
        key = key_of(self.declared_fields.get(declared))
        if key:
            return self.known.number(entry, new, key)
        return -1 if self.known.holds(new, entry) else None

    def _device_change(self, denial: Denial, at: _Position, unit: _Position) -> Lost | None:
        compared = _same if self.frozen else _same_elsewhere
        if self.known.pair(unit.new, unit.old, compared):
            return None
        differs = _differing(unit.new, unit.old, compared)
        return Lost(at.here, f"was granted to a device whose `{differs}` was another", _DEVICE, denial.rule)

    def _changed(self, denial: Denial, at: _Position) -> Lost:
        value_shown = self._shown(denial, at.old)
        problem = (
            f"was {value_shown} and is {self._shown(denial, at.new)}" if value_shown else "is not what was granted"
        )
        return Lost(at.here, problem, _VALUE.format("change"), denial.rule)

    def _missing(self, denial: Denial, at: _Position, parts: Parts) -> Lost:
        """From the first name that is missing down to the field, or to a list that lacks an entry."""
        names: list[str] = []
        value: Any = at.old
        for name, index in parts:
            names.append(name)
            value = value[name]
            if index:
                break
        value_shown = self._shown(denial, value)
        problem = f"was {value_shown} and is gone" if value_shown else "is gone"
        way = _VALUE.format("remove")
        return Lost(".".join([at.here, *names]), problem, way, denial.rule, at.new, tuple(names), value)

    def _shown(self, denial: Denial, value: Any) -> str:
        """A value as it may be shown; empty where it may be a secret, or is no leaf."""
        hidden = denial.kind in SECRET_KINDS or self.declared_fields[denial.declared].field.secret
        return f"`{shown(value)}`" if not hidden and isinstance(value, str | int) else ""


def _same(new: Any, old: Any) -> bool:
    return bool(new == old)


def _same_elsewhere(new: Any, old: Any) -> bool:
    """Whether two devices are the same but for their place and their turn at boot."""
    left = dict.fromkeys(CHOSEN_ANEW)
    return bool({**new, **left} == {**old, **left})


def _differing(new: Any, old: Any, compared: Any) -> str:
    """The first field in which two elements differ; its value may be a credential and is not shown."""
    names = sorted(name for name in {*new, *old} if new.get(name) != old.get(name))
    name = next(each for each in names if each not in CHOSEN_ANEW or compared is _same)
    inner, before = new.get(name), old.get(name)
    if type(inner) is dict and type(before) is dict:
        return f"{name}.{_differing(inner, before, _same)}"
    return shown(name)
