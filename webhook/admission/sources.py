"""What a new object is made of where it names another one: a VM of a configuration, or a clone.

    metadata.ownerReferences, or annotation config    a VM is the machine of a VirtualMachineConfig of its namespace
    annotation clone-of: KIND/NAME                    any object has the machine of another, with identities of its own

The objects come from a watch, and nobody is asked in a review. Read by both webhooks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from webhook.admission.objects import Sources
from webhook.admission.review import Review
from webhook.admission.unnamed import unnamed_devices, without_unnamed_tombstones
from webhook.declare import shown
from webhook.declare.inspect import Inspection
from webhook.declare.nearest import nearest, pairs_of
from webhook.declare.tree import at
from webhook.findings import Finding, Refused
from webhook.kinds import GROUP, VM, VM_CONFIG, Kind, inspect_spec
from webhook.trees import Tree

CONFIG = "vmconfig.kubevirt.io/config"
CLONE = "vmconfig.kubevirt.io/clone-of"
RULE = "source"
# The kinds that a clone can be made of, a row each: where the spec is that it takes.
CLONED = (VM, VM_CONFIG)
# How people call them before the `/` of the annotation, without regard to case.
_WORDS = {word.lower(): kind for kind in CLONED for word in (kind.name, kind.singular, kind.plural, *kind.short_names)}

# Names among which the nearest one is looked for.
_NAMES = 200


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The object that a new one is made of: `clones` whether it gets identities of its own."""

    kind: Kind
    name: str
    clones: bool
    spec: Tree
    inspection: Inspection = field(default_factory=Inspection)

    def __str__(self) -> str:
        return f"{self.kind.name} `{shown(self.name)}`"


class _Named(NamedTuple):
    """A name of a source, and where it stands; `uid` is empty where only the name is known."""

    path: str
    kind: Kind
    name: str
    clones: bool
    uid: str = ""


def source_of(review: Review, kind: Kind, sources: Sources | None) -> Source | None:
    """The source that a creation names, inspected as a part of the new object; raises Refused.

    What says its whole machine is the clone that was made already. `sources` is None where no cluster is known: there
    what says its whole machine is that machine.
    """
    if review.operation != "CREATE":
        return None
    named = list(_named(review.object, kind))
    if not named:
        return None
    wrong = list(_several(named)) + list(_not_here(named, kind))
    if wrong:
        raise Refused(wrong)
    first = named[0]
    if (first.clones or sources is None) and is_whole(kind.spec_of(review.object)):
        return None
    return _found(first, next((each.uid for each in named if each.uid), ""), review.namespace, (kind, sources))


def names_source(obj: Any) -> bool:
    """Whether an object says that it is made of another."""
    return any(_named(obj, VM))


def renamed_source(review: Review) -> Iterator[Finding]:
    """An update that names another source than the object was made of: it would have no effect."""
    if review.operation != "UPDATE":
        return
    old, new = _annotations(review.old_object), _annotations(review.object)
    for name in (CONFIG, CLONE):
        if name in new and new[name] != old.get(name):
            way = "restore it, or leave it out; a new object is made of what it names"
            yield Finding(f"metadata.annotations[{name}]", "is read at create alone", way, RULE)


def _annotations(obj: Any) -> Tree:
    found = at(obj, "metadata.annotations")
    return found if type(found) is dict else {}


def _named(obj: Any, kind: Kind) -> Iterator[_Named]:
    """Every source that an object names."""
    annotations = _annotations(obj)
    if CONFIG in annotations:
        yield _Named(f"metadata.annotations[{CONFIG}]", VM_CONFIG, str(annotations[CONFIG]), False)
    if kind is VM:
        yield from _owners(obj)
    if CLONE in annotations:
        word, _, name = str(annotations[CLONE]).rpartition("/")
        yield _Named(f"metadata.annotations[{CLONE}]", _WORDS.get(word.lower(), _UNKNOWN), name, True)


