"""The table `fitting.yaml`: what a row says, and what an element that breaches it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import kib, shown
from webhook.declare.scalars import listed
from webhook.trees import Tree

_UNBOUNDED = 2**64
# Paths of an element's fields and the values that they may have; None stands for an absent field.
Names = tuple[str, ...]
Values = tuple[tuple[Names, tuple[Any, ...]], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row for one field; without a field it is about the element. fitting.yaml says what the parts mean."""

    path: Names
    values: tuple[Any, ...]
    guard: Values
    fits: Values
    among: tuple[Any, ...]
    bounds: tuple[int, int, int] | None
    needs: tuple[tuple[Names, ...], ...]
    never: str
    way: str
    # libvirt does nothing with the field, and says nothing.
    dropped: bool

    def applies(self, element: Tree, value: Any) -> bool:
        """Whether an element's value of the field is one that the row is about, beside what it asks for."""
        if self.path and (value is None or (self.values and value not in self.values)):
            return False
        return not self.guard or all(_at(element, path) in values for path, values in self.guard)

    def breaches(self, element: Tree) -> Iterator[tuple[str, str, str]]:
        """For each breach the field below the element, the problem and the way out."""
        value = _at(element, self.path) if self.path else None
        if self.applies(element, value):
            yield from self._breaches(element, value)

    def _breaches(self, element: Tree, value: Any) -> Iterator[tuple[str, str, str]]:
        if self.never:
            yield self.field, f"`{shown(value)}` {self.never}", self.way or "remove it"
        if self.among and value not in self.among:
            way = self.way or f"remove it, or name one of {_told(self.among)}"
            yield self.field, f"`{shown(value)}` is not possible{_beside(self.guard, element)}", way
        if self.bounds and not _within(value, self.bounds):
            way = self.way or f"remove it, or state {_bounded(self.bounds)}"
            yield self.field, f"`{shown(value)}` is not possible", way
        for path, values in self.fits:
            if _at(element, path) not in values:
                yield self.field, self._misfit(value, path, element), self.way or f"remove it{_where(path, values)}"
        for names in self.needs:
            if all(_at(element, name) is None for name in names):
                yield ".".join(names[0]), self._missing(), self.way or self._stated(names)

    @property
    def field(self) -> str:
        """The field's dotted path below the element."""
        return ".".join(self.path)

    def _misfit(self, value: Any, path: Names, element: Tree) -> str:
        other, name = _at(element, path), ".".join(path)
        beside = f"beside `{name}: {shown(other)}`" if other is not None else f"without `{name}`"
        return f"`{shown(value)}` has no meaning {beside}" if self.values else f"has no meaning {beside}"

    def _missing(self) -> str:
        return f"is missing, which `{self.field}` needs" if self.field else "is missing"

    def _stated(self, names: tuple[Names, ...]) -> str:
        ways = " or ".join(f"`{'.'.join(name)}`" for name in names)
        return f"state {ways}, or remove `{self.field}`" if self.field else f"state {ways}, or remove the whole entry"


def _told(values: tuple[Any, ...]) -> str:
    return listed(tuple(shown(value) for value in values if value is not None))


def _where(path: Names, values: tuple[Any, ...]) -> str:
    told, name = _told(values), ".".join(path)
    return f"; it goes with `{name}` {told}" if told else f"; it goes without `{name}`"


def _at(tree: Any, path: Names) -> Any:
    """What an element says at a path; None where it says nothing."""
    for name in path:
        tree = tree.get(name) if type(tree) is dict else None
    return tree


def _within(value: Any, bounds: tuple[int, int, int]) -> bool:
    amount = kib(value) if isinstance(value, str) else value
    least, most, multiple = bounds
    return type(amount) is not int or (least <= amount <= most and amount % multiple == 0)


def _bounded(bounds: tuple[int, int, int]) -> str:
    least, most, multiple = bounds
    if multiple > 1:
        return f"a multiple of `{multiple}Ki`"
    ends = [f"at least {least}"] if least > -_UNBOUNDED else []
    return " and ".join([*ends, f"at most {most}"] if most < _UNBOUNDED else ends)


def _beside(guard: Values, element: Tree) -> str:
    found = [(".".join(path), _at(element, path)) for path, _ in guard]
    stated = [f"`{name}: {shown(value)}`" for name, value in found if value is not None]
    return f" beside {' and '.join(stated)}" if stated else ""


def rows() -> Iterator[tuple[str, Row]]:
    """Every row, one a field, with the path of its element."""
    for data in yaml.load(Path(__file__).with_name("fitting.yaml").read_text(), yaml.CSafeLoader):
        for name in data.get("fields") or [""]:
            yield (
                data["at"],
                Row(
                    path=_path(name),
                    values=tuple(data.get("is", ())),
                    guard=_values(data.get("if", {})),
                    fits=_values(data.get("with", {})),
                    among=tuple(data.get("among", ())),
                    bounds=_bounds(data),
                    needs=tuple(tuple(map(_path, each.split("|"))) for each in data.get("needs", ())),
                    never=data.get("never", ""),
                    way=data.get("help", ""),
                    dropped=data.get("dropped", False),
                ),
            )


def _values(data: dict[str, list[Any]]) -> Values:
    return tuple((_path(path), tuple(values)) for path, values in data.items())


def _path(dotted: str) -> Names:
    return tuple(dotted.split(".")) if dotted else ()


def _bounds(data: Tree) -> tuple[int, int, int] | None:
    if not {"least", "most", "multiple"} & data.keys():
        return None
    return data.get("least", -_UNBOUNDED), data.get("most", _UNBOUNDED), data.get("multiple", 1)
