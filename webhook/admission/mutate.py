"""The mutating webhook: an incoming VM becomes complete, and a stored one stays what it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from webhook.abi.acceptance import Acceptance, Breaking, breaking, frozen_finding, way_out
from webhook.abi.compare import Change, value_in_words
from webhook.abi.running import current_of, running_devices
from webhook.abi.state import LATEST
from webhook.admission.acceptance import acceptance_of
from webhook.admission.context import AdmissionContext
from webhook.admission.from_source import from_source
from webhook.admission.patch import diff
from webhook.admission.policy_check import granted
from webhook.admission.reading import Reading, read
from webhook.admission.restore import Restore, contradicting, restore_of, told
from webhook.admission.review import ALLOWED, Review, Verdict, refusal
from webhook.admission.snapshots import fill_in
from webhook.admission.stated import check_stated, remember
from webhook.admission.unmade import check_unmade
from webhook.declare import FieldPath
from webhook.expand.following import Followed
from webhook.expand.pipeline import Expanded, expand, extend
from webhook.expand.restoring import restored
from webhook.findings import Finding, Findings, Refused
from webhook.kinds import KINDS, SNAPSHOT
from webhook.policy import Decision
from webhook.rule_sets import NEWEST
from webhook.trees import Tree


def mutate(review: Review, context: AdmissionContext) -> Verdict:
    """The patch that completes the object, or all that is wrong with it.

    A review of anything but the creation or update of a VM's spec is allowed as it is.
    """
    if review.kind == SNAPSHOT.name:
        return fill_in(review, context)
    kind = KINDS.get(review.kind)
    if kind is None or review.operation not in ("CREATE", "UPDATE") or review.subresource:
        return ALLOWED
    reading = read(review, kind, context.sources)
    if reading is None:
        return ALLOWED
    findings = Findings(reading.inspection.findings)
    findings.take(reading.stored_inspection.findings)
    written = Decision()
    findings.take(reading.unmet)
    if not findings:
        written = check_stated(review, reading, context, findings.room)
        try:
            made, notes = _completed(review, reading, context)
            if not written.findings:
                remember(review, reading, context, made)
                patch = diff(reading.spec, made, kind.pointer)
                return Verdict(
                    allowed=True, patch=patch, warnings=(*notes, *written.warnings), audits=tuple(written.audits)
                )
        except Refused as refused:
            findings.take(refused.findings)
            findings.take(_changed(reading))
    findings.take(written.findings)
    judged = check_unmade(review, reading, context, findings.room)
    findings.take(judged.findings)
    audits = (*written.audits, *judged.audits)
    return refusal(findings, (*written.warnings, *judged.warnings), audits)


def _changed(reading: Reading) -> Iterator[Finding]:
    """What an update that cannot be completed would change of the frozen machine: all findings at once."""
    spec, stored = reading.spec, reading.stored
    if stored is None or reading.boots or not stored.get("domain") or (spec.get("abi") or {}).get("policy") == LATEST:
        return
    rule_set = (stored.get("abi") or {}).get("ruleSet") or NEWEST
    if (spec.get("abi") or {}).get("ruleSet") not in (None, rule_set):
        # What a move changes is the rule set's doing, and told as such.
        return
    for change, _ in breaking(stored["domain"], spec.get("domain") or {}, rule_set):
        if change.old is not None and change.new is not None:
            yield frozen_finding(change, f"{reading.path}.domain")


def _completed(review: Review, reading: Reading, context: AdmissionContext) -> tuple[Tree, tuple[str, ...]]:
    """The complete spec, and what is told of it; raises Refused."""
    spec, stored = reading.spec, reading.stored
    if reading.source is not None:
        return from_source(spec, reading.source, context, reading.path)
    restore = restore_of(review, reading, context)
    if restore is not None:
        return _restored(review, reading, restore, context)
    if stored is not None and stored.get("domain"):
        running = running_devices(current_of(review.old_object))
        made = extend(spec, stored, context, reading.path, running)
        _accept(made, stored, acceptance_of(review, stored), reading.path)
        for lost in granted(review, replace(reading, spec=made.spec), context):
            lost.restore()
    else:
        made = expand(spec, context, reading.path)
    return made.spec, tuple(map(str, made.notes))


def _restored(
    review: Review, reading: Reading, restore: Restore, context: AdmissionContext
) -> tuple[Tree, tuple[str, ...]]:
    wanted, path = reading.spec["restoreFrom"], reading.path
    made = restored(restore.configuration, wanted, restore.stored, context, path)
    findings = list(contradicting(reading, made))
    if findings:
        raise Refused(findings)
    # Guards that the machine was given since the snapshot stay on their devices.
    for lost in granted(review, replace(reading, spec=made), context):
        lost.restore()
    return made, tuple(told(reading.spec, made, path))


def _accept(made: Expanded, stored: Tree, acceptance: Acceptance, path: str) -> None:
    """Record the accepted change; raises Refused where a feature asks for one that is not accepted.

    What the domain alone asks for is the validating webhook's to refuse.
    """
    abi, domain = made.spec["abi"], made.spec["domain"]
    if abi["policy"] == LATEST:
        return
    found = list(breaking(stored["domain"], domain, (stored.get("abi") or {}).get("ruleSet") or NEWEST))
    if acceptance.accepts(found):
        abi["history"] = acceptance.recorded(found)
        return
    places = [(each, _by_name(each.change, domain)) for each in found]
    origins = [(each, place, _followed(place, made.followed)) for each, place in places]
    # What a feature changes of a device brings its place along: that is no finding of its own.
    devices = {place[:2] for _, place, followed in origins if followed is not None and place[0][0] == "devices"}
    if any(followed for _, _, followed in origins):
        digest = acceptance.wanted(found)
        told = [(each, followed) for each, place, followed in origins if followed or place[:2] not in devices]
        raise Refused([_refused(each, followed, digest, path) for each, followed in told])


def _refused(each: Breaking, followed: Followed | None, digest: str, path: str) -> Finding:
    change, consequence = each
    if followed is None:
        return frozen_finding(change, f"{path}.domain", digest)
    there = "nothing" if change.old is None else value_in_words(change.old, change)
    asked = "nothing" if change.new is None else value_in_words(change.new, change)
    problem = f"asks for {asked}, but `{path}.domain{change.path}` says {there}; {consequence.text}"
    way = "restore the rule set" if followed.origin == f"{path}.abi.ruleSet" else "restore the feature"
    return Finding(followed.origin, problem, way_out(way, digest), "frozen")


def _by_name(change: Change, domain: Tree) -> FieldPath:
    """A change's place with the names of a list's entries instead of their indices."""
    parts = FieldPath.parse(change.path)
    at = 1 if parts[0][0] == "devices" else 0
    entry = FieldPath(parts[: at + 1]).value(domain) if parts[at][1] else None
    if type(entry) is not dict:
        return parts
    key = next((entry[name] for name in ("name", "feature", "timer") if name in entry), parts[at][1])
    return FieldPath((*parts[:at], (parts[at][0], key), *parts[at + 1 :]))


def _followed(place: FieldPath, followed: Mapping[str, Followed]) -> Followed | None:
    """The value that follows a feature there, or the list that does."""
    for length in range(len(place), 0, -1):
        *above, (name, _) = place[:length]
        found = followed.get(f".{FieldPath((*above, (name, '')))}")
        if found is not None:
            return found
    return None
