"""Hypothesis strategies made of the declarations: trees of any element, and of what is almost one.

Trees are in normal form, the one of several spellings that a parser gives back: sizes as `written` has them, flags
of presence only where they are true, no empty elements, no nulls.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from webhook.declare import Field, Frontend, Goal, Reference, Scalar, Shape, as_ranges, written

FRONTEND: tuple[type, ...] = (Frontend,)
TENANT: tuple[type, ...] = (Frontend, Reference, Goal)
ANY: tuple[type, ...] = (object,)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def scalars(scalar: Scalar, class_of_value: Any = None, classes: tuple[type, ...] = ANY) -> st.SearchStrategy[Any]:
    """Values that a leaf takes; with `half_of` only those whose half is one of `halves`."""
    kind = scalar.schema.get("type")
    made: st.SearchStrategy[Any]
    if scalar.values:
        made = st.sampled_from(
            [v for v in scalar.values if class_of_value is None or isinstance(class_of_value(v), classes)]
        )
    elif kind == "boolean":
        made = st.just(True) if scalar.presence else st.booleans()
    elif kind == "integer":
        made = st.integers(*scalar.bounds)
    elif scalar.is_set:
        made = st.sets(st.integers(*scalar.bounds), min_size=1, max_size=6).map(lambda found: as_ranges(sorted(found)))
    elif kind == "string":
        made = _texts(scalar)
    else:
        made = _sizes(scalar)
    return made


def _texts(scalar: Scalar) -> st.SearchStrategy[str]:
    longest = min(scalar.schema["maxLength"], 40)
    pattern = scalar.schema.get("pattern")
    made = st.from_regex(pattern, fullmatch=True) if pattern else st.text(min_size=1, max_size=longest)
    return made.filter(lambda value: scalar.check(value) is None)


def _sizes(scalar: Scalar) -> st.SearchStrategy[int | str]:
    lowest = next(size for size in range(1, 2**16) if scalar.check(f"{size}Ki") is None)
    return st.integers(lowest, 2**44).map(written)


def trees(shape: Shape, classes: tuple[type, ...] = ANY, most: int = 5) -> st.SearchStrategy[dict[str, Any]]:
    """Trees of this shape with at most `most` fields an element, all of whose leaves are of one of `halves`."""
    known = _KNOWN.get((id(shape), classes, most))
    if known is None:
        # The shape is kept beside its strategy, so that its id stays its own.
        known = _KNOWN[id(shape), classes, most] = (shape, _trees(shape, classes, most))
    return known[1]


_KNOWN: dict[tuple[int, tuple[type, ...], int], tuple[Shape, st.SearchStrategy[dict[str, Any]]]] = {}


def _trees(shape: Shape, classes: tuple[type, ...], most: int) -> st.SearchStrategy[dict[str, Any]]:
    possible = {name: entry for name, entry in shape.fields.items() if _possible(entry, classes)}
    below = {name: values(entry, classes, most) for name, entry in possible.items()}

    @st.composite
    def tree(draw: st.DrawFn) -> dict[str, Any]:
        fields, made = set(possible), dict[str, Any]()
        if shape.variant_key:
            value = draw(below[shape.variant_key])
            made[shape.variant_key] = value
            fields &= shape.variants[value]
        names = sorted(fields - set(made))
        chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=most, unique=True)) if names else []
        for name in chosen:
            made[name] = draw(below[name])
        return made

    return tree()


def values(entry: Field, classes: tuple[type, ...] = ANY, most: int = 5) -> st.SearchStrategy[Any]:
    """What one field takes: a leaf, an element, or a list whose entries have keys of their own."""
    if entry.shape is None:
        return scalars(_scalar(entry), entry.class_of_value, classes)
    inner = trees(entry.shape, classes, most)
    if not entry.many:
        return inner
    key = entry.shape.key
    if not key:
        return st.lists(inner, min_size=1, max_size=3)
    keys = scalars(_scalar(entry.shape.fields[key]))
    keyed = st.tuples(inner, keys) if not entry.shape.variant_key else inner.map(lambda tree: (tree, tree[key]))
    return st.lists(keyed, min_size=1, max_size=3, unique_by=lambda pair: pair[1]).map(
        lambda pairs: [{**tree, key: name} for tree, name in pairs]
    )


def _scalar(entry: Field) -> Scalar:
    assert entry.scalar is not None
    return entry.scalar


def _possible(entry: Field, classes: tuple[type, ...]) -> bool:
    """Whether a field can say anything of these halves; goals around frontends can."""
    if entry.shape is not None:
        if not isinstance(entry.field_class, (*classes, Frontend, Goal)):
            return False
        return any(_possible(inner, classes) for inner in entry.shape.fields.values())
    if entry.scalar is not None and entry.scalar.values:
        return any(isinstance(entry.class_of_value(value), classes) for value in entry.scalar.values)
    return isinstance(entry.field_class, classes)


@st.composite
def mutated(draw: st.DrawFn, whole: st.SearchStrategy[dict[str, Any]]) -> Any:
    """A tree with one place of it replaced, renamed, removed or doubled: right, or almost right."""
    tree = draw(whole)
    path = draw(st.sampled_from(sorted(declared_fields(tree), key=repr)))
    return _changed(tree, path, draw)


def declared_fields(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a JSON tree, its own first."""
    found = [path]
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in children:
        found.extend(declared_fields(value, (*path, key)))
    return found


def _changed(tree: Any, path: tuple[Any, ...], draw: st.DrawFn) -> Any:
    if not path:
        return draw(JSON | st.just(tree))
    first, rest = path[0], path[1:]
    if isinstance(tree, list):
        inner = _changed(tree[first], rest, draw)
        doubled = [inner] if draw(st.booleans()) else []
        return [*tree[:first], inner, *doubled, *tree[first + 1 :]]
    name = first if rest else draw(st.just(first) | st.sampled_from([first.upper(), _snake(first), f"{first}x"]))
    return {**{key: value for key, value in tree.items() if key != first}, name: _changed(tree[first], rest, draw)}


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
