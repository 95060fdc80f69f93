"""The walk over a VM beside the tables, as expressions: CEL has no functions, so each depth is written out.

An element in the walk is a record (records.py): `at` its path, `is` its row, `new` itself, `old` an optional of what is
stored in its place, or the other way round where it is `lost`. CEL cannot flatten lists: all that is refused at a depth
and below is a text, with gaps where nothing is.

The API server's checks of one expression take a time that grows with the square of its size. So what stands in no list
has an expression, and so have lists whose entries are equally high.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from textwrap import indent

from webhook.policy.vap.cel import TRUE, all_of, table
from webhook.policy.vap.records import LIST, SINGLE, Outer, entries, outer_entries, outer_list, record, whole
from webhook.policy.vap.tables import ALWAYS, CHANGED, PLAIN, SPEC, UNCHANGED, Group, Row, Tables

Content = Mapping[str, Mapping[str, object]]
# The name of the variable that every policy ends in.
REFUSED = "refused"
_GAP = "'; '"


class Walk:
    """The variables of one level: the tables, a text for each part, and `refused`, a text of all (empty: nothing)."""

    def __init__(self, made: Tables) -> None:
        self._rows = made.rows
        self._lists = made.lists
        used = dict.fromkeys(group for row in made.rows.values() for group in row.groups)
        self._numbers = {group: f"{number or ''}" for number, group in enumerate({PLAIN: None, **used})}
        # Where no rule looks around itself, what is unchanged needs no look.
        self._all_over = any(group.when == UNCHANGED for group in used)

    def variables(self) -> dict[str, str]:
        """The variables by name, in an order in which none is needed before it is there."""
        tables = {name: table(rows) for name, rows in self._tables().items() if rows}
        parts = self._parts()
        return {**tables, **self._records(), **parts, REFUSED: _together(f"variables.{name}" for name in parts)}

    def _tables(self) -> dict[str, Content]:
        found: dict[str, Content] = {}
        for group, number in self._numbers.items():
            found[f"fields{number}"] = _non_empty({name: row.fields.get(group, {}) for name, row in self._rows.items()})
            found[f"values{number}"] = _non_empty({name: row.values.get(group, {}) for name, row in self._rows.items()})
        found["elements"] = _non_empty({name: row.elements for name, row in self._rows.items()})
        for key in self._keys(self._rows.values()):
            found[_lists(key)] = _non_empty({name: self._keyed(row, key) for name, row in self._rows.items()})
        return found

    def _keys(self, rows: Iterable[Row]) -> list[str]:
        """The keys of all lists in these rows; empty for lists without one."""
        return sorted({self._rows[inner].key for row in rows for inner in row.entries.values()})

    def _keyed(self, row: Row, key: str) -> dict[str, str]:
        return {name: inner for name, inner in row.entries.items() if self._rows[inner].key == key}

    def _parts(self) -> dict[str, str]:
        """What stands in no list, and the outermost lists, those of one height and key together."""
        parts = {}
        if SPEC in self._rows:
            parts["single"] = f"{whole(SPEC)}.map(r0,\n{self._depth(0, [self._rows[SPEC]])}).join({_GAP})"
        for number, (_, lists) in enumerate(self._alike(), 1):
            below = f"{LIST}.map(r0,\n{self._depth(0, [self._rows[each.row] for each in lists])}).join({_GAP})"
            parts[f"in_lists_{number}"] = f"variables.entries_{number}.map({LIST},\n{indent(below, '  ')}).join({_GAP})"
        return parts

    def _records(self) -> dict[str, str]:
        """The records of the entries of lists that stand in no other, a list of them for each list."""
        made = {}
        for number, (key, lists) in enumerate(self._alike(), 1):
            listed = ",\n".join(indent(outer_list(each), "  ") for each in lists)
            found = indent(outer_entries(key), "  ")
            made[f"entries_{number}"] = f"[\n{listed}\n].map({LIST},\n{found})"
        return made

    def _alike(self) -> list[tuple[str, list[Outer]]]:
        """The outermost lists, those of one height and key together, and their key."""
        alike: dict[tuple[str, int], list[Outer]] = {}
        for each in self._lists:
            row = self._rows[each.row]
            alike.setdefault((SINGLE if each.single else row.key, self._height([row])), []).append(each)
        return [(key, lists) for (key, _), lists in alike.items()]

    def _height(self, rows: list[Row]) -> int:
        """How many elements stand in each other, at most."""
        below = self._below(rows)
        return 1 + self._height(below) if below else 0

    def _depth(self, depth: int, rows: list[Row]) -> str:
        """What is refused at an element of one of these rows and below it."""
        here = f"r{depth}"
        parts = list(self._own(rows, here))
        if found := list(self._children(rows, here)):
            children = indent(" +\n".join(found), "  ")
            inner = self._depth(depth + 1, self._below(rows))
            parts.append(f"(\n{children}\n).map(rs, rs.map(r{depth + 1},\n{inner}).join({_GAP}))")
        changed = f"{here}.new.filter(k, dyn({here}.old)[?k] != {here}.new[?k])"
        judged = indent(" +\n".join(parts), "  ")
        return indent(f"[{changed}].map({_changed(here)}, (\n{judged}\n).join({_GAP}))[0]", "  ")

    def _below(self, rows: list[Row]) -> list[Row]:
        names = {inner: None for row in rows for inner in (*row.elements.values(), *row.entries.values())}
        return [self._rows[name] for name in names]

    def _own(self, rows: list[Row], here: str) -> Iterator[str]:
        """The refused fields of the element itself, and the element itself."""
        for group, number in self._numbers.items():
            if any(set(row.fields.get(group, {})) - {""} for row in rows):
                yield _fields(f"variables.fields{number}", group, here)
            if any(row.values.get(group) for row in rows):
                yield _values(f"variables.values{number}", group, here)
            if any("" in row.fields.get(group, {}) for row in rows):
                yield _whole(f"variables.fields{number}", group, here)

    def _children(self, rows: list[Row], here: str) -> Iterator[str]:
        """The elements to look into, as lists of records."""
        keys = f"{here}.new" if self._all_over else _changed(here)
        if any(row.elements for row in rows):
            yield f"{keys}.filter(k, {_has('elements', here)}).map(k, [{_below(here)}])"
        for key in self._keys(rows):
            known = _lists(key)
            row = f"variables.{known}[{here}.is][k]"
            found = entries(f"{here}.at + '.' + k", row, f"{here}.new[k]", "before", key)
            stored = f"[dyn({here}.old)[?k].orValue([])].map(before,\n{indent(found, '  ')})[0]"
            yield f"{keys}.filter(k, {_has(known, here)}).map(k,\n{indent(stored, '  ')})"


def _fields(table: str, group: Group, here: str) -> str:
    refused = all_of([f"{table}[?{here}.is][?k].hasValue()", _unchanged(group, here), _seen(group), group.formula])
    return _labelled(f"{_keys(group, here)}.filter(k, {refused})", here, f"{table}[{here}.is][k]")


def _values(table: str, group: Group, here: str) -> str:
    value = f"{here}.new[k]"
    refused = all_of(
        [f"{table}[?{here}.is][?k][?{value}].hasValue()", _unchanged(group, here), _seen(group), group.formula]
    )
    return _labelled(f"{_keys(group, here)}.filter(k, {refused})", here, f"{table}[{here}.is][k][{value}]")


def _labelled(keys: str, here: str, label: str) -> str:
    return f"{keys}\n  .map(k, {here}.at + '.' + k + ' (' + {label} + ')')"


def _whole(table: str, group: Group, here: str) -> str:
    same = {ALWAYS: TRUE, UNCHANGED: f"{here}.old == optional.of({here}.new)"}
    changed = same.get(group.when, f"{here}.old != optional.of({here}.new)")
    refused = all_of([f"{table}[?{here}.is][?''].hasValue()", changed, _seen(group), group.formula])
    return f"({refused} ? [{here}.at + ' (' + {table}[{here}.is][''] + ')'] : [])"


def _keys(group: Group, here: str) -> str:
    return _changed(here) if group.when == CHANGED else f"{here}.new"


def _unchanged(group: Group, here: str) -> str:
    return f"!(k in {_changed(here)})" if group.when == UNCHANGED else TRUE


def _seen(group: Group) -> str:
    """Of what is lost only backend counts, by what was decided of it while it was there."""
    return TRUE if group.when == CHANGED and group.backend else "!r0.lost"


def _changed(here: str) -> str:
    """The name of the list of an element's keys whose values are new or changed."""
    return here.replace("r", "changed")


def _has(table: str, here: str) -> str:
    return f"variables.{table}[?{here}.is][?k].hasValue()"


def _below(here: str) -> str:
    at, row = f"{here}.at + '.' + k", f"variables.elements[{here}.is][k]"
    return record(at, row, f"{here}.new[k]", f"dyn({here}.old)[?k]")


def _together(parts: Iterable[str]) -> str:
    """The texts of all parts as one, without the gaps between."""
    return f"[{', '.join(parts)}].join({_GAP}).split({_GAP}).filter(s, s != '').join({_GAP})"


def _lists(key: str) -> str:
    return f"lists_by_{key}" if key else "lists"


def _non_empty(rows: Content) -> Content:
    return {name: row for name, row in rows.items() if row}
