"""Objects of files beside each other: what a snapshot is of, and what a VM is restored from, without a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from webhook.admission.objects import Kept
from webhook.admission.sources import names_source
from webhook.cli.manifests import Manifest, Manifests
from webhook.declare.tree import at
from webhook.kinds import KINDS, SNAPSHOT, Kind
from webhook.trees import Tree


class Given:
    """The objects of one kind, as they would be stored."""

    synced = True

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.objects: dict[tuple[str, str], Tree] = {}

    def find(self, namespace: str, name: str) -> Kept | None:
        obj = self.objects.get((namespace, name))
        if obj is None:
            return None
        uid, generation = (at(obj, f"metadata.{part}") for part in ("uid", "generation"))
        number = generation if type(generation) is int else 0
        return Kept(str(uid or ""), self.kind.spec_of(obj), at(obj, "status.current"), number, obj["spec"])

    def names(self, namespace: str) -> Iterable[str]:
        return [name for there, name in self.objects if there == namespace]


class Sources(dict[str, Given]):
    """The objects of every kind, by its name; those that state no namespace are in `namespace`."""

    def __init__(self, namespace: str) -> None:
        super().__init__({kind.name: Given(kind) for kind in (*KINDS.values(), SNAPSHOT)})
        self.namespace = namespace

    def put(self, obj: Tree, manifest: Manifest) -> None:
        """One more object, as it would be stored."""
        self[manifest.kind].objects[manifest.namespace or self.namespace, manifest.name] = obj

    def put_stored(self, manifest: Manifest) -> None:
        """An object that is stored as it stands; one of another kind, or without a spec, is nothing's source."""
        if manifest.kind in self and type(manifest.obj.get("spec")) is dict:
            self.put(manifest.obj, manifest)


def in_order(read: Manifests) -> Iterator[Manifest]:
    """The objects so that each comes behind what it may be made of, clones of clones in their order."""
    ranked = sorted(read.found, key=_rank)
    yield from (one for one in ranked if _rank(one) < _RESTORED)
    yield from read.snapshots
    yield from (one for one in ranked if _rank(one) == _RESTORED)


_MADE_OF_ANOTHER, _RESTORED = 1, 2


def _rank(one: Manifest) -> int:
    kind = KINDS.get(one.kind)
    spec = kind.spec_of(one.obj) if kind is not None else None
    if type(spec) is dict and "restoreFrom" in spec:
        return _RESTORED
    return _MADE_OF_ANOTHER if names_source(one.obj) else 0
