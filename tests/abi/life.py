"""The life of a VM without a cluster: creations and updates through both webhooks, with the patch applied between."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import jsonpatch

from webhook.abi.acceptance import ANNOTATION
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.offline import review_of
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.findings import Refused
from webhook.kinds import KINDS, declared_fields
from webhook.policy import Policies, shipped
from webhook.trees import Tree

TIME = "2026-01-01T00:00:00Z"
GUEST = {"memory": "2Gi", "system": {"type": "debian", "version": "12"}}
# What the guest knows a device by.
SEEN = ("address", "serial", "mac", "target", "bootOrder", "model", "device")


@cache
def context() -> AdmissionContext:
    """A service with the policies that ship."""
    return AdmissionContext(Policies(shipped(), declared_fields()))


class Admitted(NamedTuple):
    """A spec as it is stored, what was told of it by either webhook, and what a second call of the first would add."""

    spec: Tree
    told: list[str]
    warnings: list[str]
    again: list[Tree]


def admitted(spec: Tree, stored: Tree | None = None, accept: str = "") -> tuple[Tree, list[str]]:
    """The spec as it is stored after a creation, or an update of a stored one, and the warnings; raises Refused.

    `accept` is the digest of a change that the guest may not survive.
    """
    made = admit(spec, stored, accept)
    return made.spec, made.warnings


def admit(spec: Tree, stored: Tree | None = None, accept: str = "", current: Any = None, time: str = TIME) -> Admitted:
    """The same with all that is told; `current` is what runs, `time` when it is asked."""
    review = review_of(vm(copied(spec), accept), KINDS["VM"])
    if stored is not None:
        old = {**vm(copied(stored)), **({} if current is None else {"status": {"current": current}})}
        review = replace(review, operation="UPDATE", old_object=old)
    at_once = replace(context(), clock=lambda: time)
    first = mutate(review, at_once)
    if not first.allowed:
        raise Refused(first.findings)
    final = jsonpatch.apply_patch(review.object, list(first.patch or ()))
    second = replace(review, object=final)
    last = validate(second, at_once)
    if not last.allowed:
        raise Refused(last.findings)
    return Admitted(final["spec"], list(first.warnings), list(last.warnings), mutate(second, at_once).patch or [])


def devices(spec: Tree) -> dict[str, Tree]:
    """The disks and NICs of a stored spec by their names."""
    lists = spec["domain"]["devices"]
    return {one["name"]: one for kind in ("disks", "interfaces") for one in lists.get(kind, ())}


def seen(device: Tree) -> Tree:
    """What the guest knows a device by."""
    return {name: device[name] for name in SEEN if name in device}


def patched(stored: Tree, change: Tree) -> Tree:
    """A tree after a JSON merge patch (RFC 7386)."""
    made = dict(stored)
    for name, value in change.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = patched(made.get(name) or {}, value) if type(value) is dict else value
    return made


def digest_in(refused: Refused) -> str:
    """The digest that accepts a refused change; empty where none does."""
    found = re.search(f"`{re.escape(ANNOTATION)}: ([0-9a-f]+)`", str(refused))
    return found[1] if found else ""


def vm(spec: Tree, accept: str = "") -> Tree:
    """A VM with this spec."""
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": _metadata(accept), "spec": spec}


def _metadata(accept: str) -> Tree:
    return {"name": "vm", **({"annotations": {ANNOTATION: accept}} if accept else {})}
