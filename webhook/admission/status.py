"""What a VM's status says of the machine that runs: judged like a spec, for whoever writes it.

The node's agent writes there, and whoever acts on it trusts it as much as the spec: backend that could not stand in the
one must not come in by the other, and what was granted there stays as it is. What runs is the agent's report, not a
wish: it need not be complete or fit together, but it is this VM's machine, and no two of its devices are in one place.
What shall run is what the VM's domain says, or what still runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from webhook.abi.running import another_machine, current_of, unknown_devices
from webhook.admission.context import AdmissionContext
from webhook.admission.policy_check import check_policy, granted
from webhook.admission.reading import Reading
from webhook.admission.review import Review, Verdict, refusal
from webhook.consistency.identity import distinct
from webhook.findings import Finding, Findings
from webhook.kinds import Kind, inspect_spec
from webhook.policy import Decision
from webhook.trees import Tree

# The parts of a status that have a domain's shape.
PARTS = ("desired", "current")


def validate_status(review: Review, kind: Kind, context: AdmissionContext) -> Verdict:
    """Everything that is wrong with a status that changed; what was stored unchanged is not the requester's doing."""
    new, old = _status(review.object), _status(review.old_object)
    findings = Findings()
    warnings: list[str] = []
    audits: list[Finding] = []
    for part in PARTS:
        domain, stored = new.get(part), old.get(part)
        if domain != stored:
            judged = _judged(review, kind, _Part(part, domain, stored), context)
            findings.take(judged.findings)
            if domain is not None and not any(each.rule == "shape" for each in judged.findings):
                findings.take(_contradictions(part, domain, review))
            findings.cut = findings.cut or judged.cut
            warnings += judged.warnings
            audits += judged.audits
    if findings:
        return refusal(findings, tuple(warnings), tuple(audits))
    return Verdict(allowed=True, warnings=tuple(warnings), audits=tuple(audits))


def _contradictions(part: str, domain: Tree, review: Review) -> Iterator[Finding]:
    """What a configuration of the right shape says that cannot be so of this VM."""
    path, spec = f"status.{part}", _part(_part(review.object, "spec"), "domain")
    yield from another_machine(domain, spec, path)
    yield from distinct(domain, path)
    if part == "desired":
        # What was desired before is not the writer's doing.
        known = [spec, current_of(review.object), current_of(review.old_object), _status(review.old_object).get(part)]
        yield from unknown_devices(domain, known, path)


def _part(tree: Any, name: str) -> Any:
    return tree.get(name) if type(tree) is dict else None


def _status(obj: Any) -> Tree:
    status = obj.get("status") if type(obj) is dict else None
    return status if type(status) is dict else {}


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of a status as it is and as it was."""

    name: str
    domain: Any
    stored: Any


def _judged(review: Review, kind: Kind, part: _Part, context: AdmissionContext) -> Verdict:
    """Policies speak of a spec that holds a domain: the domain is put into a spec, and findings get its own path.

    What they want beside a domain is missing before and after, which is not the requester's doing.
    """
    there = replace(kind, spec=("status", part.name))
    path, inside = there.spec_path, f"{there.spec_path}.domain"
    spec, before = {"domain": {} if part.domain is None else part.domain}, {"domain": part.stored or {}}
    found = inspect_spec(spec, path)
    reading = Reading(there, spec, found, before, inspect_spec(before, path))
    if part.domain is None:
        decision = Decision(Findings(each.finding() for each in granted(review, reading, context)))
    else:
        decision = check_policy(review, reading, context, found.findings.room)

    def moved(findings: list[Finding]) -> tuple[Finding, ...]:
        return tuple(
            replace(each, path=path + each.path[len(inside) :], help=each.help.replace(inside, path))
            for each in findings
        )

    return Verdict(
        allowed=True,
        findings=moved([*found.findings, *decision.findings]),
        warnings=tuple(path + text[len(inside) :] for text in decision.warnings),
        audits=moved(decision.audits),
        cut=found.findings.cut or decision.findings.cut,
    )
