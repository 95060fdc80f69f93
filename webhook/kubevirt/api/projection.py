"""An object of KubeVirt's as policies see it: its parts below one root, and the way back to where each stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from webhook.kubevirt.api.declarations import ANNOTATIONS, APART, LABELS, METADATA, annotation_tables
from webhook.kubevirt.api.kinds import Keys, KubeVirtKind, at
from webhook.trees import Tree

# What paths of findings begin with until they are those of the object.
ROOT = "kubevirt"


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The parts of one object; `places` has where each stands, by its name."""

    tree: Tree
    places: Mapping[str, str]
    _keys: Mapping[str, str] = field(default_factory=dict)

    def place(self, path: str) -> str:
        """A path below the root as it is in the object: of an annotation by its key."""
        part, _, rest = path[len(ROOT) + 1 :].partition(".")
        place = self.places.get(part, part)
        if part not in (ANNOTATIONS, LABELS):
            return f"{place}.{rest}" if rest else place
        key = self._keys.get(f"{part}.{rest}")
        return f"{place}[{key}]" if key else place


@dataclass(frozen=True, slots=True, eq=False)
class _Acting:
    """Annotations or labels that act, by their key: the name that policies have; and by how keys begin."""

    names: Mapping[str, str]
    families: Mapping[str, str]
    beginnings: Keys

    def family(self, key: str) -> str:
        """The family of a key; empty where it has none."""
        if not key.startswith(self.beginnings):
            return ""
        return self.families[max((each for each in self.beginnings if key.startswith(each)), key=len)]


@cache
def _acting(which: str) -> _Acting:
    read = annotation_tables()
    names = {key: words.partition(" ")[0] for key, words in read[which].items()}
    families = read["families"] if which == ANNOTATIONS else {}
    return _Acting(names, {each: words.partition(" ")[0] for each, words in families.items()}, tuple(families))


def acting_annotations() -> Mapping[str, str]:
    """The annotations that act, each with the name that policies have for it; without those that only a family has."""
    return _acting(ANNOTATIONS).names


def project(obj: Any, kind: KubeVirtKind, namespace: str = "") -> Projection:
    """The parts of an object of this kind; of what is of another form, as much as there is.

    `namespace` is where it is, whatever it states; empty where only the object can say so.
    """
    tree: Tree = {METADATA: _metadata(obj, namespace)}
    places, keys_of = {}, {}
    for part, keys in kind.parts.items():
        found = at(obj, keys)
        if found is not None:
            tree[part] = _without_parts(found)
            places[part] = ".".join(keys)
    for which, keys in _maps(kind):
        found = at(obj, keys)
        if type(found) is dict:
            acting, named = _named(found, which)
            keys_of.update(named)
            if acting:
                tree[which] = acting
        elif found is not None:
            tree[which] = found
        places[which] = ".".join(keys)
    return Projection(tree, places, keys_of)


def _metadata(obj: Any, namespace: str) -> Tree:
    found = {"name": at(obj, (METADATA, "name")), "namespace": namespace or at(obj, (METADATA, "namespace"))}
    return {name: value for name, value in found.items() if type(value) is str and value}


def _maps(kind: KubeVirtKind) -> list[tuple[str, Keys]]:
    """Where the annotations and labels are that reach a pod."""
    if kind.metadata:
        return [(ANNOTATIONS, (*kind.metadata, ANNOTATIONS)), (LABELS, (*kind.metadata, LABELS))]
    return [(ANNOTATIONS, kind.annotations)] if kind.annotations else []


def _without_parts(found: Any) -> Any:
    if type(found) is not dict or APART.isdisjoint(found):
        return found
    return {name: value for name, value in found.items() if name not in APART}


def _named(found: Tree, which: str) -> tuple[Tree, dict[str, str]]:
    """Annotations that act under the names of policies, and the key of each by its path."""
    acting = _acting(which)
    made: Tree = {}
    keys: dict[str, str] = {}
    for key, value in found.items():
        name = acting.names.get(key)
        if name is not None:
            made[name] = value
            keys[f"{which}.{name}"] = key
        elif acting.beginnings and (name := acting.family(key)):
            entries = made.setdefault(name, [])
            keys[f"{which}.{name}[{len(entries)}]"] = key
            entries.append({"name": key, "value": value})
    return made, keys
