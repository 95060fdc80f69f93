"""VMs, VirtualMachineConfigs or VMSnapshots as the cluster has them, from a watch: what others are made of, and
who is who.

Kept of each are its uid, its generation, its spec and what runs of it, compressed and as long as there is room.
Read by reviews and written by the watch's thread: entries are replaced whole and never changed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import orjson

from webhook.admission.duplicates import keys_of
from webhook.admission.identity_index import IdentityIndex
from webhook.admission.objects import Kept
from webhook.cluster.watch import Watch
from webhook.declare.tree import at
from webhook.kinds import GROUP, SNAPSHOT, VERSION, Kind
from webhook.kinds.snapshot import asked_for
from webhook.trees import Tree

# Bytes of compressed specs that are kept of a kind, some 20,000 machines; of those what one namespace may have, and one
# object, so that nobody takes the room of others. Bytes of an object before that: what is kept is unpacked in a review.
_MOST_BYTES, _MOST_IN_NAMESPACE, _MOST_OF_ONE = 32 << 20, 4 << 20, 64 << 10
_MOST_UNPACKED = 1 << 20
# The fastest level of zlib: a spec of 5 KB becomes 1.5.
_LEVEL = 1
# Seconds without an answer after which nobody is sure any more of what is stored. A quiet watch is opened again every
# half minute.
_SILENT = 300.0
# An object without room for its spec.
_LEFT_OUT = b""


class Machines:
    """The objects of a kind; `objects` is a CustomObjectsApi. `specs` and `identities` say what is kept of them.

    `log` is called when the watch is lost and found again.
    """

    def __init__(
        self, kind: Kind, objects: Any, log: Callable[..., None], *, specs: bool = True, identities: bool = True
    ) -> None:
        self.kind = kind
        self.index = IdentityIndex()
        self._specs, self._identities = specs, identities
        self.bytes = 0
        """Of all compressed specs together."""
        self._kept: dict[str, _Namespace] = {}
        self._count = 0
        read = partial(objects.list_cluster_custom_object, GROUP, VERSION, kind.plural)
        self.watch = Watch(kind.plural, read, self._replace, self._change, log)

    @property
    def synced(self) -> bool:
        """Whether all objects are known, and were heard of lately."""
        age = self.watch.age
        return self.watch.synced and not self.watch.problem and age is not None and age <= _SILENT

    def __len__(self) -> int:
        return self._count

    def find(self, namespace: str, name: str) -> Kept | None:
        """The object of this name."""
        there = self._kept.get(namespace)
        found = there.objects.get(name) if there is not None else None
        if found is None:
            return None
        uid, content = found
        return Kept(uid, *orjson.loads(zlib.decompress(content))) if content else Kept(uid, None)

    def names(self, namespace: str) -> Iterable[str]:
        """The names of a namespace's objects, at this moment."""
        there = self._kept.get(namespace)
        return () if there is None else tuple(there.objects)

    def _replace(self, objects: Iterable[Tree]) -> None:
        """All objects anew; those that were not listed are gone."""
        seen: set[tuple[str, str]] = set()
        for obj in objects:
            metadata = obj["metadata"]
            seen.add((metadata["namespace"], metadata["name"]))
            self._change(obj, gone=False)
        known = [(namespace, name) for namespace, there in self._kept.items() for name in there.objects]
        for owner in known:
            if owner not in seen:
                self._forget(*owner)

    def _change(self, obj: Tree, gone: bool) -> None:
        metadata = obj["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        if gone:
            self._forget(namespace, name)
            return
        if self._identities:
            self.index.put(f"{namespace}/{name}", keys_of(self.kind.spec_of(obj)))
        there = self._kept.setdefault(namespace, _Namespace())
        before = there.size(name)
        content = self._content(obj, there, before)
        self._count += name not in there.objects
        self.bytes += len(content) - before
        there.put(name, str(metadata.get("uid") or ""), content)

    def _content(self, obj: Tree, there: _Namespace, before: int) -> bytes:
        """An object as it is kept in its namespace, where another one took so many bytes before."""
        if not self._specs:
            return _LEFT_OUT
        asked = asked_for(obj.get("spec")) if self.kind is SNAPSHOT else None
        generation = obj["metadata"].get("generation") or 0
        kept = orjson.dumps([self.kind.spec_of(obj), at(obj, "status.current"), generation, asked])
        if len(kept) > _MOST_UNPACKED:
            return _LEFT_OUT
        content = zlib.compress(kept, _LEVEL)
        room = min(_MOST_OF_ONE, _MOST_IN_NAMESPACE - there.bytes + before, _MOST_BYTES - self.bytes + before)
        return content if len(content) <= room else _LEFT_OUT

    def _forget(self, namespace: str, name: str) -> None:
        self.index.drop(f"{namespace}/{name}")
        there = self._kept.get(namespace)
        if there is None or name not in there.objects:
            return
        self._count -= 1
        self.bytes -= there.size(name)
        there.drop(name)
        if not there.objects:
            del self._kept[namespace]


class _Namespace:
    """What is kept of a namespace: by name the uid and the compressed object, and the bytes of all."""

    __slots__ = ("bytes", "objects")

    def __init__(self) -> None:
        self.objects: dict[str, tuple[str, bytes]] = {}
        self.bytes = 0

    def size(self, name: str) -> int:
        return len(self.objects[name][1]) if name in self.objects else 0

    def put(self, name: str, uid: str, content: bytes) -> None:
        self.bytes += len(content) - self.size(name)
        self.objects[name] = (uid, content)

    def drop(self, name: str) -> None:
        self.bytes -= self.size(name)
        del self.objects[name]
