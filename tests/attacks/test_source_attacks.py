"""What an admin granted to a configuration, on every declared place: its VMs have exactly that, whoever creates them.

A tenant may create VMs and has no right to the field. He names the configuration and says something beside it, names
none, or makes a clone. Each attack has its twin that is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.admission.sourced import NAMESPACE, Stored, clone, knowing, machine, of_config, review, vm
from tests.attacks.manifests import context
from tests.attacks.test_granted import LEVELS, Grant, admins, denied, lacking, others
from webhook.abi.state import LATEST
from webhook.admission.context import AdmissionContext
from webhook.admission.mutate import mutate
from webhook.admission.review import Review
from webhook.admission.validate import validate
from webhook.declare.tree import copied
from webhook.kinds import inspect_spec
from webhook.trees import Tree

ABI = {"policy": "frozen", "ruleSet": "2026.1"}


def configured(facts: AdmissionContext, domain: Tree, abi: Tree | None = None) -> AdmissionContext:
    """The service where the configuration `web` has this domain."""
    spec = {"abi": abi or ABI, "domain": domain}
    return replace(facts, sources={"VirtualMachineConfig": Stored({(NAMESPACE, "web"): spec})})


def refused(asked: Review, facts: AdmissionContext) -> list[str]:
    """Which rules refuse a final object: of policies, and that of sources; not that it is no whole machine."""
    found = (each.rule.split(" ")[0] for each in validate(asked, facts).findings)
    return [rule for rule in found if "/" in rule or rule == "source"]


def created(domain: Tree, abi: Tree | None = None) -> Review:
    return review(of_config({"abi": abi or ABI, "domain": domain}))


@cache
def some(level: str) -> list[Grant]:
    """A grant of each element that has any: what a source does to it is the same for all fields of one."""
    found = {grant.path.rpartition(".")[0]: grant for grant in denied(level) if well_formed(grant)}
    return list(found.values())


def well_formed(grant: Grant) -> bool:
    """Whether the field has a meaning in a spec that says nothing else: a configuration has to be well-formed."""
    return not inspect_spec({"domain": grant.domain}, "spec").findings


@pytest.mark.parametrize("level", LEVELS)
def test_a_vm_of_the_configuration_has_what_an_admin_granted_to_it_and_no_other_has(level: str) -> None:
    wrong = []
    for grant in some(level):
        facts = configured(context(level), grant.domain)
        spec = {"abi": ABI, "domain": grant.domain}
        for asked, allowed in ((of_config(spec), True), (vm(spec), False), (clone(spec), False)):
            if (refused(review(asked), facts) == []) is not allowed:
                wrong.append(f"{grant.path}: {asked['metadata']}")
    assert wrong == []


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("policy", ["frozen", LATEST])
def test_what_it_was_granted_is_neither_turned_nor_left_out(level: str, policy: str) -> None:
    wrong, abi = [], {**ABI, "policy": policy}
    for grant in some(level):
        facts = configured(context(level), grant.domain, abi)
        for after in (*others(grant), lacking(grant.domain, grant.path)):
            if grant.in_device and after.get("devices", {}).get(grant.kind):
                after = _with_name(grant, after)
            if not refused(created(after, abi), facts):
                wrong.append(f"{grant.path}: {grant.value} → {after}")
    assert wrong == []


def _with_name(grant: Grant, domain: Tree) -> Tree:
    entries = domain["devices"][grant.kind]
    device = entries[0] if type(entries) is list else entries
    return grant.with_device({**device, "name": "n0"})


@pytest.mark.parametrize("level", LEVELS)
def test_a_granted_device_is_not_taken_to_another_name_or_used_otherwise(level: str) -> None:
    wrong = []
    for grant in some(level):
        if not grant.in_device:
            continue
        facts = configured(context(level), grant.domain)
        for change in ({"name": "mine"}, {"claim": "mine"}, {"network": "mine"}, {"bootOrder": 7}):
            after = grant.with_device({**grant.device, **change})
            if after != grant.domain and not refused(created(after), facts):
                wrong.append(f"{grant.path}: {change}")
    assert wrong == []


@pytest.mark.parametrize("level", LEVELS)
def test_what_was_granted_to_another_configuration_is_of_no_use(level: str) -> None:
    wrong = []
    for grant in some(level):
        facts = configured(context(level), {"title": "free"})
        facts.sources["VirtualMachineConfig"].specs[(NAMESPACE, "other")] = {"domain": grant.domain}  # type: ignore[index]
        facts.sources["VirtualMachineConfig"].specs[("admins", "web")] = {"domain": grant.domain}  # type: ignore[index]
        if not refused(created(grant.domain), facts):
            wrong.append(grant.path)
    assert wrong == []


@pytest.mark.parametrize("level", LEVELS)
def test_a_tenant_gets_no_configuration_with_what_he_could_not_set(level: str) -> None:
    wrong, admin = [], admins()
    for grant in some(level):
        obj = vm({"abi": ABI, "domain": grant.domain}, kind="VirtualMachineConfig", name="web")
        if not refused(review(obj), context(level)) or refused(review(obj), admin):
            wrong.append(grant.path)
    assert wrong == []


def test_a_grant_of_each_element_is_tried() -> None:
    assert len(some("restricted")) > 150
    assert len({grant.kind for grant in some("restricted")}) > 25


# Past both webhooks: a machine with a few grants, as an admin would write them.

GRANTED: Tree = {
    "domain": {
        "devices": {
            "disks": [{"name": "root", "driver": {"cache": "none"}, "iotune": {"totalIopsSec": 500}}],
            "interfaces": [{"name": "lan", "filterRef": {"filter": "clean-traffic"}}],
        }
    }
}
WHOLE = machine(GRANTED)


def refusals(obj: Tree, facts: AdmissionContext) -> list[str]:
    verdict = mutate(review(obj), facts)
    return [f"{each.path} {each.rule.split(' ')[0]}" for each in verdict.findings]


def test_a_tenant_boots_what_an_admin_configured_by_its_name_alone() -> None:
    facts = knowing({"web": WHOLE})
    assert refusals(of_config({}), facts) == []
    assert validate(review(of_config(WHOLE)), facts).allowed
    assert not validate(review(vm(WHOLE)), facts).allowed


ATTACKS: dict[str, Tree] = {
    "another backend": {"domain": {"devices": {"disks": [{"name": "root", "driver": {"cache": "unsafe"}}]}}},
    "one more backend": {"domain": {"os": {"kernel": "/boot/vmlinuz"}}},
    "without its limit": {"domain": {"devices": {"disks": [{"name": "root", "iotune": {"totalIopsSec": 1}}]}}},
    "another claim for its disk": {"domain": {"devices": {"disks": [{"name": "root", "claim": "mine"}]}}},
    "another network for its NIC": {"domain": {"devices": {"interfaces": [{"name": "lan", "network": "mine"}]}}},
    "another filter": {"domain": {"devices": {"interfaces": [{"name": "lan", "filterRef": {"filter": "none"}}]}}},
    "its words": {"features": {"storage": [{"type": "disk", "source": "mine"}]}},
    "its mark": {"abi": {"origin": "imported"}},
    "its rule set": {"abi": {"policy": "latest"}},
    "a tombstone": {"abi": {"tombstones": {"disks": [{"name": "x", "source": {"file": "/etc/passwd"}}]}}},
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("hook", ["mutate", "validate"])
def test_a_vm_turns_nothing_of_its_configuration(attack: str, hook: str) -> None:
    facts = knowing({"web": WHOLE})
    if hook == "mutate":
        assert refusals(of_config(ATTACKS[attack]), facts) != []
    else:
        assert refused(review(of_config(_laid(copied(WHOLE), ATTACKS[attack]))), facts) != []


def _laid(under: Any, over: Any) -> Any:
    if type(over) is dict and type(under) is dict:
        return {**under, **{name: _laid(under.get(name), value) for name, value in over.items()}}
    if type(over) is list and type(under) is list and all("name" in each for each in under):
        named = {each["name"]: each for each in under}
        return [*(each for each in under if each["name"] not in {o.get("name") for o in over}), *_entries(named, over)]
    return over


def _entries(named: dict[str, Tree], over: list[Tree]) -> Iterator[Tree]:
    return (_laid(named.get(each.get("name", ""), {}), each) for each in over)


def test_a_clone_is_its_makers_own_with_no_more_than_he_may_set() -> None:
    facts = knowing({"web": WHOLE}, {"web": WHOLE})
    for source in ("vm/web", "vmconfig/web"):
        made = mutate(review(clone({}, source)), facts)
        assert made.allowed  # what policies deny, the validating webhook denies
        assert refused(review(clone(WHOLE, source)), facts) != []
    assert validate(review(clone(WHOLE)), replace(admins(), sources=facts.sources)).allowed


def test_a_clone_brings_no_removed_device_of_its_source_back() -> None:
    resting = copied(WHOLE)
    resting["abi"]["tombstones"] = {
        "disks": [{"name": "old", "serial": "S1", "target": {"bus": "virtio", "dev": "vdz"}}]
    }
    facts = knowing({}, {"web": resting})
    patch = mutate(review(clone({})), facts).patch
    assert patch is not None
    assert "tombstones" not in str(patch)


def test_a_name_that_says_a_credential_shows_none_of_it() -> None:
    secret = machine({"domain": {"devices": {"graphics": [{"type": "vnc", "passwd": "hunter2hunter2"}]}}})
    facts = knowing({"web": secret})
    other = copied(secret)
    other["domain"]["devices"]["graphics"][0]["passwd"] = "wrong-guess"
    for verdict in (mutate(review(of_config(other)), facts), validate(review(of_config(other)), facts)):
        assert not verdict.allowed
        assert "hunter2" not in str(verdict)
        assert "wrong-guess" not in str(verdict)
