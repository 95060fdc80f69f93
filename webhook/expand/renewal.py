"""A clone: the machine of another VM with identities of its own, and all else as it is."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from webhook.declare.identities import MAC, SERIAL, UUID, WWN, identities
from webhook.declare.tree import copied
from webhook.expand.identity import Entropy, local_mac, serial_number
from webhook.kinds import spec_shape
from webhook.trees import Tree

# What happened to the source is no history of the clone's, and a device that the source has removed is none of its.
_OF_THE_SOURCE = ("tombstones", "removed", "history")
# Network Address Authority 3: the other 60 bits are assigned by whoever runs the disk (SPC-5).
_LOCALLY_ASSIGNED = "3"


def renewed(spec: Tree, entropy: Entropy) -> Tree:
    """A copy of an inspected spec in which every identity is another: equal ones stay equal. `entropy` gives bytes."""
    made: Tree = copied(spec)
    for name in _OF_THE_SOURCE:
        (made.get("abi") or {}).pop(name, None)
    drawn: dict[tuple[str, str], str] = {}
    found = list(identities(made, spec_shape(), ""))
    taken = {each.key for each in found}
    for each in found:
        if each.key not in drawn:
            drawn[each.key] = _drawn(each.form, entropy, taken)
        each.holder[each.name] = drawn[each.key]
    return made


def _drawn(form: str, entropy: Entropy, taken: set[tuple[str, str]]) -> str:
    """A value that the machine has not and had not."""
    while True:
        value = _MADE[form](entropy)
        if (form, value) not in taken:
            taken.add((form, value))
            return value


_MADE: dict[str, Callable[[Entropy], str]] = {
    UUID: lambda entropy: str(uuid.UUID(bytes=entropy(16), version=4)),
    MAC: local_mac,
    SERIAL: serial_number,
    WWN: lambda entropy: _LOCALLY_ASSIGNED + entropy(8).hex()[1:],
}
