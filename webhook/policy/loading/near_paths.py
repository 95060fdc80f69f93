"""The declared path that an undeclared one means: by the names of its parts, never by how alike two whole paths are.

Two paths of one element share most of their letters, and mean different things: each name is compared for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from webhook.declare import DeclaredField, shown
from webhook.declare.nearest import closest
from webhook.declare.scalars import listed

REFERENCE = "the reference lists the paths of every class"
Declared = Mapping[str, DeclaredField]
_LONGEST = 256
# How alike a misspelt name has to be; `count` for `current` is no slip of the pen.
_ALIKE = 0.75
# A slip adds or leaves out a letter or two; what has a word more means something else (`macAddress` is no `address`).
_LONGER = 2
# So many fields of an element are named.
_LISTED = 12
_ENTRY = re.compile(r"\[[^\]]*\]")


def way_of(path: str, declared: Declared, elsewhere: Mapping[str, Declared]) -> str:
    """The way out for a path that is not declared; `elsewhere` has the fields of the other kinds of policies."""
    bare = _bare(path[:_LONGEST].removeprefix("spec."))
    known = {_bare(each): each for each in declared}
    near = known.get(bare) or _with_more_names(bare, known)
    if near:
        return f"did you mean `{near}`?"
    other = next((kind for kind, fields in elsewhere.items() if begins(bare, fields) and not begins(bare, known)), "")
    if other:
        first = bare.partition(".")[0]
        return f"`{shown(first)}` is what another kind of policy is about: write the rule in one of `kind: {other}`"
    return _respelt(bare, known, declared)


def begins(path: str, declared: Iterable[str]) -> bool:
    """Whether some declared path begins with the first name of this one."""
    first = path.partition(".")[0].partition("[")[0]
    return any(each == first or each.startswith((f"{first}.", f"{first}[")) for each in declared)


def _with_more_names(bare: str, known: Mapping[str, str]) -> str:
    """The shortest path that ends with the same name and has all others in their order; empty where several are.

    A name alone has to be that of one field.
    """
    names = [*map(_one, bare.split("."))]
    parts = {each: [*map(_one, each.split("."))] for each in known if _one(each.rpartition(".")[2]) == names[-1]}
    fitting = {each: len(own) for each, own in parts.items() if _within(names, own)}
    least = min(fitting.values(), default=0)
    shortest = [each for each, length in fitting.items() if length == least or len(names) == 1]
    return known[shortest[0]] if len(shortest) == 1 else ""


def _within(names: Iterable[str], others: Iterable[str]) -> bool:
    rest: Iterator[str] = iter(others)
    return all(name in rest for name in names)


def _respelt(bare: str, known: Mapping[str, str], declared: Declared) -> str:
    """The path whose names are each the same, or what the written one stands for; else what stands where none is."""
    names, made = bare.split("."), ""
    for name in names:
        start = f"{made}." if made else ""
        here = start + name
        if here not in known and not any(each.startswith(f"{here}.") for each in known):
            shape = declared[known[made]].field.shape if made in known else None
            below = sorted({each[len(start) :].partition(".")[0] for each in known if each.startswith(start)})
            also = shape.element.also.get(name.lower(), "") if shape is not None else ""
            here = start + (also or closest(name, [each for each in below if _as_long(each, name)], _ALIKE))
            if here == start or not any(each.startswith(here) for each in known):
                return _known_in(known[made], below) if made in known and below else REFERENCE
        made = here
    return f"did you mean `{known[made]}`?" if made in known else REFERENCE


def _as_long(one: str, other: str) -> bool:
    return abs(len(one) - len(other)) <= _LONGER


def _known_in(path: str, names: list[str]) -> str:
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"known in `{path}`: {listed(tuple(names[:_LISTED]))}{more}"


def _bare(path: str) -> str:
    return _ENTRY.sub("", path)


def _one(name: str) -> str:
    """A name in the singular: `tpms` for `tpm`."""
    return name.removesuffix("s").lower()
