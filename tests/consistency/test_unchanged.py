"""A stored machine that breaks a rule: an update that leaves the part alone is warned, one that touches it refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import yaml

from tests.consistency.followed_cases import CASES, without
from tests.consistency.vms import checked, context, vm
from webhook.admission.mutate import mutate
from webhook.admission.offline import review_of
from webhook.admission.review import Verdict
from webhook.admission.validate import validate
from webhook.consistency import RULES, consistent, consistent_update
from webhook.declare.tree import copied
from webhook.findings import MOST
from webhook.kinds import KINDS
from webhook.trees import Tree

DOMAIN = "spec.domain"
RAW = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text())


@cache
def broken() -> tuple[Tree, ...]:
    """Complete VMs that break a rule, one a case, as a release that does not have the rule would store them."""
    made = [checked(vm(case.get("machine", "q35"), case["domain"]), context())[0] for case in CASES]
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm", "namespace": "tenant"}}
    abi = {"policy": "frozen", "ruleSet": "2026.1"}
    return tuple({**head, "spec": {"abi": abi, "domain": domain}} for domain in made)


def updated(new: Tree, old: Tree) -> Verdict:
    """What both webhooks say of an update."""
    review = replace(review_of(copied(new), KINDS["VM"]), operation="UPDATE", old_object=copied(old))
    first = mutate(review, context())
    if not first.allowed:
        return first
    final = jsonpatch.apply_patch(review.object, list(first.patch or ()))
    return validate(replace(review, object=final), context())


EACH = pytest.mark.parametrize("number", range(len(CASES)), ids=[case["title"] for case in CASES])


@EACH
def test_an_update_of_something_else_is_warned_of_what_is_broken_as_it_was(number: int) -> None:
    stored = broken()[number]
    was = [str(finding) for finding in consistent(stored["spec"]["domain"], DOMAIN)]
    assert was
    update = copied(stored)
    update["spec"]["domain"]["title"] = "another"
    verdict = updated(update, stored)
    assert [str(finding) for finding in verdict.findings] == []
    assert set(was) <= set(verdict.warnings)


@EACH
def test_an_update_that_brings_what_is_broken_is_refused(number: int) -> None:
    update = broken()[number]
    for finding in consistent(update["spec"]["domain"], DOMAIN):
        before = _without(update["spec"]["domain"], finding.path.removeprefix(f"{DOMAIN}."))
        if before is not None:
            found = consistent_update(update["spec"]["domain"], before, DOMAIN)
            assert finding in found.refused


def _without(domain: Tree, place: str) -> Tree | None:
    """The domain before the update: without what stands at a place, or None where nothing does."""
    try:
        return without(copied(domain), place)
    except (KeyError, IndexError):
        return None


DOMAINS = [case["domain"] for case in RAW if case["findings"]]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.refuses], ids=lambda rule: rule.name)
def test_no_rule_refuses_a_stored_domain_as_it_is(rule: Any) -> None:
    """Every rule, over domains that break it: as stored a warning, against nothing stored a refusal."""
    domains = [*DOMAINS, *(stored["spec"]["domain"] for stored in broken())]
    tried = [domain for domain in domains if list(rule(domain, DOMAIN))]
    assert tried
    for domain in tried:
        kept, made = consistent_update(domain, copied(domain), DOMAIN), consistent_update(domain, None, DOMAIN)
        assert not kept.refused
        assert {str(finding) for finding in rule(domain, DOMAIN)} <= {str(finding) for finding in kept.stored}
        assert not made.stored
        assert {str(finding) for finding in rule(domain, DOMAIN)} <= {str(finding) for finding in made.refused}


TWO = {"devices": {"disks": [{"name": "a", "serial": "S"}, {"name": "b", "serial": "S"}]}}


def test_a_device_that_comes_before_it_in_the_list_is_no_change_of_it() -> None:
    more = {"devices": {"disks": [{"name": "new", "serial": "T"}, *TWO["devices"]["disks"]]}}
    found = consistent_update(more, TWO, DOMAIN)
    assert [each.path for each in found.stored if each.rule == "serial"] == ["spec.domain.devices.disks[2].serial"]
    assert [each.path for each in found.refused if each.rule == "serial"] == []


def test_another_field_of_the_same_device_is_a_change_of_it() -> None:
    other = copied(TWO)
    other["devices"]["disks"][1]["readonly"] = True
    found = consistent_update(other, TWO, DOMAIN)
    assert [each.path for each in found.refused if each.rule == "serial"] == ["spec.domain.devices.disks[1].serial"]


def test_one_more_device_that_breaks_the_rule_is_refused_beside_the_old_ones() -> None:
    third = {"devices": {"disks": [*TWO["devices"]["disks"], {"name": "c", "serial": "S"}]}}
    found = consistent_update(third, TWO, DOMAIN)
    assert [each.path for each in found.stored if each.rule == "serial"] == ["spec.domain.devices.disks[1].serial"]
    assert [each.path for each in found.refused if each.rule == "serial"] == ["spec.domain.devices.disks[2].serial"]


def test_behind_many_old_ones_a_new_one_is_refused() -> None:
    old = {"devices": {"disks": [{"name": f"d{number}", "serial": "S"} for number in range(2 * MOST)]}}
    new = {"devices": {"disks": [*old["devices"]["disks"], {"name": "last", "serial": "S"}]}}
    found = consistent_update(new, old, DOMAIN)
    assert len(found.stored) == MOST
    assert f"spec.domain.devices.disks[{2 * MOST}].serial" in [each.path for each in found.refused]
