"""Both webhooks in this process: what would be stored of a machine, by every way that it comes in."""

from __future__ import annotations

import jsonpatch

from tests.attacks.manifests import manifest
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.review import Review
from webhook.admission.validate import validate
from webhook.kinds import VM
from webhook.trees import Tree

CREATED, PAST_MUTATION, UPDATED = "created", "created past the mutating webhook", "updated"
WAYS = (CREATED, PAST_MUTATION, UPDATED)


def admitted(spec: Tree, way: str, facts: AdmissionContext, stored: Tree | None = None) -> Tree | None:
    """The spec that would be stored; None where either webhook refuses. `spec` is changed."""
    if way != PAST_MUTATION:
        first = mutate(review(spec, stored), facts)
        if not first.allowed:
            return None
        spec = jsonpatch.apply_patch(manifest("VM", spec), first.patch or [], in_place=True)["spec"]
    return spec if validate(review(spec, stored), facts).allowed else None


def review(spec: Tree, stored: Tree | None = None) -> Review:
    """What an API server asks of a tenant's creation, or of an update of what is stored."""
    return Review(
        uid="attack",
        operation="CREATE" if stored is None else "UPDATE",
        kind=VM.name,
        namespace="default",
        name="web-1",
        object=manifest("VM", spec),
        old_object=None if stored is None else manifest("VM", stored),
        user="tenant",
        groups=("tenants",),
        dry_run=False,
        subresource="",
    )
