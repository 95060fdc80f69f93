"""Every attack is refused for the right reasons by the validating half alone and by both; every twin passes."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from tests.admission.reviews import review
from tests.attacks.attack_cases import Case, Findings, cases
from tests.attacks.judge import objections
from tests.attacks.manifests import manifest, spec_of
from tests.attacks.wire import Answer, Wire
from webhook.kinds import KINDS
from webhook.trees import Tree

TREES = [case for case in cases() if not case.yaml and not case.raw]
ATTACKS = [case for case in TREES if case.is_attack]
TWINS = [case for case in TREES if not case.is_attack]
RAW = [case for case in cases() if case.raw]
# What the mutating half would have filled in or kept is not what an attack is refused for.
OPEN, FROZEN = "complete", "frozen"

Of = Callable[[str], Wire]


def ids(case: Case) -> str:
    return case.id


def without(findings: Findings, *rules: str) -> Findings:
    return frozenset(each for each in findings if each[1] not in rules)


def whole(case: Case, kind: str, part: Tree | None = None) -> Tree:
    """The case's part in a machine as it is stored."""
    return manifest(kind, spec_of(case.base, case.part if part is None else part, complete=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ATTACKS, ids=ids)
def test_an_attack_is_refused_by_both_webhooks_together(wire: Of, case: Case, kind: str) -> None:
    obj = manifest(kind, spec_of(case.base, case.part, complete=False))
    assert wire(case.level).pair(obj).findings == case.refused


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", [case for case in ATTACKS if not case.through], ids=ids)
def test_an_attack_past_the_mutating_webhook_is_refused_on_create(wire: Of, case: Case, kind: str) -> None:
    answer = wire(case.level).ask("validate", whole(case, kind))
    assert not answer.allowed
    assert without(answer.findings, OPEN) == case.refused


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", [case for case in ATTACKS if not case.through], ids=ids)
def test_an_attack_past_the_mutating_webhook_is_refused_on_update(wire: Of, case: Case, kind: str) -> None:
    stored = whole(case, kind, {})
    answer = wire(case.level).ask("validate", whole(case, kind), stored)
    assert not answer.allowed
    assert without(answer.findings, OPEN, FROZEN) == case.refused


@pytest.mark.parametrize("case", [case for case in ATTACKS if case.through], ids=ids)
def test_an_attack_that_waits_for_expansion_does_nothing_without_it(wire: Of, case: Case) -> None:
    obj = whole(case, "VM")
    answer = wire(case.level).ask("validate", obj)
    assert not answer.findings
    assert not objections(obj["spec"]["domain"], "web-1")


# Rules by path, which judge a device when it returns.
RETURNING = frozenset({"restricted/no-other-namespace", "restricted/no-vsock"})
ENTOMBED = [
    case
    for case in ATTACKS
    if case.level == "restricted"
    and case.entombed()
    and all(("/" in rule and rule not in RETURNING) or rule == "shape" for _, rule in case.refused)
]


@pytest.mark.parametrize("case", ENTOMBED, ids=ids)
def test_an_attack_among_the_tombstones_is_refused_too(wire: Of, case: Case) -> None:
    answer = wire(case.level).ask("validate", whole(case, "VM", case.entombed()))
    expected = frozenset((path.replace("domain.devices", "abi.tombstones", 1), rule) for path, rule in case.refused)
    assert answer.findings == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", TWINS, ids=ids)
def test_a_twin_passes_and_nothing_of_it_reaches_the_host(wire: Of, case: Case, kind: str) -> None:
    asked = wire(case.level)
    made = asked.pair(manifest(kind, spec_of(case.base, case.part, complete=False)))
    assert made.allowed, made.message
    again: Answer = asked.ask("mutate", made.object, made.object)
    assert again.object == made.object
    if case.level == "restricted":
        assert not objections(KINDS[kind].spec_of(made.object)["domain"], "web-1")


@pytest.mark.parametrize("case", RAW, ids=ids)
def test_what_only_text_can_say_is_refused(wire: Of, case: Case) -> None:
    """The text of a spec stands in a review as it is: JSON that no tree can hold."""
    body = orjson.dumps(review(manifest("VM", "SPEC"))).replace(b'"SPEC"', case.raw.encode())
    asked = wire(case.level)
    assert asked.post("mutate", body).status_code == case.status
    answer = asked.post("validate", body)
    assert answer.status_code == case.status
    if case.status == 200:
        assert answer.json()["response"]["allowed"] is False
        message = answer.json()["response"]["status"]["message"]
        assert all(path in message for path, _ in case.refused)
    else:
        assert answer.json()["status"] == "Failure"
