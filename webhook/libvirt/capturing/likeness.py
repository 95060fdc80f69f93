"""Which device of a VM a device of a running domain is: by the strongest evidence that there is.

Its name (libvirt's user alias), its identity (a serial number, a MAC address), what finds it in a dump (a disk's
target), its address; then by being the only one that it can be. What stays open is ambiguous, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

from webhook.declare.tree import at
from webhook.domain.devices import KINDS
from webhook.trees import Tree

# Stands for a device that may be several ones.
AMBIGUOUS: Final[Tree] = {}


def matched(there: list[Tree], facts: list[Tree], listed: str) -> list[Tree | None]:
    """For each fact the device of `there` that it is about, None where it is another one, or AMBIGUOUS."""
    found: list[Tree | None] = [None] * len(facts)
    kind = KINDS.get(listed)
    ways: list[tuple[str, ...]] = [("name",)]
    if kind is not None:
        ways += [(path,) for path in kind.identities]
        ways += [kind.matched_by] if kind.matched_by else []
    for way in (*ways, ("address",)):
        _pair(there, facts, found, lambda device, way=way: _values(device, way))  # type: ignore[misc]
    open_facts = [index for index, match in enumerate(found) if match is None]
    free = [device for device in there if not any(device is match for match in found)]
    can = {index: [device for device in free if _agrees(device, facts[index])] for index in open_facts}
    for index, devices in can.items():
        if devices:
            rivals = sum(any(other is devices[0] for other in others) for others in can.values())
            found[index] = devices[0] if len(devices) == 1 and rivals == 1 else AMBIGUOUS
    return found


def _pair(there: list[Tree], facts: list[Tree], found: list[Tree | None], key: Callable[[Tree], Hashable]) -> None:
    """Match the open facts with the free devices of the same key, where it is one device's alone."""
    by_key: dict[Hashable, list[Tree]] = {}
    for device in there:
        value = key(device)
        if value is not None and not any(device is match for match in found):
            by_key.setdefault(value, []).append(device)
    for index, fact in enumerate(facts):
        devices = by_key.get(key(fact), []) if found[index] is None else []
        if len(devices) == 1:
            found[index] = devices.pop()


def _values(device: Tree, way: tuple[str, ...]) -> Hashable:
    """The values of these fields in a form that can be compared; None where one is unsaid."""
    values = [at(device, path) for path in way]
    return None if any(value is None for value in values) else tuple(_form(value) for value in values)


def _form(value: Any) -> str:
    return str(sorted(value.items()) if isinstance(value, dict) else value).lower()


def _agrees(device: Tree, fact: Tree) -> bool:
    """Whether nothing that the device says contradicts the fact, but for names."""
    for name, value in fact.items():
        said = device.get(name)
        if name in ("name", "address") or said is None:
            continue
        if isinstance(value, dict) and isinstance(said, dict):
            if not _agrees(said, value):
                return False
        elif not isinstance(value, list) and str(said).lower() != str(value).lower():
            return False
    return True
