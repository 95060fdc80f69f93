"""What a requester himself writes of a VM's machine, judged before the service completes it.

What is stored as he sends it is not his doing, nor is what the service makes of his features: an API server calls the
mutating webhook once more where another webhook has changed the object, which is complete by then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from webhook.abi.running import current_of, running_devices
from webhook.admission.context import AdmissionContext
from webhook.admission.drawn import Identity, Owner, identities
from webhook.admission.policy_check import request_of, submission
from webhook.admission.reading import Reading
from webhook.admission.review import Review
from webhook.declare.tree import at, copied
from webhook.domain.devices import KINDS
from webhook.expand.pipeline import expand, extend
from webhook.findings import MOST, Finding, Findings, Refused
from webhook.policy import Decision
from webhook.policy.engine.stated import stated_paths
from webhook.trees import Tree

# Whether the service drew an identity, so that nobody states it.
Ours = Callable[[Identity], bool]


def check_stated(review: Review, reading: Reading, context: AdmissionContext, most: int = MOST) -> Decision:
    """What the policies in force say of what the requester writes; nothing where none of them asks."""
    engine = context.policies.engine
    if engine.of_stated is None or type(reading.spec) is not dict:
        return Decision()
    owner = _owner(review)
    running = running_devices(current_of(review.old_object))
    paths = stated(reading, context, running, lambda each: context.drawn.has(owner, each))
    request, submitted = request_of(review, context, boots=reading.boots), submission(reading, context)
    found = engine.decide_stated(submitted, request, paths, most)
    resting = _resting(paths, reading.path)
    if not resting:
        return found
    # A device that rests comes back as it is: it is judged as one that is there.
    back = {**reading.spec, "domain": {"devices": reading.spec["abi"]["tombstones"]}}
    others = engine.decide_stated(replace(submitted, spec=back), request, resting, most)
    return Decision(
        _told(found.findings, others.findings, reading.path, most),
        _told(found.warned, others.warned, reading.path, most),
        _told(found.audits, others.audits, reading.path, most),
    )


def remember(review: Review, reading: Reading, context: AdmissionContext, made: Tree) -> None:
    """Keep in mind which identities of a made spec the service drew: an API server may ask about it once more."""
    if context.policies.engine.of_stated is None:
        return
    abi = reading.spec.get("abi") or {}
    written = {
        *identities(reading.spec.get("domain") or {}),
        *identities({"devices": abi.get("tombstones") or {}}),
    }
    context.drawn.keep(_owner(review), (each for each in identities(made.get("domain") or {}) if each not in written))


def _owner(review: Review) -> Owner:
    return review.user, review.namespace, review.kind, review.name


def _resting(paths: Collection[str], path: str) -> set[str]:
    """The stated paths of tombstones, as if their devices were there; none where one is only left out."""
    start = f"{path}.abi.tombstones."
    below = {each.removeprefix(start) for each in paths if each.startswith(start)}
    if not any("." in each or "[" in each for each in below):
        return set()
    return {f"{path}.domain", f"{path}.domain.devices", *(f"{path}.domain.devices.{each}" for each in below)}


def _told(found: Findings, others: Sequence[Finding], path: str, most: int) -> Findings:
    """The findings with those of tombstones, at the place where these are written."""
    inside, outside = f"{path}.domain.devices", f"{path}.domain"
    told = Findings(found, most)
    told.cut = found.cut
    for each in others:
        place = each.path.removeprefix(inside) if each.path.startswith(inside) else each.path.removeprefix(outside)
        told.take([replace(each, path=f"{path}.abi.tombstones{place}")])
    return told


def _nothing(_identity: Identity) -> bool:
    """The default of one who reads a text that nobody completed before."""
    return False


def stated(
    reading: Reading, context: AdmissionContext, running: Sequence[Tree] = (), ours: Ours = _nothing
) -> set[str]:
    """The paths of a spec that its requester states, each with what is around it; `running` are devices that run."""
    fields = context.policies.engine.declared_fields
    spec, path, known = reading.spec, reading.path, [] if reading.stored is None else [reading.stored]
    found = stated_paths(spec, known, path, fields)
    own = {name: spec[name] for name in ("abi", "domain") if f"{path}.{name}" in found}
    made = _made(reading, context, running, ours) if own and (spec.get("abi") or {}).get("ruleSet") else None
    if made is None:
        return found
    others = stated_paths(own, [*known, made], path, fields)
    return {each for each in found if each.startswith(f"{path}.features")} | others


def _made(reading: Reading, context: AdmissionContext, running: Sequence[Tree], ours: Ours) -> Tree | None:
    """What the service makes of the spec without its domain; None where it cannot."""
    spec, stored = reading.spec, reading.stored
    domain = spec.get("domain") or {}
    rest = {name: value for name, value in spec.items() if name != "domain"}
    try:
        if stored is None or not stored.get("domain"):
            rest["abi"] = {name: value for name, value in spec["abi"].items() if name != "tombstones"}
            return expand(rest, context, reading.path, known=_drawn(domain, ours)).spec
        made = extend(rest, stored, context, reading.path, running).spec
    except Refused:
        return None
    return {**made, "domain": _with_identities(made["domain"], domain, stored["domain"], ours)}


def _drawn(domain: Tree, ours: Ours) -> Tree:
    """A copy of the domain without the identities that the service did not draw."""
    left: Tree = copied(domain)
    if not ours(("", "", "uuid", left.get("uuid"))):
        left.pop("uuid", None)
    devices = left.get("devices") or {}
    for kind in devices.keys() & KINDS.keys():
        entries = devices[kind] if type(devices[kind]) is list else [devices[kind]]
        for one in KINDS[kind].generated:
            for entry in entries:
                if not ours((kind, entry.get("name"), one.path, at(entry, one.path))):
                    _drop(entry, one.path)
    return left


def _with_identities(made: Tree, domain: Tree, stored: Tree, ours: Ours) -> Tree:
    """A made domain in which new devices that are else those of `domain` have the identities drawn for these.

    They are random, so that another expansion has others.
    """
    lists = {**made.get("devices", {})}
    for kind, entries in lists.items():
        generated = KINDS[kind].generated if kind in KINDS and type(entries) is list else ()
        if generated:
            theirs, before = (_by_name(tree, kind) for tree in (domain, stored))
            lists[kind] = [
                _alike(kind, entry, theirs.get(entry.get("name")), ours) if entry.get("name") not in before else entry
                for entry in entries
            ]
    return {**made, "devices": lists}


def _alike(kind: str, made: Tree, other: Tree | None, ours: Ours) -> Tree:
    """The other device where nothing but identities that the service drew tells it from the made one."""
    if other is None:
        return made
    paths = [each.path for each in KINDS[kind].generated]
    for path in paths:
        value = at(other, path)
        if value != at(made, path) and not ours((kind, other.get("name"), path, value)):
            return made
    return other if _without(made, paths) == _without(other, paths) else made


def _without(device: Tree, paths: list[str]) -> Tree:
    rest: Tree = copied(device)
    for path in paths:
        _drop(rest, path)
    return rest


def _drop(device: Tree, path: str) -> None:
    *above, name = path.split(".")
    holder = at(device, ".".join(above)) if above else device
    if type(holder) is dict:
        holder.pop(name, None)


def _by_name(domain: Tree, kind: str) -> dict[Any, Tree]:
    entries = (domain.get("devices") or {}).get(kind)
    return {entry.get("name"): entry for entry in entries} if type(entries) is list else {}
