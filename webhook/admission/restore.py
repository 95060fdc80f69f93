"""A restore in a review: whether there is one, of what, and whether it may be. Both webhooks look here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import orjson

from webhook.abi.restoring import is_restore, record, rested, unlike, unlike_resting
from webhook.admission.context import AdmissionContext
from webhook.admission.objects import named
from webhook.admission.reading import Reading
from webhook.admission.review import Review
from webhook.admission.unnamed import unnamed_devices, without_unnamed_tombstones
from webhook.declare import FieldPath, shown
from webhook.declare.tree import at
from webhook.findings import Finding, Refused
from webhook.kinds import KINDS, SNAPSHOT, inspect_spec
from webhook.kinds.snapshot import inspect_snapshot
from webhook.rule_sets import NEWEST
from webhook.trees import Tree

# The lists of devices that may come back otherwise, and what each may be instead.
_INSTEAD = {
    "disks": "placeholder: true` (an empty drive) or `claim: …",
    "interfaces": "placeholder: true` (its link is down) or `network: …",
    "filesystems": "claim: …",
    "hostdevs": "device: …",
}


@dataclass(frozen=True, slots=True, eq=False)
class Restore:
    """A snapshot's configuration, and the spec that it takes the place of: empty where there is none."""

    configuration: Tree
    stored: Tree


def restore_of(review: Review, reading: Reading, context: AdmissionContext) -> Restore | None:
    """What a review restores; None where it restores nothing. Both specs are well formed. Raises Refused."""
    spec, stored = reading.spec, reading.stored
    if not spec.get("restoreFrom") or not is_restore(spec, stored):
        return None
    path, wanted = f"{reading.path}.restoreFrom", spec["restoreFrom"]
    name = wanted.get("snapshot")
    if not name:
        way = "name a VMSnapshot of the same namespace"
        raise Refused([Finding(f"{path}.snapshot", "is missing", way, "restore")])
    snapshot = named(context.sources, SNAPSHOT, review.namespace, name, f"{path}.snapshot")
    configuration, asked = snapshot.spec, snapshot.asked
    if not _is_whole(configuration) or type(asked) is not dict or inspect_snapshot(asked).findings:
        way = "take another one: it was made while the service was away, or by another release"
        raise Refused([Finding(f"{path}.snapshot", f"`{shown(name)}` holds no machine", way, "restore")])
    made = Restore(without_unnamed_tombstones(configuration), stored if stored and stored.get("domain") else {})
    findings = [*_impossible(review, made, path), *_another_machine(review, asked, made, context, path)]
    if asked.get("memory") and wanted.get("devices"):
        problem = f"`{shown(name)}` is one with memory, whose machine comes back exactly or not at all"
        way = "leave `devices` out, or restore a snapshot without memory"
        findings.append(Finding(f"{path}.devices", problem, way, "restore"))
    if findings:
        raise Refused(findings)
    return made


def _is_whole(configuration: Any) -> TypeGuard[Tree]:
    if inspect_spec(configuration, "spec").findings or not (configuration.get("domain") or {}).get("devices"):
        return False
    return not any(unnamed_devices(configuration, "spec"))


def _impossible(review: Review, made: Restore, path: str) -> Iterator[Finding]:
    status = review.old_object.get("status") if type(review.old_object) is dict else None
    if made.stored and type(status) is dict and (status.get("current") or status.get("desired")):
        way = "stop the VM first: the machine that runs cannot become another one"
        yield Finding(path, "is for a VM that does not run, and this one does", way, "restore")


def _another_machine(
    review: Review, asked: Tree, made: Restore, context: AdmissionContext, path: str
) -> Iterator[Finding]:
    """A snapshot of another machine, and one whose machine is there already under another name."""
    uuid = made.configuration["domain"].get("uuid")
    if made.stored:
        own = made.stored["domain"].get("uuid")
        if str(own).lower() != str(uuid).lower():
            problem = f"is of the machine with the UUID `{uuid}`, and this one has `{own}`"
            way = "restore it in the VM that it is of, or create a VM with this `restoreFrom`"
            yield Finding(f"{path}.snapshot", problem, way, "restore")
        return
    source = asked.get("source") or {}
    kind = KINDS.get(source.get("kind") or "")
    if kind is None or kind.name != review.kind or source.get("name") == review.name or context.sources is None:
        return
    there = context.sources[kind.name].find(review.namespace, source.get("name") or "")
    if uuid and there is not None and at(there.spec, "domain.uuid") == uuid:
        problem = f"would make a second machine with the identities of the {kind.name} `{shown(source['name'])}`"
        way = f"restore it in `{shown(source['name'])}`, or delete that one first"
        yield Finding(f"{path}.snapshot", problem, way, "restore")


