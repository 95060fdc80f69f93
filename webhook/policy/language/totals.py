"""Sums over one VM that rules may limit: devices, vCPUs, memory, and what devices take of the host (totals.yaml).

What they are made of is data, by declared paths; nothing here knows a device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import yaml

from webhook.declare import FieldPath, kib
from webhook.policy.language.limits import quantity

Tree = Mapping[str, Any]
MEMORY = "memory"
Term = Callable[[Tree], int]


@dataclass(frozen=True, slots=True, eq=False)
class Total:
    """One sum: its place in findings, `unit` "number" or "memory" (KiB), and the parts of which the largest counts.

    A part is the sum of its terms; `paths` are the declared fields that count.
    """

    name: str
    doc: str
    at: str
    unit: str
    parts: tuple[tuple[Term, ...], ...]
    paths: frozenset[str]

    @property
    def declared(self) -> str:
        """The path under which rules about it are looked up; no declared path has a blank."""
        return f"total {self.name}"

    def of(self, spec: Tree) -> int:
        """The total of a VM's spec; what is no amount counts as nothing, the inspection refuses it."""
        return max(sum([term(spec) for term in part]) for part in self.parts)

    def shown(self, size: int) -> str:
        """A total for people: memory as a quantity."""
        return quantity(size) if self.unit == MEMORY else str(size)


@cache
def totals() -> dict[str, Total]:
    """All totals by name."""
    read = yaml.safe_load((Path(__file__).parent / "totals.yaml").read_text())
    return {name: _total(name, entry) for name, entry in read.items()}


def _total(name: str, entry: Mapping[str, Any]) -> Total:
    unit, largest = entry["unit"], entry["largest"]
    parts = tuple(tuple(_TERMS[word](terms, unit) for word, terms in part.items()) for part in largest)
    paths = frozenset(path for part in largest for path in _paths(part))
    return Total(name, entry["doc"], entry["at"], unit, parts, paths)


def _paths(part: Mapping[str, Any]) -> Iterator[str]:
    for word in ("sum", "kib", "bytes", "product"):
        yield from part.get(word, ())
    yield from part.get("words", ())
    for path, below in part.get("each", {}).items():
        yield f"{path}.{below}" if below else path


def _sum(paths: Iterable[str], unit: str) -> Term:
    """What is stated at these paths; a bare number of memory is MiB."""
    return _adding(paths, _kib if unit == MEMORY else _whole)


def _product(paths: Iterable[str], unit: str) -> Term:  # noqa: ARG001 - one of _TERMS
    factors = [_sum([path], "number") for path in paths]
    return lambda spec: prod([factor(spec) or 1 for factor in factors])


def _each(entries: Mapping[str, str], unit: str) -> Term:  # noqa: ARG001 - one of _TERMS
    """What each entry of these lists states below itself, 1 where it states nothing."""
    known = [(FieldPath.parse(path), FieldPath.parse(below)) for path, below in entries.items()]
    return lambda spec: sum([_or_one(entry, below) for path, below in known for entry in path.values(spec)])


def _words(paths: Mapping[str, Mapping[str, int]], unit: str) -> Term:  # noqa: ARG001 - one of _TERMS
    """What each word at these paths stands for."""
    known = [(FieldPath.parse(path), amounts) for path, amounts in paths.items()]
    return lambda spec: sum(
        [amounts.get(value, 0) for path, amounts in known for value in path.values(spec) if type(value) is str]
    )


def _entries(entry: Mapping[str, Any], unit: str) -> Term:  # noqa: ARG001 - one of _TERMS
    path, left_out = FieldPath.parse(entry["below"]), frozenset(entry["except"])

    def count(spec: Tree) -> int:
        found = 0
        for tree in path.values(spec):
            for name, value in tree.items() if type(tree) is dict else ():
                if name not in left_out:
                    found += len(value) if type(value) is list else 1
        return found

    return count


_TERMS: dict[str, Callable[[Any, str], Term]] = {
    "sum": _sum,
    "kib": lambda paths, _: _adding(paths, _whole),
    "bytes": lambda paths, _: _adding(paths, lambda value: -(-_whole(value) // 1024)),
    "product": _product,
    "each": _each,
    "words": _words,
    "entries": _entries,
}


def _adding(paths: Iterable[str], amount: Callable[[Any], int]) -> Term:
    known = [FieldPath.parse(path) for path in paths]
    return lambda spec: sum([amount(value) for path in known for value in path.values(spec)])


def _or_one(entry: Any, below: FieldPath) -> int:
    return max([1, *map(_whole, below.values(entry))])


def _whole(value: Any) -> int:
    return value if type(value) is int else 0


def _kib(value: Any) -> int:
    return kib(value) or 0
