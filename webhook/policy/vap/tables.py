"""The declarations as tables: of each element, which of its fields are refused, and where to look further.

Equal elements are one row, wherever they are; what refuses nothing has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from webhook.declare import BACKEND_KINDS, Backend, Field
from webhook.policy.engine.devices import is_single
from webhook.policy.language.selection import class_name
from webhook.policy.vap.cel import FALSE, TRUE, all_of, among, negated
from webhook.policy.vap.formulas import CelOperand
from webhook.policy.vap.records import Outer
from webhook.policy.vap.verdicts import Refusal, Verdicts

SPEC = "Spec"
# When a group of fields is looked at: what is new or changed, what is as it is stored, and both.
CHANGED, UNCHANGED, ALWAYS = "changed", "unchanged", "always"
# Values of a field that may be off.
_OFF = "[dyn(false), dyn(''), dyn([]), dyn({})]"
# What conditions see of an element: nothing that any of them holds of.
_ELEMENT: object = {}
_SPEC_NOW, _SPEC_STORED = "optional.of(r0.spec)", "dyn(variables.old)"


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that are refused on one condition; `backend` where all of them are backend that stays, once granted."""

    when: str
    formula: str
    backend: bool = True


PLAIN = Group(CHANGED, TRUE)


@dataclass(slots=True)
class Row:
    """One element: labels of refused fields, and of refused values, by group; elements and lists to look into.

    The field without a name is the element itself. `key` is the field by which a list's entries are distinguished.
    """

    fields: dict[Group, dict[str, str]] = field(default_factory=dict)
    values: dict[Group, dict[str, dict[str, str]]] = field(default_factory=dict)
    elements: dict[str, str] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)
    key: str = ""

    def __bool__(self) -> bool:
        return bool(self.fields or self.values or self.elements or self.entries)

    @property
    def groups(self) -> tuple[Group, ...]:
        """All groups of the element's own fields."""
        return (*self.fields, *self.values)


@dataclass(frozen=True, slots=True)
class ElementOperand:
    """An element in the walk (walk.py), by its depth below the outermost list that it stands in, and these lists."""

    declared: str = ""
    depth: int = 0
    # The lists around it, with CEL's words for its own entry, now and in the stored object.
    entries: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, str] = field(default_factory=dict)
    # Whether every list around it has a key: what other entries were before is not known.
    keyed: bool = True
    # Whether it stands in an element that is a unit of its own, and begins a walk like an outermost list.
    single: bool = False

    def below(self, declared: str, entry: Field) -> ElementOperand:
        """An element in this one, or an entry of a list in it."""
        if is_single(declared):
            return ElementOperand(declared, single=True)
        depth = self.depth + 1 if self.entries or self.single or not entry.many else 0
        if not entry.many:
            return replace(self, declared=declared, depth=depth)
        keyed = self.keyed and entry.shape is not None and bool(entry.shape.key)
        return ElementOperand(
            declared,
            depth,
            {**self.entries, declared: f"optional.of(r{depth}.new)"},
            {**self.stored, declared: f"dyn(r{depth}.old)"} if keyed else {},
            keyed,
            self.single,
        )

    def operands(self, entry: Field, value: str) -> tuple[CelOperand, CelOperand]:
        """A value in the element, as it is and where it stands unchanged in the stored object."""
        return CelOperand(entry, value, _SPEC_NOW, self.entries), CelOperand(entry, value, _SPEC_STORED, self.stored)