def contradicting(reading: Reading, made: Tree) -> Iterator[Finding]:
    """What an update says beside a restore, where it is neither what is stored nor what is restored.

    What it leaves out is nothing that it says: server-side apply leaves out what its manifest no longer has.
    """
    stored = reading.stored or {}
    for part in ("features", "domain"):
        said = reading.spec.get(part)
        if said and _is_new(said, [stored.get(part), made.get(part)]):
            problem = "says something else than the machine and the snapshot do"
            way = "restore alone, without it, and change the machine afterwards"
            yield Finding(f"{reading.path}.{part}", problem, way, "restore")


def _is_new(said: Any, known: list[Any]) -> bool:
    """Whether anything in a tree is in none of the others; entries of lists are known by their names."""
    if any(said == other for other in known):
        return False
    if type(said) is dict:
        others = [other for other in known if type(other) is dict]
        return any(_is_new(value, [other.get(name) for other in others]) for name, value in said.items())
    if type(said) is list:
        entries = [entry for other in known if type(other) is list for entry in other]
        texts, by_name = {orjson.dumps(entry) for entry in entries}, _by_name(entries)
        return any(orjson.dumps(entry) not in texts and _is_new(entry, by_name.get(_name(entry), [])) for entry in said)
    return True


def _by_name(entries: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for entry in entries:
        if _name(entry):
            found.setdefault(_name(entry), []).append(entry)
    return found


def _name(entry: Any) -> str:
    name = entry.get("name") if type(entry) is dict else None
    return name if type(name) is str else ""


def not_restored(made: Restore, reading: Reading) -> Iterator[Finding]:
    """Where the final object of a restore is not what the snapshot and the stored object make of it."""
    spec, path = reading.spec, reading.path
    abi = spec.get("abi") or {}
    yield from unlike(made.configuration, spec, path)
    yield from unlike_resting(rested(made.configuration, made.stored), abi, path)
    rule_set = (made.configuration.get("abi") or {}).get("ruleSet")
    if abi.get("ruleSet") != rule_set:
        problem, way = f"is `{abi.get('ruleSet')}`, the snapshot's machine was made by `{rule_set}`", "leave it out"
        yield Finding(f"{path}.abi.ruleSet", problem, way, "restore")
    history = record(made.stored, spec.get("domain") or {}, spec["restoreFrom"], rule_set or NEWEST)
    if (abi.get("history") or []) != history:
        yield Finding(f"{path}.abi.history", "is not what was restored", "leave the history to the service", "restore")


def with_ways(findings: list[Finding], reading: Reading) -> Iterator[Finding]:
    """The findings of policies, those about a device of a restored machine with what may become of it instead."""
    if not findings or type(reading.spec) is not dict or not reading.spec.get("restoreFrom"):
        yield from findings
        return
    inside = f"{reading.path}.domain"
    for each in findings:
        parts = FieldPath.parse(each.path.removeprefix(inside)) if each.path.startswith(f"{inside}.devices.") else ()
        kind = parts[1][0] if len(parts) > 1 else ""
        device: Any = FieldPath(parts[:2]).value(reading.spec.get("domain") or {}) if kind in _INSTEAD else None
        if type(device) is dict and "/" in each.rule:
            where = f"{reading.path}.restoreFrom.devices.{kind}"
            way = f"say what becomes of it in `{where}`: `name: {shown(device.get('name'))}` with `{_INSTEAD[kind]}`"
            each = replace(each, help=f"{way}; or {each.help}" if each.help else way)
        yield each


def told(incoming: Tree, made: Tree, path: str) -> Iterator[str]:
    """What a restore changes beside the machine: the words that a manifest may repeat."""
    if incoming.get("features") and incoming["features"] != made.get("features"):
        yield str(
            Finding(
                f"{path}.features",
                "is the snapshot's now; a manifest that says otherwise changes the machine again when it is applied",
                "take `features` out of the manifest, or write there what is stored now",
            )
        )
