"""The life of a VM without a cluster: creations and updates through both webhooks, with the patch applied between."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jsonpatch

from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.offline import review_of
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.findings import Refused
from webhook.kinds import KINDS, declared_fields
from webhook.policy import Policies, shipped

Tree = dict[str, Any]
GUEST = {"memory": "2Gi", "system": {"type": "debian", "version": "12"}}
# What the guest knows a device by.
SEEN = ("address", "serial", "mac", "target", "bootOrder", "model", "device")


@cache
def context() -> AdmissionContext:
    """A service with the policies that ship."""
    return AdmissionContext(Policies(shipped(), declared_fields()))


def admitted(spec: Tree, stored: Tree | None = None) -> tuple[Tree, list[str]]:
    """The spec as it is stored after a creation, or an update of a stored one, and the warnings; raises Refused."""
    review = review_of(_object(copied(spec)), KINDS["VM"])
    if stored is not None:
        review = replace(review, operation="UPDATE", old_object=_object(copied(stored)))
    first = mutate(review, context())
    if not first.allowed:
        raise Refused(first.findings)
    final = jsonpatch.apply_patch(review.object, list(first.patch or ()))
    last = validate(replace(review, object=final), context())
    if not last.allowed:
        raise Refused(last.findings)
    made: Tree = final["spec"]
    return made, list(last.warnings)


def devices(spec: Tree) -> dict[str, Tree]:
    """The disks and NICs of a stored spec by their names."""
    lists = spec["domain"]["devices"]
    return {one["name"]: one for kind in ("disks", "interfaces") for one in lists.get(kind, ())}


def seen(device: Tree) -> Tree:
    """What the guest knows a device by."""
    return {name: device[name] for name in SEEN if name in device}


def _object(spec: Tree) -> Tree:
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm"}, "spec": spec}