# Stands for a kind that is none.
_UNKNOWN = Kind("", "", "", (), "", ())


def _owners(obj: Any) -> Iterator[_Named]:
    """The configurations among an object's owners."""
    owners = at(obj, "metadata.ownerReferences")
    for index, owner in enumerate(owners if type(owners) is list else ()):
        if type(owner) is not dict or owner.get("kind") != VM_CONFIG.name:
            continue
        if str(owner.get("apiVersion")).partition("/")[0] == GROUP:
            path = f"metadata.ownerReferences[{index}]"
            yield _Named(path, VM_CONFIG, str(owner.get("name")), False, str(owner.get("uid") or ""))


def _several(named: list[_Named]) -> Iterator[Finding]:
    first = named[0]
    for other in named[1:]:
        if (other.kind, other.name, other.clones) != (first.kind, first.name, first.clones):
            problem = f"names another source than `{first.path}`"
            yield Finding(other.path, problem, "a machine has one source: leave one of the two out", RULE)


def _not_here(named: list[_Named], kind: Kind) -> Iterator[Finding]:
    """A source of a kind that there is not, or that this kind is not made of."""
    for each in named:
        if each.kind is _UNKNOWN:
            words = " or ".join(f"`{spoken(kind)}/NAME`" for kind in CLONED)
            yield Finding(each.path, "names no kind that a clone can be made of", f"write {words}", RULE)
        elif kind is not VM and not each.clones:
            way = f"leave it out, or make a clone: `{CLONE}: {spoken(VM_CONFIG)}/NAME`"
            yield Finding(each.path, f"makes a {VM.name} of a configuration, and this is a {kind.name}", way, RULE)


def is_whole(spec: Any) -> bool:
    """Whether a spec says its whole machine: it was stored once, or printed by `vmconfig`."""
    return bool(at(spec, "abi.ruleSet")) and bool(at(spec, "domain.uuid"))


def _found(named: _Named, uid: str, namespace: str, where: tuple[Kind, Sources | None]) -> Source:
    """The source as it is stored; raises Refused."""
    kind, sources = where
    words = f"{named.kind.name} `{shown(named.name)}`"
    verb = f"`vmconfig {'clone' if named.clones else 'boot'} {spoken(named.kind)}/NAME` prints it whole"
    objects = None if sources is None else sources.get(named.kind.name)
    if objects is None:
        raise _refused(named, f"asks for {words}, and stored objects are not followed here", verb)
    if not objects.synced:
        raise _refused(named, f"asks for {words}, and not all of them are known yet", f"try again in a moment; {verb}")
    kept = objects.find(namespace, named.name)
    if kept is None:
        near = nearest(named.name, pairs_of(islice(objects.names(namespace), _NAMES)))
        way = f"did you mean `{near}`? " if near else ""
        way += f"create it first; `kubectl get {named.kind.plural}` lists those that are there"
        raise _refused(named, f"{words} is not in this namespace", way)
    if uid and uid != kept.uid:
        way = f"write the `uid` of the one that is there, or leave the owner out and say `{CONFIG}`"
        raise _refused(named, f"{words} was deleted, and another one has its name", way)
    if kept.spec is None:
        raise _refused(named, f"{words} is one of more than the service keeps", verb)
    inspection = inspect_spec(kept.spec, kind.spec_path)
    if inspection.findings or not kept.spec.get("domain") or any(unnamed_devices(kept.spec, "")):
        way = "delete and create it while the service runs, which then checks and completes it"
        raise _refused(named, f"{words} is not complete where it is stored", way)
    return Source(named.kind, named.name, named.clones, without_unnamed_tombstones(kept.spec), inspection)


def spoken(kind: Kind) -> str:
    """A kind in the word that people write before a name: `vm`, `vmconfig`."""
    return min((kind.name.lower(), *kind.short_names), key=len)


def _refused(named: _Named, problem: str, way: str) -> Refused:
    return Refused([Finding(named.path, problem, way, RULE)])
