"""What a requester himself writes of a VM's machine, judged before the service completes it.

What is stored as he sends it is not his doing, nor is what the service makes of his features: an API server calls the
mutating webhook once more where another webhook has changed the object, which is complete by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from webhook.abi.running import current_of, running_devices
from webhook.admission.context import AdmissionContext
from webhook.admission.policy_check import request_of, submission
from webhook.admission.reading import Reading
from webhook.admission.review import Review
from webhook.declare.tree import at, copied
from webhook.domain.devices import KINDS
from webhook.expand.pipeline import expand, extend
from webhook.findings import MOST, Refused
from webhook.policy import Decision
from webhook.policy.engine.stated import stated_paths

Tree = dict[str, Any]


def check_stated(review: Review, reading: Reading, context: AdmissionContext, most: int = MOST) -> Decision:
    """What the policies in force say of what the requester writes; nothing where none of them asks."""
    engine = context.policies.engine
    if engine.of_stated is None or type(reading.spec) is not dict:
        return Decision()
    paths = stated(reading, context, running_devices(current_of(review.old_object)))
    return engine.decide_stated(
        submission(reading, context), request_of(review, context, boots=reading.boots), paths, most
    )


def stated(reading: Reading, context: AdmissionContext, running: Sequence[Tree] = ()) -> set[str]:
    """The paths of a spec that its requester states, each with what is around it; `running` are devices that run."""
    fields = context.policies.engine.declared_fields
    spec, path, known = reading.spec, reading.path, [] if reading.stored is None else [reading.stored]
    found = stated_paths(spec, known, path, fields)
    own = {name: spec[name] for name in ("abi", "domain") if f"{path}.{name}" in found}
    made = _made(reading, context, running) if own and (spec.get("abi") or {}).get("ruleSet") else None
    if made is None:
        return found
    others = stated_paths(own, [*known, made], path, fields)
    return {each for each in found if each.startswith(f"{path}.features")} | others


def _made(reading: Reading, context: AdmissionContext, running: Sequence[Tree]) -> Tree | None:
    """What the service makes of the spec without its domain; None where it cannot."""
    spec, stored = reading.spec, reading.stored
    domain = spec.get("domain") or {}
    rest = {name: value for name, value in spec.items() if name != "domain"}
    try:
        if stored is None or not stored.get("domain"):
            return expand(rest, context, reading.path, known=copied(domain)).spec
        made = extend(rest, stored, context, reading.path, running).spec
    except Refused:
        return None
    return {**made, "domain": _with_identities(made["domain"], domain, stored["domain"])}


def _with_identities(made: Tree, domain: Tree, stored: Tree) -> Tree:
    """A made domain in which new devices that are else those of `domain` have the same generated identities.

    They are random, so that another expansion has others.
    """
    lists = {**made.get("devices", {})}
    for kind, entries in lists.items():
        generated = KINDS[kind].generated if kind in KINDS and type(entries) is list else ()
        if generated:
            theirs, before = (_by_name(tree, kind) for tree in (domain, stored))
            lists[kind] = [
                _alike(entry, theirs.get(entry.get("name")), [one.path for one in generated])
                if entry.get("name") not in before
                else entry
                for entry in entries
            ]
    return {**made, "devices": lists}


def _alike(made: Tree, other: Tree | None, paths: list[str]) -> Tree:
    """The other device where nothing but the values at these paths tells it from the made one."""
    if other is None or any((at(made, path) is None) is not (at(other, path) is None) for path in paths):
        return made
    return other if _without(made, paths) == _without(other, paths) else made


def _without(device: Tree, paths: list[str]) -> Tree:
    rest: Tree = copied(device)
    for path in paths:
        *above, name = path.split(".")
        holder = at(rest, ".".join(above)) if above else rest
        if type(holder) is dict:
            holder.pop(name, None)
    return rest


def _by_name(domain: Tree, kind: str) -> dict[Any, Tree]:
    entries = (domain.get("devices") or {}).get(kind)
    return {entry.get("name"): entry for entry in entries} if type(entries) is list else {}
