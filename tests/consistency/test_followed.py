"""The help of every finding, tried: followed, the finding is gone and the VM passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.consistency.followed_cases import CASES, without
from tests.consistency.vms import checked, context, vm
from webhook.admission.context import AdmissionContext
from webhook.consistency import RULES
from webhook.consistency.fitting_table import rows
from webhook.trees import Tree

RAW = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text())
DOMAIN = "spec.domain."


@pytest.fixture(scope="module")
def site() -> AdmissionContext:
    return context()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_what_does_not_fit_is_refused(case: Tree, site: AdmissionContext) -> None:
    _, findings = checked(vm(case.get("machine", "q35"), case["domain"]), site)
    assert DOMAIN + case["at"] in [finding.path for finding in findings]
    assert all(finding.help for finding in findings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["twin"])
def test_what_the_help_says_is_not(case: Tree, site: AdmissionContext) -> None:
    _, findings = checked(vm(case.get("machine", "q35"), case["followed"]), site)
    assert [str(finding) for finding in findings] == []


REMOVED = [
    case
    for case in CASES
    for finding in checked(vm(case.get("machine", "q35"), case["domain"]), context())[1]
    if finding.path == DOMAIN + case["at"] and finding.help.startswith("remove it")
]


@pytest.mark.parametrize("case", REMOVED, ids=lambda case: case["title"])
def test_a_field_that_the_help_says_to_remove_may_go(case: Tree, site: AdmissionContext) -> None:
    obj = vm(case.get("machine", "q35"), case["domain"])
    without(obj["spec"]["domain"], case["at"])
    _, findings = checked(obj, site)
    assert DOMAIN + case["at"] not in [finding.path for finding in findings]


def test_every_row_is_breached_by_some_case(site: AdmissionContext) -> None:
    domains = [checked(vm(case.get("machine", "q35"), case["domain"]), site)[0] or {} for case in CASES]
    domains += [case["domain"] for case in RAW]
    breached = {
        _group(row)
        for at, row in rows()
        if not row.dropped and any(any(row.breaches(part)) for domain in domains for part in _parts(domain, at))
    }
    groups = {_group(row): f"{at} {row.field}" for at, row in rows() if not row.dropped}
    assert [told for group, told in groups.items() if group not in breached] == []


def _group(row: Any) -> Any:
    """Rows that were written as one: all but the field, since each of several fields is tried by one of them."""
    return (row.values, row.guard, row.fits, row.among, row.bounds, row.needs, row.never)


def _parts(domain: Tree, at: str) -> list[Tree]:
    """The elements at a path of the table."""
    found: list[Any] = [domain]
    for name in at.replace("[*]", "").split(".") if at else ():
        inner = [tree.get(name) for tree in found]
        found = [item for each in inner for item in (each if isinstance(each, list) else [each]) if item]
    return found


# What no tenant meets who sends his VM through the mutating webhook, or not on the emulated site of these cases; each
# has its cases, and what is right beside them, in cases.yaml.
ELSEWHERE = {
    "machine_is_versioned": "the mutating webhook writes the version",
    "places_differ": "the allocator refuses it before",
    "claims_have_a_name": "the expansion refuses it before",
    "secure_boot_is_possible": "the expansion refuses it before",
    "shared_memory_is_named": "its way out is an admin's",
    "memory_uuids_differ": "of devices that need a host's memory",
    "virtio_backends_have_virtio_nics": "of a network that an admin alone states",
    "arm_has_the_nodes_cpu": "under KVM alone",
}


def test_every_rule_has_a_case_whose_help_is_followed(site: AdmissionContext) -> None:
    domains = [checked(vm(case.get("machine", "q35"), case["domain"]), site)[0] for case in CASES]
    domains = [domain for domain in domains if domain is not None]
    found = {rule.name for rule in RULES for domain in domains if any(rule(domain, "spec.domain"))}
    assert [rule.name for rule in RULES if rule.refuses and rule.name not in {*found, *ELSEWHERE}] == []
    assert not found & set(ELSEWHERE)
