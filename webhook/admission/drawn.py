"""The identities that the service drew lately, so that it knows its own work where it is asked about it once more."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from webhook.declare.tree import at
from webhook.domain.devices import KINDS
from webhook.trees import Tree

# One identity of a machine: the list, the device's name, the field's path, and the value.
Identity = tuple[str, Any, str, Any]
# Who asked for which object: the user, the namespace, the kind and the name.
Owner = tuple[str, str, str, str]

_SECONDS = 60.0
_MOST = 50_000


@dataclass(slots=True, eq=False)
class Drawn:
    """What one process drew within the last minute, by who asked for which object; the oldest goes first.

    An API server asks again within one request, which it gives up after a minute.
    """

    clock: Callable[[], float] = time.monotonic
    most: int = _MOST
    _until: dict[bytes, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, owner: Owner, identities: Iterable[Identity]) -> None:
        """These were drawn just now."""
        now = self.clock()
        with self._lock:
            for each in identities:
                digest = _digest(owner, each)
                self._until.pop(digest, None)
                self._until[digest] = now + _SECONDS
            for digest in list(self._gone(now)):
                del self._until[digest]

    def has(self, owner: Owner, identity: Identity) -> bool:
        """Whether this one was drawn lately for the same user's same object."""
        return self._until.get(_digest(owner, identity), 0.0) > self.clock()

    def _gone(self, now: float) -> Iterator[bytes]:
        surplus = len(self._until) - self.most
        for index, (digest, until) in enumerate(self._until.items()):
            if index >= surplus and until > now:
                return
            yield digest


def identities(domain: Tree) -> Iterator[Identity]:
    """All identities of the kinds that the service draws."""
    if domain.get("uuid"):
        yield ("", "", "uuid", domain["uuid"])
    devices = domain.get("devices") or {}
    for kind in devices.keys() & KINDS.keys():
        entries = devices[kind] if type(devices[kind]) is list else [devices[kind]]
        for made in KINDS[kind].generated:
            for entry in entries:
                value = at(entry, made.path)
                if value:
                    yield (kind, entry.get("name"), made.path, value)


def _digest(owner: Owner, identity: Identity) -> bytes:
    return hashlib.blake2b(orjson.dumps((owner, identity)), digest_size=16).digest()