@dataclass(slots=True)
class Tables:
    """All rows by their name, and the outermost lists."""

    verdicts: Verdicts
    rows: dict[str, Row] = field(default_factory=dict)
    lists: list[Outer] = field(default_factory=list)

    def add(self, name: str, row: Row, fields: Mapping[str, Field], element: ElementOperand) -> str:
        """The name of the row of an element with these fields; empty where nothing in it is refused."""
        for entry in fields.values():
            declared = entry.declared_in(element.declared)
            if entry.shape is None or isinstance(entry.field_class, Backend):
                self._value(row, entry, declared, element)
            else:
                self._element(row, entry, declared, element)
            self._count(row, entry, declared, element)
        return self._kept(name, row) if row else ""

    def _kept(self, name: str, row: Row) -> str:
        number, candidate = 1, name
        while candidate in self.rows and self.rows[candidate] != row:
            number += 1
            candidate = f"{name}{number}"
        self.rows[candidate] = row
        return candidate

    def _value(self, row: Row, entry: Field, declared: str, element: ElementOperand) -> None:
        """A leaf, or an element that is backend as a whole."""
        operand, stored = element.operands(entry, f"r{element.depth}.new[k]")
        if entry.scalar is not None and (entry.scalar.values or entry.unless):
            self._words(row, entry, declared, operand, stored)
            return
        if entry.scalar is None:
            operand, stored = operand.of(_ELEMENT), stored.of(_ELEMENT)
        asked = negated(f"{operand.value} in {_OFF}") if entry.may_be_off else TRUE
        _put(row, entry.name, self.verdicts.refusal(declared, class_name(entry.field_class), operand, stored), asked)

    def _words(self, row: Row, entry: Field, declared: str, operand: CelOperand, stored: CelOperand) -> None:
        """An enumeration, or words of a text with a class of their own; where all are refused alike, the field is."""
        assert entry.scalar is not None  # noqa: S101 - words are those of a leaf
        words, verdicts = entry.scalar.values or tuple(entry.unless), self.verdicts
        by_word = {
            word: verdicts.refusal(
                declared, verdicts.class_name(declared, entry, word), operand.of(word), stored.of(word)
            )
            for word in words
        }
        rest = (
            None if entry.scalar.values else verdicts.refusal(declared, class_name(entry.field_class), operand, stored)
        )
        if len({*by_word.values(), *([rest] if rest else [])}) == 1:
            _put(row, entry.name, by_word[words[0]])
            return
        for word, refusal in by_word.items():
            for group in _groups(refusal):
                row.values.setdefault(group, {}).setdefault(entry.name, {})[word] = refusal.label
        if rest is not None:
            _put(row, entry.name, rest, negated(among(operand.value, words)))

    def _element(self, row: Row, entry: Field, declared: str, element: ElementOperand) -> None:
        """An element whose fields have classes of their own; a rule may still name the element itself."""
        assert entry.shape is not None  # noqa: S101 - an element has a shape
        inner = element.below(declared, entry)
        operand, stored = (each.of(_ELEMENT) for each in (inner if entry.many else element).operands(entry, ""))
        refusal = self.verdicts.refusal(declared, class_name(entry.field_class), operand, stored, element=True)
        below = Row(key=entry.shape.key)
        _put(*((below, "") if entry.many else (row, entry.name)), refusal)
        name = self.add(entry.shape.name, below, entry.shape.fields, inner)
        if not name:
            return
        if is_single(declared) or (entry.many and not element.entries and not element.single):
            self.lists.append(Outer(declared.removesuffix("[*]"), name, is_single(declared)))
        else:
            (row.entries if entry.many else row.elements)[entry.name] = name

    def _count(self, row: Row, entry: Field, declared: str, element: ElementOperand) -> None:
        record = f"r{element.depth}"
        operand, stored = element.operands(entry, f"{record}.new[k]")
        refusal = self.verdicts.count(declared, operand, replace(stored, value=f"dyn({record}.old)[?k].orValue([])"))
        if refusal is not None and refusal.changed != FALSE:
            row.fields.setdefault(Group(ALWAYS, refusal.changed, False), {})[entry.name] = refusal.label


def _put(row: Row, name: str, refusal: Refusal, where: str = TRUE) -> None:
    for group in _groups(refusal):
        row.fields.setdefault(replace(group, formula=all_of([group.formula, where])), {})[name] = refusal.label


def _groups(refusal: Refusal) -> Iterator[Group]:
    for when, formula in ((CHANGED, refusal.changed), (UNCHANGED, refusal.unchanged)):
        if formula != FALSE:
            yield Group(when, formula, refusal.kept and refusal.label in BACKEND_KINDS)


def tables(verdicts: Verdicts) -> Tables:
    """The tables of a spec with the declared places of the verdicts; its own row is `Spec`."""
    made = Tables(verdicts)
    spec = {place.field.name: place.field for path, place in verdicts.declared_fields.items() if "." not in path}
    made.add(SPEC, Row(), spec, ElementOperand())
    return made
