"""An update by both webhooks, as an API server would ask: what the command's words are held against."""

from __future__ import annotations

from dataclasses import replace

import jsonpatch

from tests.abi.life import context
from webhook.admission.mutate import mutate
from webhook.admission.offline import review_of
from webhook.admission.validate import validate
from webhook.findings import Refused
from webhook.kinds import KINDS
from webhook.trees import Tree


def update(obj: Tree, stored: Tree) -> list[str]:
    """The warnings of an update that passes; raises Refused."""
    review = replace(review_of(obj, KINDS[obj["kind"]]), operation="UPDATE", old_object=stored)
    first = mutate(review, context())
    if not first.allowed:
        raise Refused(first.findings)
    final = jsonpatch.apply_patch(obj, list(first.patch or ()))
    last = validate(replace(review, object=final), context())
    if not last.allowed:
        raise Refused(last.findings)
    return [*first.warnings, *last.warnings]
