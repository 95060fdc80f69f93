"""The stored object that another one names: found in what a watch has brought, or why it is not.

A review asks no API server: where the watch knows nothing yet, it is refused, to be sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple, Protocol

from webhook.declare import shown
from webhook.declare.nearest import closest
from webhook.findings import Finding, Refused
from webhook.kinds import Kind

AGAIN = "try again in some seconds"
RULE = "source"
# Names among which the nearest one is looked for.
_NAMES = 500


class Kept(NamedTuple):
    """A stored object: its uid and the VM's spec in it, None where there was no room for it.

    Beside it what runs of it, its generation, and of a snapshot what was asked for: `source` and `memory`.
    """

    uid: str
    spec: Any
    current: Any = None
    generation: int = 0
    asked: Any = None


class StoredObjects(Protocol):
    """The objects of a kind as a watch has them."""

    @property
    def synced(self) -> bool: ...
    def find(self, namespace: str, name: str) -> Kept | None: ...
    def names(self, namespace: str) -> Iterable[str]: ...


# By the name of the kind.
Sources = Mapping[str, StoredObjects]


def named(sources: Sources | None, kind: Kind, namespace: str, name: str, path: str) -> Kept:
    """The object that the field at `path` names, with its spec; raises Refused."""
    words = f"the {kind.name} `{shown(name)}`"
    objects = None if sources is None else sources.get(kind.name)
    if objects is None:
        way = "have the service follow them: `--sources=watch`"
        raise _refused(path, f"names {words}, and stored objects are not followed here", way)
    if not objects.synced:
        raise _refused(path, f"names {words}, and not all of them are known at this moment", AGAIN)
    found = objects.find(namespace, name)
    if found is None:
        near = closest(name, islice(objects.names(namespace), _NAMES))
        way = f"did you mean `{near}`? " if near else ""
        way += f"`kubectl get {kind.plural}` lists those that are there; if it was made a moment ago, {AGAIN}"
        raise _refused(path, f"names {words}, which is not in this namespace", way)
    if found.spec is None and found.asked is None:
        raise _refused(path, f"names {words}, which is more than the service keeps", "remove what nobody needs of it")
    return found


def _refused(path: str, problem: str, way: str) -> Refused:
    return Refused([Finding(path, problem, way, RULE)])
