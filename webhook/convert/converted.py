"""What comes of a conversion, and the table that says of every field what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import shown
from webhook.declare.field_path import declared_form
from webhook.findings import Finding
from webhook.trees import Tree

RULE = "convert"
_HELP = "remove it where the guest can do without, and convert again"


@dataclass(slots=True)
class Converted:
    """The objects that are made, the VM first; what the machine would lose, and what is told beside it.

    Where there are `findings` the objects are not the machine, and nobody should use them.
    """

    objects: list[Tree] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def lose(self, path: str, problem: str, way: str = _HELP) -> None:
        """Something that the guest has, and that cannot be carried."""
        self.findings.append(Finding(path, problem, way, RULE))

    def tell(self, path: str, problem: str) -> None:
        """Something that is otherwise, or that somebody else decides now."""
        self.notes.append(Finding(path, problem))


@dataclass(frozen=True, slots=True)
class Row:
    """What becomes of a field: carried `as_` another one, else `told` or `lost`, each with the reason.

    `each`: every field directly below is told by itself. `silent` are values that ask for nothing.
    """

    path: str
    as_: str = ""
    told: str = ""
    lost: str = ""
    help: str = ""
    each: bool = False
    silent: tuple[Any, ...] = ()


@cache
def rows(side: str) -> Mapping[str, Row]:
    """The rows of one side, `kubevirt` or `own`, by their path in declared form."""
    text = (Path(__file__).parent / "losses.yaml").read_text()
    found = yaml.load(text, Loader=yaml.CSafeLoader)[side]
    made = [
        Row(
            row["path"],
            row.get("as", ""),
            row.get("told", ""),
            row.get("lost", ""),
            row.get("help", ""),
            row.get("each", False),
            tuple(row.get("silent", ())),
        )
        for row in found
    ]
    return {row.path: row for row in made}


def row_of(side: str, path: str) -> Row | None:
    """The row of a place: of those that are about it or what it is a part of the longest."""
    known, place = rows(side), declared_form(path)
    while place:
        found = known.get(place)
        if found is not None:
            return found
        shorter = max(place.rfind("."), place.rfind("["))
        place = place[:shorter] if shorter > 0 else ""
    return None


def left_over(side: str, left: Iterable[tuple[str, Any]], made: Converted) -> None:
    """Say what nobody carried: once for all that one row is about in one place."""
    for path, row, value in _folded(side, left):
        if row is not None and any(value is each for each in row.silent):
            continue
        if row is not None and row.told:
            made.tell(path, f"is not carried over: {row.told}")
        elif row is not None and row.lost:
            made.lose(path, f"cannot be carried: {row.lost}", row.help or _HELP)
        else:
            problem = f"cannot be carried as `{shown(value)}`" if _is_word(value) else "cannot be carried"
            made.lose(path, problem, row.help if row is not None and row.help else _HELP)


def _folded(side: str, left: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Row | None, Any]]:
    """Each place that is told, shortened to what its row is about."""
    seen = set()
    for path, value in left:
        row = row_of(side, path)
        place = path
        if row is not None and not row.as_:
            below = place
            while declared_form(place) != row.path:
                below, place = place, place[: max(place.rfind("."), place.rfind("["))]
            if row.each:
                place = below
        if place not in seen:
            seen.add(place)
            yield place, row, value


def _is_word(value: Any) -> bool:
    return type(value) in (int, bool) or (type(value) is str and value.replace("-", "").isalnum() and len(value) < 32)
