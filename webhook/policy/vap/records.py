"""The records of the walk: an element, its row, and what it is compared with, now and in the stored object.

The counterpart of devices.py and granted.py. A record that is `lost` is a stored element that an update does not
leave as it is: `new` is what is stored, and `old` what stands in its place now; one walk finds what came and what went.
CEL looks into optionals that calls return, and not into those that stand in a record: hence `dyn(r.old)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from webhook.declare import FieldPath
from webhook.policy.engine.devices import CHOSEN_ANEW, DEVICES, TOMBSTONES
from webhook.policy.vap.cel import FALSE, TRUE, text

# The name of a list's own record.
LIST = "l"
# A list that stands for an element which there is but one of.
SINGLE = "#"
_EMPTY = "[]"


@dataclass(frozen=True, slots=True)
class Outer:
    """A list that stands in no other, or a `single` device like a list of one: its path, and the row of its entries."""

    path: str
    row: str
    single: bool = False

    @property
    def twin(self) -> str:
        """The other list of the same devices: those that rest, or those that do not; empty where there is none."""
        first, second = ".".join(DEVICES) + ".", ".".join(TOMBSTONES) + "."
        if self.path.startswith(first):
            return second + self.path.removeprefix(first)
        return first + self.path.removeprefix(second) if self.path.startswith(second) else ""

    @property
    def rests(self) -> bool:
        return self.path.startswith(".".join(TOMBSTONES))


def record(at: str, row: str, new: str, old: str, **more: str) -> str:
    """A record of the walk; `more` are fields of those that stand in no other."""
    fields = {"at": f"dyn({at})", "is": f"dyn({row})", "new": f"dyn({new})", "old": f"dyn({old})", **more}
    return "{" + ", ".join(f"'{name}': {value}" for name, value in fields.items()) + "}"


def whole(row: str) -> str:
    """The records of the spec as a whole, as it is and as it was."""
    now = _outermost("variables.root", text(row), "variables.spec", "variables.old", lost=False)
    then = _outermost(
        "variables.root", text(row), "dyn(variables.old).orValue({})", "optional.of(variables.spec)", lost=True
    )
    return f"[\n  {now},\n  {then}\n]"


def outer_list(each: Outer) -> str:
    """The record of a list: entries now and then, and those of its twin; an element is a list of one."""
    at = f"variables.root + {text('.' + each.path)}"
    lists = {
        "new": _entries_at("variables.spec", each.path, each.single),
        "old": _entries_at("dyn(variables.old)", each.path, each.single),
        "new2": _entries_at("variables.spec", each.twin, each.single),
        "old2": _entries_at("dyn(variables.old)", each.twin, each.single),
    }
    fields = {"at": at, "is": text(each.row), **lists, "rests": TRUE if each.rests else FALSE}
    return "{" + ", ".join(f"'{name}': dyn({value})" for name, value in fields.items()) + "}"


def outer_entries(key: str) -> str:
    """The records of a list's entries: those that are there, each beside what it was, and those that are lost."""
    if not key:
        return _unkeyed()
    at, named = f"{LIST}.at + '[' + string(e[{text(key)}]) + ']'", f"e[{text(key)}]"
    names = {name: f"{LIST}.{name}.map(e, {named})" for name in ("new", "old", "new2", "old2")}
    if key == SINGLE:
        at, named = f"{LIST}.at", "0"
        names = {name: f"{LIST}.{name}.map(e, 0)" for name in names}
    bound = "{" + ", ".join(f"'{name}': dyn({value})" for name, value in names.items()) + "}"
    now = _outermost(at, f"{LIST}.is", "e", f"{_found('old', named)}.or({_found('old2', named)})", lost=False)
    then = _outermost(at, f"{LIST}.is", "e", _kept(named), lost=True)
    return f"[{bound}].map(n,\n  {LIST}.new.map(e,\n  {now}) +\n  {LIST}.old.map(e,\n  {then}))[0]"


def _unkeyed() -> str:
    at = f"{LIST}.at + '[*]'"
    same = f"{LIST}.old == {LIST}.new ? optional.of(e) : optional.none()"
    now = _outermost(at, f"{LIST}.is", "e", same, lost=False)
    then = _outermost(at, f"{LIST}.is", "e", "optional.none()", lost=True)
    return f"{LIST}.new.map(e, {now}) +\n  {LIST}.old.filter(e, !(e in {LIST}.new)).map(e, {then})"


def entries(at: str, row: str, new: str, old: str, key: str) -> str:
    """The entries of a list in an element: each beside the stored one of its key; without a key a list is one value."""
    if not key:
        same = f"{old} == {new} ? optional.of(e) : optional.none()"
        return f"{new}.map(e, {record(f'{at} + {_ANY}', row, 'e', same)})"
    named = f"e[{text(key)}]"
    inner = record(f"{at} + '[' + string({named}) + ']'", row, "e", f"{old}[?keys.indexOf({named})]")
    return f"[{old}.map(e, {named})].map(keys, {new}.map(e,\n  {inner}))[0]"


_ANY = "'[*]'"


def _outermost(at: str, row: str, new: str, old: str, *, lost: bool) -> str:
    """A record that stands in no other: it knows the spec that it is of, which rules look around in."""
    spec = "dyn(variables.old).orValue({})" if lost else "variables.spec"
    return record(at, row, new, old, spec=f"dyn({spec})", lost=f"dyn({TRUE if lost else FALSE})")


def _found(name: str, named: str) -> str:
    """The entry of a list with a key, as an optional."""
    return f"dyn({LIST}.{name})[?dyn(n.{name}).indexOf({named})]"


def _kept(named: str) -> str:
    """What a stored entry is beside now: itself, while it is as it was; nothing, where it is changed or gone.

    What has just come to rest is looked at field by field: it leaves behind what its owner may set.
    """
    there, other = _found("new", named), _found("new2", named)
    anew = "[" + ", ".join(map(text, CHOSEN_ANEW)) + "]"
    moved = (
        f"variables.moves && o.value().all(k, k in {anew} || o.value()[?k] == e[?k])"
        f" && e.all(k, k in {anew} || k in o.value())"
    )
    same = f"(o == optional.of(e) || ({moved})) ? optional.of(e) : optional.none()"
    resting = f"[{other}.or({there})].map(o, o.hasValue() ? ({same}) : o)[0]"
    standing = f"[{there}].map(o, o.hasValue() ? ({same}) : {other})[0]"
    return f"{LIST}.rests ? {resting} : {standing}"


def _entries_at(spec: str, path: str, single: bool) -> str:
    """The entries at a path of a spec."""
    if not path:
        return _EMPTY
    way = spec + "".join(f".?{name}" for name, _ in FieldPath.parse(path))
    return f"{way}.optMap(v, [v]).orValue([])" if single else f"{way}.orValue([])"
