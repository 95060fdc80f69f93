"""Specs that say one thing, and specs that say many: made of the declarations, so that a new one needs no case."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.libvirt.test_every_place import examples
from webhook.declare import Backend, DeclaredField, Field, Shape
from webhook.kinds import declared_fields
from webhook.trees import Tree


def backends() -> Iterator[tuple[str, str, Tree]]:
    """Every backend field and every backend word of a spec: its declared path, its class, the smallest spec with it."""
    known = declared_fields()
    for path, place in known.items():
        if _covered(path, known):
            continue
        for value, kind in _values(place):
            yield path, kind, smallest(path, value)


def _covered(path: str, known: dict[str, DeclaredField]) -> bool:
    """Whether an element around the place is backend as a whole."""
    parts = path.split(".")
    above = (".".join(parts[:length]) for length in range(1, len(parts)))
    return any(isinstance(known[each].field.field_class, Backend) for each in above)


def _values(place: DeclaredField) -> Iterator[tuple[Any, str]]:
    entry = place.field
    if entry.shape is not None:
        if isinstance(entry.field_class, Backend):
            yield _whole(entry), entry.field_class.kind
    elif entry.scalar is not None and any(
        isinstance(field_class, Backend) for field_class in (entry.field_class, *entry.unless.values())
    ):
        for word in dict.fromkeys([*entry.scalar.values, *entry.unless]) or [_example(entry)]:
            field_class = entry.class_of_value(word)
            if isinstance(field_class, Backend):
                yield word, field_class.kind


def _whole(entry: Field) -> Any:
    assert entry.shape is not None
    first = next(iter(entry.shape.fields.values()))
    made = {first.name: _whole(first) if first.shape else _example(first)}
    return [_keyed(entry.shape, made)] if entry.many else made


def _example(entry: Field) -> Any:
    assert entry.scalar is not None
    return examples(entry.scalar)[0]


def _keyed(shape: Shape, tree: Tree, number: int = 0) -> Tree:
    """An entry of a list with its key."""
    if not shape.key or shape.key in tree:
        return tree
    key = shape.fields[shape.key]
    assert key.scalar is not None
    known = examples(key.scalar)
    return {**tree, shape.key: f"n{number}" if key.scalar.check("n0") is None else known[number % len(known)]}


def smallest(path: str, value: Any) -> Tree:
    """The smallest spec that says a value at a declared path."""
    known = declared_fields()
    parts = path.split(".")
    made: Any = value
    for length in range(len(parts), 0, -1):
        here = ".".join(parts[:length])
        entry = known[here].field
        if entry.many and length < len(parts):
            assert entry.shape is not None
            made = [_keyed(entry.shape, made)]
        made = {entry.name: made}
    return made  # type: ignore[no-any-return]


def named(path: str, spec: Tree) -> str:
    """A declared path with the keys of the only entries in a spec, as exported policies name it."""
    known = declared_fields()
    declared, shown = "", []
    value: Any = spec
    for part in path.split("."):
        declared = f"{declared}.{part}".removeprefix(".")
        name = part.removesuffix("[*]")
        value = value[name] if isinstance(value, dict) else None
        shape = known[declared].field.shape
        if name != part and declared != path and shape is not None and isinstance(value, list):
            value = value[0]
            name += f"[{value[shape.key]}]" if shape.key else "[*]"
        shown.append(name)
    return ".".join(shown)


def _sayable(shape: Shape) -> list[str]:
    """The fields that there are examples of."""
    return sorted(name for name, entry in shape.fields.items() if entry.scalar is None or examples(entry.scalar))


class Wild:
    """Random trees of a shape, the same ones for the same seed."""

    def __init__(self, seed: int, most: int = 4) -> None:
        self.random = Random(seed)
        self._most = most

    def tree(self, shape: Shape) -> Tree:
        names = _sayable(shape)
        chosen = self.random.sample(names, min(len(names), self.random.randint(1, self._most)))
        return {name: self._value(shape.fields[name]) for name in chosen}

    def _value(self, entry: Field) -> Any:
        if entry.scalar is not None:
            words = [*entry.unless, *examples(entry.scalar)]
            return self.random.choice(words)
        assert entry.shape is not None
        if not entry.many:
            return self.tree(entry.shape)
        made = [self.tree(entry.shape) for _ in range(self.random.randint(1, 3))]
        if not entry.shape.key:
            return made
        keyed = {}
        for number, tree in enumerate(made):
            whole = _keyed(entry.shape, {k: v for k, v in tree.items() if k != entry.shape.key}, number)
            keyed[whole[entry.shape.key]] = whole
        return list(keyed.values())

    def changed(self, tree: Tree, shape: Shape) -> Tree:
        """The same tree with some of it said otherwise, left out, added or in another order."""
        made: Tree = {}
        for name, value in tree.items():
            entry = shape.fields[name]
            dice = self.random.random()
            if dice < 0.08:
                continue
            if dice < 0.18:
                made[name] = self._value(entry)
            elif entry.shape is None:
                made[name] = value
            elif not entry.many:
                made[name] = self.changed(value, entry.shape)
            else:
                made[name] = self._changed_list(value, entry.shape)
        if self.random.random() < 0.15:
            name = self.random.choice(_sayable(shape))
            made[name] = self._value(shape.fields[name])
        return made

    def _changed_list(self, entries: list[Tree], shape: Shape) -> list[Tree]:
        kept = []
        for entry in entries:
            if self.random.random() < 0.1:
                continue
            other = self.changed(entry, shape) if self.random.random() < 0.5 else entry
            kept.append({**other, shape.key: entry[shape.key]} if shape.key else other)
        self.random.shuffle(kept)
        return kept or entries


def merged(first: Tree, second: Tree) -> Tree:
    """Both specs in one; lists one after the other, each entry with a key of its own."""
    made = dict(first)
    for name, value in second.items():
        before = made.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            made[name] = merged(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            made[name] = [*before, *value]
        else:
            made[name] = value
    return made


def renamed(tree: Any) -> Any:
    """The same tree, in which devices are told apart by names of their own."""
    if isinstance(tree, list):
        entries = [renamed(each) for each in tree]
        free = all(isinstance(each, dict) and str(each.get("name", "")).startswith("n") for each in entries)
        return [{**each, "name": f"n{index}"} for index, each in enumerate(entries)] if free else entries
    return {name: renamed(value) for name, value in tree.items()} if isinstance(tree, dict) else tree
