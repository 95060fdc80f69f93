"""Stored objects without a cluster, and creations that name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import jsonpatch
import yaml

from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.objects import Kept
from webhook.admission.offline import completed
from webhook.admission.review import Review, Verdict
from webhook.admission.sources import CLONE, CONFIG
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.kinds import KINDS, declared_fields
from webhook.policy import Policies
from webhook.trees import Tree

ROOT = Path(__file__).parents[2]
NAMESPACE, UID = "team-a", "5d3c2b1a-0000-4000-8000-00000000c0de"
FEATURES: Tree = {
    "memory": "2Gi",
    "system": {"type": "debian", "version": "12"},
    "storage": [{"type": "disk", "source": "root"}, {"type": "disk", "source": "data", "serial": "DATA-1"}],
    "network": [{"source": "lan", "mac": "52:54:00:00:00:07"}],
}


@dataclass
class Stored:
    """What a watch would have: specs by namespace and name."""

    specs: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    synced: bool = True

    def find(self, namespace: str, name: str) -> Kept | None:
        key = (namespace, name)
        return Kept(UID, copied(self.specs[key])) if key in self.specs else None

    def names(self, namespace: str) -> Iterable[str]:
        return [name for there, name in self.specs if there == namespace]


def context(level: str = "restricted", seed: int = 1) -> AdmissionContext:
    policies = Policies(ROOT / "policies", declared_fields(), level)
    return AdmissionContext(policies, entropy=Random(seed).randbytes)


def machine(over: Tree | None = None, kind: str = "VM", seed: int = 1) -> Tree:
    """A complete spec, with what else is said of it."""
    obj = vm({"features": FEATURES, **(over or {})}, kind=kind)
    found: Tree = KINDS[kind].spec_of(completed(obj, KINDS[kind], context("privileged", seed)))
    return found


def knowing(
    configs: Mapping[str, Any], vms: Mapping[str, Any] | None = None, level: str = "restricted"
) -> AdmissionContext:
    """A service that follows these objects of the namespace; they are other machines than it would make."""
    stored = {
        "VirtualMachineConfig": Stored({(NAMESPACE, name): spec for name, spec in configs.items()}),
        "VM": Stored({(NAMESPACE, name): spec for name, spec in (vms or {}).items()}),
    }
    return replace(context(level, seed=2), sources=stored)


def vm(spec: Any, kind: str = "VM", name: str = "web-1", **metadata: Any) -> Tree:
    inner: Any = spec
    for key in reversed(KINDS[kind].spec):
        inner = {key: inner}
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": kind, "metadata": {"name": name, **metadata}, **inner}


def of_config(spec: Any, name: str = "web") -> Tree:
    return vm(spec, annotations={CONFIG: name})


def of_owner(spec: Any, name: str = "web", uid: str = UID) -> Tree:
    owner = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VirtualMachineConfig", "name": name, "uid": uid}
    return vm(spec, ownerReferences=[owner])


def clone(spec: Any, source: str = "vm/web", kind: str = "VM") -> Tree:
    return vm(spec, kind=kind, annotations={CLONE: source})


def review(obj: Tree, old: Tree | None = None) -> Review:
    return Review(
        uid="sourced",
        operation="CREATE" if old is None else "UPDATE",
        kind=obj["kind"],
        namespace=NAMESPACE,
        name=obj["metadata"].get("name", ""),
        object=obj,
        old_object=old,
        user="tenant",
        groups=(),
        dry_run=False,
        subresource="",
    )


def admitted(obj: Tree, facts: AdmissionContext) -> tuple[Tree | None, Verdict]:
    """What is stored, None where it is refused, and the verdict that decided."""
    verdict = mutate(review(obj), facts)
    if not verdict.allowed:
        return None, verdict
    final: Tree = jsonpatch.apply_patch(obj, verdict.patch or [])
    last = validate(review(final), facts)
    return (final if last.allowed else None), last if last.findings else verdict


def told(verdict: Verdict) -> list[str]:
    return [f"{each.path}: {each.problem}" for each in verdict.findings]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())
