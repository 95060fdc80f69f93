"""Which contributions ask for something of a device, or of another element of the domain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from webhook.trees import Tree


class Asking(Protocol):
    """What asks for a partial domain."""

    @property
    def asked(self) -> Tree: ...


Asker = TypeVar("Asker", bound=Asking)


def askers_of(contributions: Iterable[Asker]) -> dict[str, list[Asker]]:
    """The contributions by each device or element that they ask for something of, as `element_of` names it."""
    found: dict[str, list[Asker]] = {}
    for each in contributions:
        for element in _elements(each.asked):
            found.setdefault(element, []).append(each)
    return found


def element_of(path: str) -> str:
    """The device or element of the domain that a path begins with."""
    parts = path.split(".")
    return ".".join(parts[:3]) if parts[1] == "devices" else f".{parts[1].partition('[')[0]}"


def _elements(asked: Tree) -> Iterator[str]:
    """The devices and other elements that a partial domain is about, as the beginning of a path."""
    for name, value in asked.items():
        if name != "devices":
            yield f".{name}"
            continue
        for kind, entries in value.items():
            for entry in entries if type(entries) is list else ():
                yield f".devices.{kind}[{entry.get('name')}]"
            if type(entries) is dict:
                yield f".devices.{kind}"
