"""What a VM was granted: backend that is stored, and that whoever updates the VM could not set.

It stays as it is, and so does the device that has it: a network filter that an admin set on a NIC would have no effect
if the tenant could leave it out, and a device of the host that was granted would be another one under another name.
The device may be removed as a whole; then it is kept among the tombstones with what it was granted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from webhook.declare import SECRET_KINDS, Backend, FieldPath, shown
from webhook.declare.field_path import Pair, Part
from webhook.findings import Finding
from webhook.policy.engine.denial import Denial
from webhook.policy.engine.devices import CHOSEN_ANEW, DEVICES, ELSEWHERE, device_at, device_of, namesake
from webhook.policy.engine.effective import EffectiveRules
from webhook.policy.engine.namesakes import contents
from webhook.policy.engine.submission import Update
from webhook.policy.language.model import Rule
from webhook.trees import Tree

_VALUE = "restore it: who may not set it may not {} it"
_DEVICE = "restore the device, or remove it as a whole: who may not set this field may not change what has it"
_GONE = "restore the device, or leave it to the service: a device that is removed rests in `spec.abi.tombstones`"


@dataclass(frozen=True, slots=True, eq=False)
class Lost:
    """A granted value that an update does not leave as it is, with the problem and the way out.

    Where it is missing: the element of the new spec that lacks it, the way down from there, and the value.
    """

    path: str
    problem: str
    way: str
    rule: Rule
    element: Tree | None = None
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


def losses(one: EffectiveRules, update: Update) -> Iterator[tuple[Denial, Lost]]:
    """What of the stored spec's backend, by its marks, these rules would refuse and the new spec does not keep.

    Each with the denial of the stored value.
    """
    granted, path = _Granted(update), update.submitted.path
    for mark in update.submitted.stored_marks:
        if not isinstance(mark.field_class, Backend):
            continue
        denial = one.backend(mark, mark.field_class, update.stored, path, update.known.memo)
        if denial is None:
            continue
        each = granted.lost(denial)
        if each is not None:
            yield denial, each


@dataclass(frozen=True, slots=True, eq=False)
class _Granted:
    """The granted values of one update. Of each pair, the one is stored and the other is in the new spec."""

    update: Update

    def lost(self, denial: Denial) -> Lost | None:
        """What became of one granted value; None where it is as it was."""
        update, path = self.update, self.update.inside(denial.path)
        spec, stored = update.submitted.spec, update.stored
        where = device_of(path)
        if where is None:
            return self._kept(denial, path, 0, Pair(stored, spec, FieldPath()), None)
        before = device_at(stored, where, path[2])
        assert before is not None  # noqa: S101 - a mark is a place of its own spec
        kind, _ = path[2]
        now = namesake(spec, DEVICES, kind, before.device, update.known)
        if now is None:
            name = before.device.get("name", kind)
            return Lost(f"{update.submitted.path}.domain.devices.{kind}[{name}]", "is gone", _GONE, denial.rule)
        at = Pair(before.device, now.device, now.parts)
        # A device that has just come to rest keeps no more than it has to: the frozen machine says what.
        return self._kept(denial, path, 3, at, None if now.rests and not before.rests else at)

    def _kept(self, denial: Denial, path: FieldPath, depth: int, at: Pair, unit: Pair | None) -> Lost | None:
        """Down to the value from so deep in its path, and whether the unit that it belongs to is as it was."""
        for number, (name, entry) in enumerate(path[depth:], depth):
            above = at
            if type(above.other) is not dict:
                return None  # malformed, and refused for that
            if name not in above.other:
                return self._missing(denial, above, path[number:])
            at = above.field(name)
            if entry:
                there = self._number(at, int(entry), path.declared(number + 1))
                if there is None:
                    return self._missing(denial, above, path[number:])
                if there < 0:
                    at = above
                    break
                at = at.entry(int(entry), there)
            if unit is None and (entry or path.declared(number + 1) in ELSEWHERE):
                unit = at
        else:
            if not self.update.known.pair(at.other, at.one, _same):
                return self._changed(denial, at)
        return self._device_change(denial, at, unit) if unit is not None else None

    def _number(self, lists: Pair, index: int, declared: str) -> int | None:
        """Where an entry is in a new list, None where it is not; -1 where entries have no key and the same one is."""
        if type(lists.other) is not list:
            return None
        key, known = self.update.key(declared), self.update.known
        if key:
            return known.number(lists.one[index], lists.other, key)
        return -1 if known.holds(lists.other, lists.one[index]) else None

    def _device_change(self, denial: Denial, at: Pair, unit: Pair) -> Lost | None:
        compared = _same if self.update.submitted.frozen else _same_elsewhere
        if self.update.known.pair(unit.other, unit.one, compared):
            return None
        differs = _differing(unit.other, unit.one, compared)
        problem = f"was granted to a device whose `{differs}` was another"
        return Lost(self._place(at.path), problem, _DEVICE, denial.rule)

    def _changed(self, denial: Denial, at: Pair) -> Lost:
        value_shown = self._shown(denial, at.one)
        problem = (
            f"was {value_shown} and is {self._shown(denial, at.other)}" if value_shown else "is not what was granted"
        )
        return Lost(self._place(at.path), problem, _VALUE.format("change"), denial.rule)

    def _missing(self, denial: Denial, at: Pair, parts: Sequence[Part]) -> Lost:
        """From the first name that is missing down to the field, or to a list that lacks an entry."""
        names: list[str] = []
        value: Any = at.one
        for name, entry in parts:
            names.append(name)
            value = value[name]
            if entry:
                break
        value_shown = self._shown(denial, value)
        problem = f"was {value_shown} and is gone" if value_shown else "is gone"
        way, place = _VALUE.format("remove"), self._place(at.path.below(*[(name, "") for name in names]))
        return Lost(place, problem, way, denial.rule, at.other, tuple(names), value)

    def _place(self, path: FieldPath) -> str:
        return f"{self.update.submitted.path}.{path}"

    def _shown(self, denial: Denial, value: Any) -> str:
        """A value as it may be shown; empty where it may be a secret, or is no leaf."""
        hidden = denial.kind in SECRET_KINDS or self.update.declared_fields[denial.declared].field.secret
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
