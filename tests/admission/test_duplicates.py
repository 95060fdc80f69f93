"""Identities that another object of the kind has: where they are looked for, what is said, and what is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.admission.sourced import (
    FEATURES,
    NAMESPACE,
    admitted,
    context,
    knowing,
    machine,
    of_config,
    review,
    told,
    vm,
)
from webhook.admission.context import AdmissionContext
from webhook.admission.duplicates import Duplicates, duplicates_of, keys_of, parse
from webhook.admission.identity_index import IdentityIndex
from webhook.admission.mutate import mutate
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.trees import Tree

WHOLE = machine()
EVERYWHERE = "mac=deny@cluster,uuid=deny@cluster,serial=deny@cluster,wwn=deny@cluster"
TWIN = {"MAC address": "52:54:00:00:00:07", "UUID": WHOLE["domain"]["uuid"], "serial number": "DATA-1"}


@dataclass
class Known:
    index: IdentityIndex
    synced: bool = True


def looking(setting: str, *owners: str, synced: bool = True, spec: Tree = WHOLE) -> AdmissionContext:
    """A service that looks for these duplicates, where each owner has the spec."""
    index = IdentityIndex()
    for owner in owners:
        index.put(owner, keys_of(spec))
    known = Known(index, synced)
    return replace(context(), duplicates=Duplicates(parse(setting), {"VM": known, "VirtualMachineConfig": known}))


def said(facts: AdmissionContext, spec: Tree = WHOLE, old: Tree | None = None) -> tuple[list[str], list[str]]:
    """What a VM `web-1` is refused for, and what it is warned of."""
    verdict = validate(review(vm(spec), None if old is None else vm(old)), facts)
    return told(verdict), list(verdict.warnings)


def test_an_identity_of_another_vm_is_refused_with_its_place_and_its_owner() -> None:
    refused, _ = said(looking(EVERYWHERE, f"{NAMESPACE}/db"))
    assert len(refused) == 4  # of two disks one has a serial number that the service made
    assert f"spec.domain.uuid: UUID `{TWIN['UUID']}` is that of `db` too" in refused
    assert (
        "spec.domain.devices.interfaces[0].mac.address: MAC address `52:54:00:00:00:07` is that of `db` too" in refused
    )
    assert "spec.domain.devices.disks[1].serial: serial number `DATA-1` is that of `db` too" in refused


def test_an_identity_that_nobody_else_has_is_not() -> None:
    assert said(looking(EVERYWHERE, f"{NAMESPACE}/db", spec=machine(seed=3, over={"features": {"memory": 512}}))) == (
        [],
        [],
    )


def test_a_vm_is_no_duplicate_of_itself() -> None:
    assert said(looking(EVERYWHERE, f"{NAMESPACE}/web-1")) == ([], [])


def test_a_vm_of_that_name_in_another_namespace_is() -> None:
    refused, _ = said(looking("uuid=deny@cluster", "other/web-1"))
    assert refused == [f"spec.domain.uuid: UUID `{TWIN['UUID']}` is that of 1 in other namespaces too"]


@pytest.mark.parametrize(
    ("setting", "owners", "count"),
    [
        ("mac=warn@namespace", ["other/db"], 0),
        ("mac=warn@namespace", [f"{NAMESPACE}/db"], 1),
        ("mac=warn@namespace", [f"{NAMESPACE}-2/db"], 0),
        ("mac=warn@cluster", ["other/db"], 1),
        ("wwn=warn@cluster", [f"{NAMESPACE}/db"], 0),
        ("", [f"{NAMESPACE}/db"], 0),
    ],
)
def test_it_is_looked_for_where_and_for_what_the_setting_says(setting: str, owners: list[str], count: int) -> None:
    refused, warned = said(looking(setting, *owners))
    assert (refused, len(warned)) == ([], count)


def test_names_of_other_namespaces_are_not_told_and_many_are_counted() -> None:
    _, (warned,) = said(looking("mac=warn@cluster", "secret/a", "secret/b", *(f"{NAMESPACE}/v{n}" for n in range(5))))
    assert "is that of `v0`, `v1`, `v2`, 2 more, 2 in other namespaces too" in warned
    assert "secret" not in warned


def test_what_is_stored_already_is_not_the_requesters_doing() -> None:
    facts = looking(EVERYWHERE, f"{NAMESPACE}/db")
    changed = copied(WHOLE)
    changed["domain"]["title"] = "mine"
    refused, _ = said(facts, changed, WHOLE)
    assert refused == []
    other = copied(WHOLE)
    other["domain"]["devices"]["disks"][1]["wwn"] = "5000c50015ea71ac"
    refused, _ = said(looking(EVERYWHERE, f"{NAMESPACE}/db", spec=other), other, WHOLE)
    assert [each for each in refused if "WWN `5000c50015ea71ac` is that of `db` too" in each]


def test_the_help_followed_leads_to_a_vm_that_passes() -> None:
    facts = looking(EVERYWHERE, f"{NAMESPACE}/db", spec=machine(seed=2))
    (finding,) = [each for each in admitted(vm({"features": FEATURES}), facts)[1].findings if "mac" in each.path]
    assert finding.help == "give it another value, or leave it out where the service makes one"
    followed = copied(FEATURES)
    del followed["network"][0]["mac"]
    del followed["storage"][1]["serial"]
    fresh = replace(facts, entropy=Random(9).randbytes)
    assert admitted(vm({"features": followed}), fresh)[0] is not None


def test_a_second_vm_of_one_configuration_is_told_what_to_do_instead() -> None:
    facts = replace(looking(EVERYWHERE, f"{NAMESPACE}/first"), sources=knowing({"web": WHOLE}).sources)
    _, verdict = admitted(of_config({}), facts)
    assert verdict.findings
    assert {each.help for each in verdict.findings} == {
        "two VMs of one configuration are the same machine: delete the other one first, or make a clone"
    }
    again = replace(looking(EVERYWHERE, f"{NAMESPACE}/web-1"), sources=facts.sources)
    assert admitted(of_config({}), again)[0] is not None


@pytest.mark.parametrize(("action", "refuses"), [("deny", True), ("warn", False)])
def test_while_not_all_vms_are_known_only_what_would_be_refused_is(action: str, refuses: bool) -> None:
    refused, warned = said(looking(f"mac={action}@cluster", synced=False))
    assert (len(refused), len(warned)) == ((1, 0) if refuses else (0, 1))
    assert "the service does not know all of them yet" in (refused or warned)[0]
    changed = copied(WHOLE)
    changed["domain"]["title"] = "mine"
    assert said(looking(f"mac={action}@cluster", synced=False), changed, WHOLE)[0] == []


def test_what_qemu_calls_the_drives_of_every_machine_is_nobodys() -> None:
    spec = copied(WHOLE)
    for disk, serial in zip(spec["domain"]["devices"]["disks"], ("QM00001", "qm00002"), strict=True):
        disk["serial"] = serial
    assert not [key for key in keys_of(spec) if key[0] == "serial"]


def test_the_mutating_webhook_says_nothing_of_it() -> None:
    assert mutate(review(vm({"features": FEATURES})), looking(EVERYWHERE, f"{NAMESPACE}/db")).allowed


def test_an_audit_names_the_others_and_the_namespace_itself_is_told_how_many() -> None:
    index = IdentityIndex()
    for owner in ("a/one", "b/two"):
        index.put(owner, keys_of(WHOLE))
    ((found, told_there),) = duplicates_of(WHOLE, "a/one", index, parse("uuid=warn@cluster"), "spec")
    assert found.finding.problem == f"UUID `{TWIN['UUID']}` is that of `b/two` too"
    assert told_there.problem == f"UUID `{TWIN['UUID']}` is that of 1 in other namespaces too"
    assert list(duplicates_of(WHOLE, "a/one", index, parse("uuid=warn@namespace"), "spec")) == []


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("mack=deny@cluster", "`mack` in `mack=deny@cluster` is none of uuid, mac, serial, wwn; did you mean mac?"),
        ("mac=forbid@cluster", "none of warn, deny"),
        ("mac=deny", "none of namespace, cluster"),
        ("mac", "none of warn, deny"),
        ("mac=deny@cluster;uuid=deny@cluster", "none of namespace, cluster"),
    ],
)
def test_a_setting_that_means_nothing_is_refused_with_what_there_is(setting: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        parse(setting)
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    "spec", [None, 5, [], {"domain": []}, {"domain": {"uuid": 5, "devices": {"disks": {"serial": 1}}}}]
)
def test_what_is_malformed_where_it_is_stored_has_no_identities(spec: Any) -> None:
    assert list(keys_of(spec)) == []


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.integers(0, 4))), max_size=12)


@given(STEPS)
def test_an_index_that_is_kept_up_to_date_is_the_one_that_is_made_anew(steps: list[tuple[str, set[int]]]) -> None:
    index, last = IdentityIndex(), dict[str, set[int]]()
    for owner, values in steps:
        index.put(owner, [("mac", str(value)) for value in values])
        last[owner] = values
    for value in range(5):
        for owner in "abc":
            others = {each for each, values in last.items() if value in values and each != owner}
            assert set(index.others(("mac", str(value)), owner)) == others
    assert len(index) == len(set().union(*last.values()))
    for owner in last:
        index.drop(owner)
    assert len(index) == 0
