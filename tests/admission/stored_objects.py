"""Reviews beside stored objects: a stand-in for an API server and for the watch that the service has of it.

What is admitted is stored at once, with its names in an order of the API server's own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import jsonpatch
import orjson

from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.objects import Kept
from webhook.admission.review import Review, answer
from webhook.admission.validate import validate
from webhook.declare.tree import at
from webhook.findings import Finding
from webhook.kinds import KINDS, SNAPSHOT, declared_fields
from webhook.policy import Policies, shipped
from webhook.policy.language.model import LABELS
from webhook.trees import Tree

API = "kubevirt.io/v1alpha1"
POLICIES = Policies(shipped(), declared_fields())


@dataclass
class Known:
    """The objects of a kind, as a watch would have them; `synced` may be taken away."""

    kind: str
    objects: dict[tuple[str, str, str], Tree]
    synced: bool = True
    too_large: bool = False

    def find(self, namespace: str, name: str) -> Kept | None:
        found = self.objects.get((self.kind, namespace, name))
        if found is None:
            return None
        if self.too_large:
            return Kept(f"uid-{name}", None)
        spec = {**KINDS, SNAPSHOT.name: SNAPSHOT}[self.kind].spec_of(found)
        return Kept(f"uid-{name}", spec, at(found, "status.current"), 1, found["spec"])

    def names(self, namespace: str) -> Iterable[str]:
        return [name for kind, there, name in self.objects if (kind, there) == (self.kind, namespace)]


@dataclass
class Answer:
    """What became of a request: the object as it is stored, or every finding; and the warnings."""

    obj: Tree | None
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def spec(self) -> Tree:
        assert self.obj is not None, "\n".join(map(str, self.findings))
        found: Tree = self.obj["spec"]
        return found

    @property
    def told(self) -> str:
        assert self.obj is None
        return "\n".join(str(each) for each in self.findings)


@dataclass
class Stored:
    """The stored objects of a cluster, and the policies' level of all its namespaces."""

    level: str = "restricted"
    objects: dict[tuple[str, str, str], Tree] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {kind: Known(kind, self.objects) for kind in (*KINDS, SNAPSHOT.name)}
        self.context = AdmissionContext(POLICIES, labels=lambda _: {LABELS["enforce"]: self.level}, sources=self.known)

    def send(self, obj: Tree, *, namespace: str = "here", halves: str = "both") -> Answer:
        """Create an object, or update the one that is stored; with `halves` `validate` past the mutating webhook."""
        key = (obj["kind"], namespace, obj["metadata"]["name"])
        asked = _review(obj, self.objects.get(key), namespace)
        final, warnings = obj, []
        if halves == "both":
            first = mutate(asked, self.context)
            if not first.allowed:
                return Answer(None, first.findings, first.warnings)
            final, warnings = _patched(obj, asked, first), list(first.warnings)
        final = orjson.loads(orjson.dumps(final, option=orjson.OPT_SORT_KEYS))
        second = validate(replace(asked, object=final), self.context)
        warnings += second.warnings
        if not second.allowed:
            return Answer(None, second.findings, tuple(warnings))
        self.objects[key] = final
        return Answer(final, warnings=tuple(warnings))

    def change(self, name: str, spec: Tree, **more: Any) -> Answer:
        """Lay these parts over a stored VM's spec (RFC 7396), and send it."""
        stored = self.objects["VM", "here", name]
        return self.send({**stored, "spec": merged(stored["spec"], spec)}, **more)

    def snapshot(self, name: str = "before", source: str = "web", **spec: Any) -> Answer:
        """Take a snapshot of a VM."""
        asked = {"source": {"kind": "VM", "name": source}, **spec}
        return self.send({"apiVersion": API, "kind": "VMSnapshot", "metadata": {"name": name}, "spec": asked})


def machine(name: str = "web", features: Tree | None = None, domain: Tree | None = None, **spec: Any) -> Tree:
    """A VM of a disk, a drive and two NICs."""
    said: Tree = {
        "memory": "2Gi",
        "system": {"type": "debian", "version": "12"},
        "storage": [{"source": "root"}, {"type": "cdrom", "source": "tools"}],
        "network": [{"source": "front"}, {"source": "back"}],
    }
    whole = {"features": said | (features or {}), **({"domain": domain} if domain else {}), **spec}
    return {"apiVersion": API, "kind": "VM", "metadata": {"name": name}, "spec": whole}


def merged(tree: Any, patch: Any) -> Any:
    """A tree with a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    made = dict(tree) if isinstance(tree, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), value)
    return made


def _review(obj: Tree, old: Tree | None, namespace: str) -> Review:
    operation = "CREATE" if old is None else "UPDATE"
    return Review("1", operation, obj["kind"], namespace, obj["metadata"]["name"], obj, old, "ann", (), False, "")


def _patched(obj: Tree, asked: Review, verdict: Any) -> Tree:
    patch = orjson.loads(answer(asked.uid, verdict))["response"].get("patch")
    made: Tree = jsonpatch.apply_patch(obj, orjson.loads(base64.b64decode(patch))) if patch else obj
    return made
