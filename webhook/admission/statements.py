"""What a VM says that is made of a configuration: nothing but what the configuration says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from webhook.declare import Field, Shape
from webhook.declare.withheld import told
from webhook.findings import Finding
from webhook.kinds import spec_shape
from webhook.trees import Tree

_WAY = "leave it out; change {}, and the next VM is made of that"
_GONE = "restore it: the VM is the machine of {}"


def contradictions(spec: Tree, source: Tree, whose: str, path: str, *, whole: bool = False) -> Iterator[Finding]:
    """Where an inspected spec says something else than its source, whose name in words is `whose`.

    What it does not say is no contradiction, unless it has to be the `whole` machine. Devices are known by name.
    """
    return _Comparison(whose, whole).element(spec, source, spec_shape(), path)


class _Comparison:
    """A walk through two specs."""

    def __init__(self, whose: str, whole: bool) -> None:
        self.whose, self.whole = whose, whole

    def element(self, said: Tree, there: Tree, shape: Shape, path: str) -> Iterator[Finding]:
        for name, value in said.items():
            known = there.get(name)
            entry = shape.fields.get(name)
            # Equal values are the same: inspected trees have the declared types.
            if value == known or value is None or entry is None:
                continue
            yield from self._field(value, known, entry, f"{path}.{name}")
        if self.whole:
            for name in there.keys() - said.keys():
                yield self._gone(f"{path}.{name}")

    def _field(self, value: Any, known: Any, entry: Field, path: str) -> Iterator[Finding]:
        if entry.shape is None:
            if not entry.same(value, known):
                says = f"says {told(entry, known)}" if known is not None else "says nothing of it"
                yield self._other(path, f"is {told(entry, value)}, but {self.whose} {says}")
        elif known is None:
            if value:
                yield self._other(path, f"is nothing that {self.whose} says")
        elif not entry.many:
            yield from self.element(value, known, entry.shape, path)
        elif entry.shape.key:
            yield from self._named(value, known, entry.shape, path)
        elif len(value) == len(known):
            for index, (one, other) in enumerate(zip(value, known, strict=True)):
                yield from self.element(one, other, entry.shape, f"{path}[{index}]")
        else:
            yield self._other(path, f"has {len(value)} entries, but {self.whose} says {len(known)}")

    def _named(self, value: list[Tree], known: list[Tree], shape: Shape, path: str) -> Iterator[Finding]:
        """Entries that have a name, or another key; one without it is the one at its place."""
        by_key = {each.get(shape.key): each for each in known}
        for index, one in enumerate(value):
            key = one.get(shape.key)
            at_place = known[index] if index < len(known) else None
            other = by_key.get(key) if key is not None else at_place
            if other is None:
                yield self._other(f"{path}[{index}]", f"is nothing that {self.whose} says")
            else:
                yield from self.element(one, other, shape, f"{path}[{index}]")
        if self.whole:
            said = {one.get(shape.key) for one in value}
            for index, each in enumerate(known):
                if each.get(shape.key) not in said:
                    yield self._gone(f"{path}[{index}]")

    def _other(self, path: str, problem: str) -> Finding:
        return Finding(path, problem, _WAY.format(self.whose), "source")

    def _gone(self, path: str) -> Finding:
        return Finding(path, f"is gone, but {self.whose} says it", _GONE.format(self.whose), "source")
