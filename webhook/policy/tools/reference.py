"""Every class of field with all of its paths, as rules may name them: a page made of the declarations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from webhook.declare import DeclaredField
from webhook.policy.language.model import CLASSES
from webhook.policy.language.selection import class_name, decided_with, possible

# Devices that were removed keep their frontend here, and what they were granted, under the same names.
TOMBSTONES = "abi.tombstones."
_HEAD = """# Classes and paths

Made of the declarations by `make generate`. A rule names a class, a path below, or both; a path that stands with
values belongs to the class only with these. Below an element of a backend class nothing is listed: it is decided as a
whole. Every path below `domain.devices` also stands below `abi.tombstones`, where removed devices leave their place."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A path of a class; `values` are the only ones that are of it, none where all are."""

    path: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path} = {' | '.join(self.values)}" if self.values else self.path


@cache
def docs() -> dict[str, str]:
    """What each class is, by its name."""
    loaded: dict[str, str] = yaml.safe_load((Path(__file__).parent / "classes.yaml").read_text())
    return loaded


def listed(declared_fields: Mapping[str, DeclaredField]) -> dict[str, list[Listed]]:
    """The paths of every class, in the order of the declarations; those of removed devices are left out."""
    found: dict[str, list[Listed]] = {name: [] for name in CLASSES}
    for path, place in declared_fields.items():
        if not path.startswith(TOMBSTONES) and not decided_with(path, declared_fields):
            for kind, values in _classes(place):
                found[kind].append(Listed(path, values))
    return found


def _classes(place: DeclaredField) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The classes of a place's values, and which values where only some are of a class."""
    if not possible(place):
        return
    own = class_name(place.field.field_class)
    by_class: dict[str, list[str]] = {}
    for value, field_class in place.field.unless.items():
        by_class.setdefault(class_name(field_class), []).append(value)
    yield own, ()
    for kind, values in by_class.items():
        if kind != own:
            yield kind, tuple(sorted(values))


def page(declared_fields: Mapping[str, DeclaredField], head: str = _HEAD) -> str:
    """The reference page, in Markdown, with what stands above the classes."""
    parts = [head]
    for kind, paths in listed(declared_fields).items():
        doc = f"{docs()[kind][0].upper()}{docs()[kind][1:]}."
        lines = "\n".join(str(each) for each in paths)
        parts.append(f"## {kind}\n\n{doc}" + (f"\n\n```\n{lines}\n```" if lines else ""))
    return "\n\n".join(parts) + "\n"
