"""What is meant by a word that an element does not have, or by a value where an object is expected.

A word may stand in an element below, or for a field here; the way out is then what to write, not just a name.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

from webhook.declare.element import Element, Reference
from webhook.declare.nearest import Pairs, nearest, pairs_of
from webhook.declare.scalars import listed, shown
from webhook.declare.shape import Field, Shape, shape_of

# So many fields of an element are named where none is like an unknown one.
_LISTED = 12
# So many elements stand around a word's own at most.
_DEEPEST = 3
# `user_data` and `user-data` are `userdata` to whoever writes other APIs, too.
_JOINED = str.maketrans("", "", "_-")


def way_of(name: object, shape: Shape, suggest: bool) -> str:
    """The way out for an undeclared name; without `suggest` no name is looked for that is like it.

    It names what is declared alone: the name itself may be a secret.
    """
    word = str(name).lower().translate(_JOINED)
    path = _path(word, shape, _DEEPEST)
    if len(path) > 1:
        *around, last = path
        written = f"{': {'.join(each.name for each in path)}: {'[…]' if last.many else '…'}{'}' * len(around)}"
        return f"`{last.name}` stands in `{around[-1].name}`: write `{written}`"
    if path:
        known = path[0].field_class
        kind = f" It is the name of a {known.kind}" if isinstance(known, Reference) and path[0].scalar else ""
        return f"did you mean `{path[0].name}`?{kind}"
    near = nearest(str(name), _pairs(shape.element)) if suggest else ""
    return f"did you mean `{near}`?" if near else _known(shape.element)


def way_of_value(value: Any, shape: Shape, name: str) -> str:
    """How to write a value of the field that an element is mostly given for, such as the count of CPUs; else empty."""
    field = shape.fields.get(shape.element.mostly)
    if field is None or field.scalar is None or field.secret or field.scalar.check(value) is not None:
        return ""
    written = f"{{{field.name}: {shown(value)}}}"
    return f"write `{name}: {written}`" if name else f"write `{written}`"


def _path(word: str, shape: Shape, depth: int) -> tuple[Field, ...]:
    """The fields that lead to what a word means, from outside in; empty where that is not known.

    It ends at an element where the word is none of its own.
    """
    field = shape.fields.get(shape.element.also.get(word) or _below(shape.element).get(word, ""))
    if field is None:
        return ()
    if field.shape is None or field.many:
        return (field,)
    own = next((each for each in field.shape.fields.values() if each.name.lower() == word), None)
    inner = (own,) if own is not None else _path(word, field.shape, depth - 1) if depth else ()
    return (field, *inner)


@cache
def _below(element: type[Element]) -> dict[str, str]:
    """The words of elements in an element, each with the one that has it; without those of several, or of lists."""
    fields = [each for each in shape_of(element).fields.values() if each.shape is not None]
    words = [(name.lower(), each) for each in fields if each.shape is not None for name in each.shape.fields]
    times = Counter(word for word, _ in words)
    return {word: each.name for word, each in words if times[word] == 1 and not each.many}


@cache
def _pairs(element: type[Element]) -> Pairs:
    return pairs_of(shape_of(element).fields)


@cache
def _known(element: type[Element]) -> str:
    """The fields of an element in words; the cache is bounded by the declarations."""
    names = tuple(sorted(shape_of(element).fields))
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"known here: {listed(names[:_LISTED])}{more}"
