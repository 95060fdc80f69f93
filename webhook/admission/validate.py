"""The validating webhook: checks the final object, whatever the mutating webhook or anybody else made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from webhook.abi.acceptance import Acceptance, breaking, frozen_finding
from webhook.abi.changes import changed
from webhook.abi.compare import compare
from webhook.abi.freeze import device_keys, devices_of, tombstone_of
from webhook.abi.origin import is_imported, unsaid_cpu, wrong_origin
from webhook.abi.resting import forgotten, gave_up, key_of, new_places
from webhook.abi.running import current_of, running_devices
from webhook.abi.state import LATEST
from webhook.abi.tombstones import reserved_places
from webhook.admission.acceptance import acceptance_of
from webhook.admission.context import AdmissionContext
from webhook.admission.duplicates import DENY
from webhook.admission.policy_check import check_policy
from webhook.admission.reading import Reading, read
from webhook.admission.restore import Restore, not_restored, restore_of, with_ways
from webhook.admission.review import ALLOWED, Review, Verdict, refusal
from webhook.admission.site import machine_of_no_node
from webhook.admission.snapshots import validate_snapshot
from webhook.admission.sources import Source
from webhook.admission.statements import contradictions
from webhook.admission.status import validate_status
from webhook.admission.words import at_words
from webhook.consistency import consistent_update, warned_of
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import KINDS, SNAPSHOT
from webhook.rule_sets import NEWEST, RULE_SETS
from webhook.trees import Tree


def validate(review: Review, context: AdmissionContext) -> Verdict:
    """Everything that is wrong with the final object: shape, policy, consistency, and what changed of the frozen."""
    if review.kind == SNAPSHOT.name:
        return validate_snapshot(review, context)
    kind = KINDS.get(review.kind)
    if kind is None or review.operation not in ("CREATE", "UPDATE"):
        return ALLOWED
    if review.subresource:
        return validate_status(review, kind, context) if review.subresource == "status" else ALLOWED
    reading = read(review, kind, context.sources)
    if reading is None:
        return ALLOWED
    spec, stored = reading.spec, reading.stored
    findings = Findings(reading.inspection.findings)
    findings.take(reading.stored_inspection.findings)
    findings.take(reading.unmet)
    warnings = Findings()
    if not findings:
        domain, path = spec.get("domain") or {}, f"{kind.spec_path}.domain"
        restore, refused = _restore_of(review, reading, context)
        before = stored if restore is None else restore.configuration
        found = consistent_update(domain, None if before is None else before.get("domain"), path)
        findings.take(at_words(found.refused, reading, context))
        warnings.take(at_words(found.stored, reading, context))
        warnings.take(at_words(Findings(warned_of(domain, path)), reading, context))
        findings.take(machine_of_no_node(spec, context.site, kind.spec_path, stored))
        findings.take(unsaid_cpu(spec.get("abi") or {}, domain, kind.spec_path))
        findings.take(refused or _beside(review, reading, restore))
        if context.duplicates is not None:
            for action, finding in context.duplicates.found(review, kind, reading.boots):
                (findings if action == DENY else warnings).take((finding,))
    judged = check_policy(review, reading, context, findings.room)
    findings.take(with_ways(judged.findings, reading))
    findings.cut = findings.cut or judged.findings.cut
    if not findings and stored is not None and stored.get("domain"):
        warnings.take(changed(stored, spec, kind.spec_path))
    warning_texts = (*judged.warnings, *map(str, warnings))
    if findings:
        return refusal(findings, warning_texts, tuple(judged.audits))
    return Verdict(allowed=True, warnings=warning_texts, audits=tuple(judged.audits))


def _restore_of(
    review: Review, reading: Reading, context: AdmissionContext
) -> tuple[Restore | None, Sequence[Finding]]:
    """What a review restores, or why it may not."""
    try:
        return restore_of(review, reading, context), ()
    except Refused as refused:
        return None, refused.findings


def _beside(review: Review, reading: Reading, restore: Restore | None) -> Iterator[Finding]:
    """What is wrong with a spec beside the one that is stored, or the one that it is restored from."""
    spec, stored, path = reading.spec, reading.stored, reading.path
    before = stored if restore is None else restore.configuration
    before_abi = None if before is None or not before.get("domain") else before.get("abi") or {}
    yield from wrong_origin(before_abi, spec.get("abi") or {}, path)
    running = running_devices(current_of(review.old_object))
    yield from reserved_places(before or {}, spec, running, path)
    if restore is not None:
        yield from not_restored(restore, reading)
    elif reading.source is not None and reading.boots:
        yield from _other_machine(reading, reading.source)
    elif stored is not None and stored.get("domain"):
        yield from unfrozen(stored, spec, path, acceptance_of(review, stored))


def _other_machine(reading: Reading, source: Source) -> Iterator[Finding]:
    """Where the spec is not the machine of the configuration which it is made of."""
    spec, stored, path = reading.spec, reading.stored, reading.path
    follows = (stored.get("abi") or {}).get("policy") == LATEST
    # What follows the newest rule set may be another machine today, and goes on to follow it.
    said = {"abi": {"policy": (spec.get("abi") or {}).get("policy")}} if follows else spec
    yield from contradictions(said, stored, str(source), path, whole=not follows)


def unfrozen(stored: Tree, spec: Tree, path: str, acceptance: Acceptance | None = None) -> Iterator[Finding]:
    """What an update would change of the machine that the guest was installed on, unless it is accepted."""
    abi = spec.get("abi") or {}
    acceptance = acceptance or Acceptance((), (stored.get("abi") or {}).get("history") or [], "")
    if abi.get("policy") == LATEST:
        yield from _altered_tombstone(stored, spec, path, placed=False)
        yield from _altered_age(stored, abi, path)
        yield from _altered_history(abi, acceptance.history, path)
        return
    tombstones: Tree = abi.get("tombstones") or {}
    resting = device_keys([{"devices": tombstones}])
    old, new = stored["domain"], spec.get("domain") or {}
    rule_set = (stored.get("abi") or {}).get("ruleSet") or NEWEST
    gone = forgotten(stored, spec)
    for change in compare(old, new, rule_set):
        if change.device and _place(change.declared, change.old) not in resting | gone:
            yield frozen_finding(change, f"{path}.domain")
    found = list(breaking(old, new, rule_set))
    accepted = acceptance.accepts(found)
    digest = "" if accepted else acceptance.wanted(found)
    for change, _ in () if accepted else found:
        yield frozen_finding(change, f"{path}.domain", digest)
    yield from _altered_history(abi, acceptance.recorded(found) if accepted else acceptance.history, path)
    yield from _missing_tombstone(stored, spec, resting | gone, path)
    yield from _altered_tombstone(stored, spec, path)
    yield from _altered_age(stored, abi, path)
    yield from _rule_set_change(stored, abi, path)


def _altered_history(abi: Tree, wanted: list[Tree], path: str) -> Iterator[Finding]:
    """A record of accepted changes that is not the stored one with what is accepted now."""
    if (abi.get("history") or []) != wanted:
        yield Finding(f"{path}.abi.history", "is not what was accepted", "leave the history to the service", "frozen")


def _place(declared: str, device: Tree) -> tuple[str, str]:
    kind = declared.removeprefix("domain.devices.").removesuffix("[*]")
    return kind, device.get("name") or kind


def _missing_tombstone(stored: Tree, spec: Tree, resting: set[tuple[str, str]], path: str) -> Iterator[Finding]:
    """Tombstones that are gone although their device did not come back."""
    before = device_keys([{"devices": (stored.get("abi") or {}).get("tombstones") or {}}])
    present = device_keys([spec.get("domain") or {}])
    return (
        Finding(
            f"{path}.abi.tombstones.{kind}[{name}]",
            "is gone; another device could take the place that the removed one left",
            "leave tombstones to the service",
            "frozen",
        )
        for kind, name in sorted(before - resting - present)
    )


def _altered_age(stored: Tree, abi: Tree, path: str) -> Iterator[Finding]:
    """Ages of tombstones that are not the stored ones, with those of the devices that rest now."""
    were: Tree = stored.get("abi") or {}
    before, resting = (device_keys([{"devices": each.get("tombstones") or {}}]) for each in (were, abi))
    known = [entry for entry in were.get("removed") or () if key_of(entry) in resting]
    ages = abi.get("removed") or []
    new = [key_of(entry) for entry in ages[len(known) :]]
    if ages[: len(known)] != known or len(set(new)) < len(new) or not resting - before >= set(new):
        problem = "is not when the devices were removed"
        yield Finding(f"{path}.abi.removed", problem, "leave it to the service", "frozen")


def _altered_tombstone(stored: Tree, spec: Tree, path: str, *, placed: bool = True) -> Iterator[Finding]:
    """Tombstones that are not the device that rests, or are of none; where they keep no place, without it.

    One whose place a new device has now has given it up.
    """
    abi: Tree = spec.get("abi") or {}
    were = devices_of(stored["domain"].get("devices", {})) | devices_of(
        (stored.get("abi") or {}).get("tombstones") or {}
    )
    resting = devices_of(abi.get("tombstones") or {})
    altered = [
        key for key, device in resting.items() if _rest(key[0], were.get(key), placed) != _rest(key[0], device, placed)
    ]
    places = new_places(stored, spec) if altered else set()
    return (
        Finding(
            f"{path}.abi.tombstones.{kind}[{name}]",
            "is not the device that was there",
            "leave tombstones to the service",
            "frozen",
        )
        for kind, name in sorted(altered)
        if not gave_up((kind, name), were.get((kind, name)), resting[kind, name], places)
    )


def _rest(kind: str, device: Tree | None, placed: bool) -> Tree | None:
    left = tombstone_of(kind, device)
    return left if placed or left is None else {**left, "address": None}


def _rule_set_change(stored: Tree, abi: Tree, path: str) -> list[Finding]:
    """A machine moves to a rule set that this release has; one that was found elsewhere follows none."""
    before, after = (stored.get("abi") or {}).get("ruleSet"), abi.get("ruleSet")
    if before is None or before == after or (after in RULE_SETS and not is_imported(abi)):
        return []
    problem = f"is `{after}`, the machine was made by `{before}`"
    return [Finding(f"{path}.abi.ruleSet", problem, "restore the stored rule set", "frozen")]
