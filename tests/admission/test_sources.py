"""New objects that name another one: VMs of a configuration, and clones; what passes has a twin that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.admission.sourced import (
    FEATURES,
    NAMESPACE,
    Stored,
    admitted,
    clone,
    context,
    knowing,
    machine,
    of_config,
    of_owner,
    review,
    told,
    vm,
)
from webhook.abi.compare import compare
from webhook.admission.mutate import mutate
from webhook.admission.sources import CLONE, CONFIG
from webhook.admission.validate import validate
from webhook.declare import FieldPath
from webhook.declare.identities import identities
from webhook.declare.tree import copied
from webhook.kinds import KINDS, spec_shape
from webhook.trees import Tree

WHOLE = machine()
KNOWN = knowing({"web": WHOLE}, {"web": WHOLE})


# Made of a configuration.


@pytest.mark.parametrize("made", [of_config, of_owner])
@pytest.mark.parametrize("said", [{}, {"features": {}}, {"domain": {"devices": {}}}])
def test_a_vm_of_a_configuration_is_its_machine_in_all_that_it_says(made: Any, said: Tree) -> None:
    final, verdict = admitted(made(said), KNOWN)
    assert final is not None, told(verdict)
    assert final["spec"] == WHOLE


def test_two_vms_one_after_the_other_are_the_same_machine_with_its_identities() -> None:
    first, second = (admitted(of_config({}), knowing({"web": WHOLE}))[0] for _ in range(2))
    assert first is not None
    assert second is not None
    assert first["spec"] == second["spec"]
    assert first["spec"]["domain"]["uuid"] == WHOLE["domain"]["uuid"]


def test_a_vm_that_names_none_is_another_machine() -> None:
    final, _ = admitted(vm({"features": FEATURES}), KNOWN)
    assert final is not None
    assert final["spec"]["domain"]["uuid"] != WHOLE["domain"]["uuid"]


def test_both_ways_to_name_one_configuration_may_be_used_together() -> None:
    both = of_owner({})
    both["metadata"]["annotations"] = {CONFIG: "web"}
    assert admitted(both, KNOWN)[0] is not None


def test_two_configurations_are_refused_with_both_places() -> None:
    both = of_owner({}, "other")
    both["metadata"]["annotations"] = {CONFIG: "web"}
    _, verdict = admitted(both, knowing({"web": WHOLE, "other": WHOLE}))
    assert told(verdict) == [
        "metadata.ownerReferences[0]: names another source than `metadata.annotations[vmconfig.kubevirt.io/config]`"
    ]


@pytest.mark.parametrize(
    "owner",
    [
        {"apiVersion": "apps/v1", "kind": "VirtualMachineConfig", "name": "web"},
        {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VirtualMachinePool", "name": "web"},
        {"kind": 5},
        5,
    ],
)
def test_owners_of_other_kinds_are_nothing_to_be_made_of(owner: Any) -> None:
    final, _ = admitted(vm({"features": FEATURES}, ownerReferences=[owner]), knowing({}))
    assert final is not None


def test_an_unknown_configuration_is_refused_with_the_nearest_name() -> None:
    _, verdict = admitted(of_config({}, "wep"), KNOWN)
    (finding,) = verdict.findings
    assert finding.path == "metadata.annotations[vmconfig.kubevirt.io/config]"
    assert finding.problem == "VirtualMachineConfig `wep` is not in this namespace"
    assert finding.help.startswith("did you mean `web`?")


@pytest.mark.parametrize("name", ["", "other/web", f"../{NAMESPACE}/web", "x" * 100_000, "\x00", "wéb"])
def test_a_name_reaches_no_other_namespace_and_breaks_nothing(name: str) -> None:
    facts = knowing({"web": WHOLE})
    facts.sources["VirtualMachineConfig"].specs[("other", "web")] = WHOLE  # type: ignore[index]
    _, verdict = admitted(of_config({}, name), facts)
    (finding,) = verdict.findings
    assert "is not in this namespace" in finding.problem
    assert len(str(finding)) < 1000


def test_a_vm_is_never_made_anew_while_the_configurations_are_not_known() -> None:
    facts = replace(context(), sources={"VirtualMachineConfig": Stored({}, synced=False)})
    _, verdict = admitted(of_config({"features": FEATURES}), facts)
    (finding,) = verdict.findings
    assert finding.problem.endswith("not all of them are known yet")
    assert finding.help.startswith("try again in a moment")


def test_a_vm_is_never_made_anew_where_no_cluster_is_followed() -> None:
    _, verdict = admitted(of_config({"features": FEATURES}), context())
    (finding,) = verdict.findings
    assert "stored objects are not followed here" in finding.problem
    assert "`vmconfig boot vmconfig/NAME` prints it whole" in finding.help


def test_what_is_printed_whole_passes_where_no_cluster_is_followed() -> None:
    assert admitted(of_config(WHOLE), context())[0] is not None


def test_an_owner_that_was_deleted_and_made_again_is_refused() -> None:
    _, verdict = admitted(of_owner({}, uid="another"), KNOWN)
    assert "was deleted, and another one has its name" in told(verdict)[0]


def test_a_configuration_without_room_is_refused_with_the_way_to_have_it() -> None:
    _, verdict = admitted(of_config({}), knowing({"web": None}))
    (finding,) = verdict.findings
    assert "more than the service keeps" in finding.problem


@pytest.mark.parametrize("spec", [{}, {"features": FEATURES}, 5, {"domain": {"vcpu": "many"}}, {"nonsense": 1}])
def test_a_configuration_that_is_not_complete_where_it_is_stored_makes_no_vm(spec: Any) -> None:
    _, verdict = admitted(of_config({}), knowing({"web": spec}))
    assert "is not complete where it is stored" in told(verdict)[0]


def test_a_configuration_is_made_of_none() -> None:
    obj = vm({"features": FEATURES}, kind="VirtualMachineConfig", annotations={CONFIG: "web"})
    _, verdict = admitted(obj, KNOWN)
    assert "this is a VirtualMachineConfig" in told(verdict)[0]


# What the VM itself says.

SAID: dict[str, Tree] = {
    "a word of a feature": {"features": {"memory": "2Gi"}},
    "all words": {"features": FEATURES},
    "another unit": {"domain": {"memory": {"size": "2Gi"}}},
    "a device by its name": {"domain": {"devices": {"disks": [{"name": "data", "serial": "DATA-1"}]}}},
    "a MAC address in capitals": {
        "domain": {"devices": {"interfaces": [{"name": "lan", "mac": {"address": "52:54:00:00:00:07".upper()}}]}}
    },
    "all of the machine": WHOLE,
}
OTHERWISE: dict[str, tuple[Tree, list[str]]] = {
    "another word of a feature": ({"features": {"memory": "4Gi"}}, ["spec.features.memory"]),
    "a word that it does not have": ({"features": {"hugepages": "2Mi"}}, ["spec.features.hugepages"]),
    "fewer devices": ({"features": {"network": []}}, ["spec.features.network"]),
    "another value": ({"domain": {"memory": {"size": 4096}}}, ["spec.domain.memory.size"]),
    "another device": ({"domain": {"devices": {"disks": [{"name": "more"}]}}}, ["spec.domain.devices.disks[0]"]),
    "a device of the same name": (
        {"domain": {"devices": {"disks": [{"name": "data", "serial": "OTHER", "claim": "data"}]}}},
        ["spec.domain.devices.disks[0].serial"],
    ),
    "its own freeze": ({"abi": {"policy": "latest"}}, ["spec.abi.policy"]),
    "several at once": (
        {"features": {"memory": "4Gi"}, "domain": {"vcpu": {"count": 64}, "title": "mine"}},
        ["spec.features.memory", "spec.domain.vcpu.count", "spec.domain.title"],
    ),
}


@pytest.mark.parametrize("case", SAID)
def test_what_a_vm_says_as_its_configuration_does_passes_and_changes_nothing_that_the_guest_sees(case: str) -> None:
    final, verdict = admitted(of_config(copied(SAID[case])), KNOWN)
    assert final is not None, told(verdict)
    assert list(compare(WHOLE["domain"], final["spec"]["domain"])) == []


@pytest.mark.parametrize("case", OTHERWISE)
def test_what_a_vm_says_otherwise_is_refused_all_at_once_each_with_its_place(case: str) -> None:
    said, places = OTHERWISE[case]
    _, verdict = admitted(of_config(copied(said)), KNOWN)
    assert [each.path for each in verdict.findings] == places
    assert all("VirtualMachineConfig `web`" in each.problem for each in verdict.findings)
    assert all(each.help.startswith("leave it out") for each in verdict.findings)


@pytest.mark.parametrize("case", OTHERWISE)
def test_the_help_followed_leads_to_a_vm_that_passes(case: str) -> None:
    said, places = OTHERWISE[case]
    followed = copied(said)
    for place in places:
        path = FieldPath.parse(place.removeprefix("spec."))
        above = followed
        for name, index in path[:-1]:
            above = above[name][int(index)] if index else above[name]
        name, index = path[-1]
        if index:
            del above[name][int(index)]
        else:
            del above[name]
    assert admitted(of_config(followed), KNOWN)[0] is not None


def test_the_validating_webhook_takes_no_other_machine_whoever_made_it() -> None:
    fewer = copied(WHOLE)
    fewer["domain"]["devices"]["disks"].pop()
    more = copied(WHOLE)
    more["domain"]["title"] = "mine"
    del more["domain"]["memory"]["current"]
    for spec, places in (
        (fewer, ["spec.domain.devices.disks[1]"]),
        (more, ["spec.domain.memory.current", "spec.domain.title"]),
    ):
        found = validate(review(of_config(spec)), KNOWN).findings
        assert sorted(each.path for each in found) == places
    assert validate(review(of_config(copied(WHOLE))), KNOWN).allowed


def test_a_change_of_the_configuration_reaches_the_next_vm() -> None:
    changed = copied(WHOLE)
    changed["features"]["memory"] = "4Gi"
    changed["domain"]["memory"] = {"size": 4096, "current": 4096}
    final, verdict = admitted(of_config({}), knowing({"web": changed}))
    assert final is not None, told(verdict)
    assert final["spec"]["domain"]["memory"]["size"] == 4096
    assert final["spec"]["domain"]["uuid"] == WHOLE["domain"]["uuid"]


def test_a_configuration_that_follows_the_newest_rule_set_keeps_its_identities() -> None:
    latest = copied(WHOLE)
    latest["abi"]["policy"] = "latest"
    final, verdict = admitted(of_config({}), knowing({"web": latest}))
    assert final is not None, told(verdict)
    ours, theirs = (
        {each.path: each.value for each in identities(spec, spec_shape(), "spec")} for spec in (final["spec"], latest)
    )
    assert ours == theirs


def test_an_update_names_no_other_source_and_may_leave_its_own_out() -> None:
    old = of_config(WHOLE)
    new, without = of_config(WHOLE, "other"), vm(WHOLE)
    for hook in (mutate, validate):
        (finding,) = hook(review(new, old), KNOWN).findings
        assert finding.problem == "is read at create alone"
        assert hook(review(without, old), KNOWN).allowed
        assert hook(review(old, old), KNOWN).allowed


# Clones.


@pytest.mark.parametrize("source", ["vm/web", "VM/web", "vmd/web", "vmconfig/web", "VirtualMachineConfig/web"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_clone_has_its_sources_machine_and_other_identities(source: str, kind: str) -> None:
    final, verdict = admitted(clone({}, source, kind), KNOWN)
    assert final is not None, told(verdict)
    spec = KINDS[kind].spec_of(final)
    ours, theirs = ({each.path: each.value for each in identities(one, spec_shape(), "spec")} for one in (spec, WHOLE))
    assert ours.keys() == theirs.keys()
    assert [path for path, value in ours.items() if value == theirs[path]] == []
    seen = {change.declared.removeprefix("domain.") for change in compare(WHOLE["domain"], spec["domain"])}
    assert seen == {"uuid", "devices.disks[*].serial", "devices.interfaces[*].mac.address"}
    assert spec["features"]["network"][0]["mac"] == spec["domain"]["devices"]["interfaces"][0]["mac"]["address"]


def test_a_clone_says_which_claims_it_shares_until_it_has_others() -> None:
    _, verdict = admitted(clone({}), KNOWN)
    (warning,) = mutate(review(clone({})), KNOWN).warnings
    assert "writes to its source's claim `root`, `data`" in warning
    storage = [{**drive, "name": drive["source"], "source": f"{drive['source']}-2"} for drive in FEATURES["storage"]]
    said = {
        "features": {
            **FEATURES,
            "storage": [{k: v for k, v in each.items() if k != "serial"} for each in storage],
            "network": [{"source": "lan"}],
        }
    }
    final, verdict = admitted(clone(said), KNOWN)
    assert final is not None, told(verdict)
    assert [disk["claim"] for disk in final["spec"]["domain"]["devices"]["disks"]] == ["root-2", "data-2"]
    assert mutate(review(clone(said)), KNOWN).warnings == ()


@pytest.mark.parametrize("source", ["vm/web", "vmconfig/web"])
def test_a_clone_that_names_no_guest_has_its_sources(source: str) -> None:
    final, verdict = admitted(clone({"features": {"memory": "4Gi", "network": [{"source": "lan"}]}}, source), KNOWN)
    assert final is not None, told(verdict)
    spec = final["spec"]
    assert spec["features"]["system"] == FEATURES["system"]
    assert spec["domain"]["memory"]["size"] == 4096
    assert spec["domain"]["maxmemory"] == WHOLE["domain"]["maxmemory"]
    assert spec["domain"]["features"] == WHOLE["domain"]["features"]


def test_a_clone_that_names_another_guest_is_refused() -> None:
    _, verdict = admitted(clone({"features": {**FEATURES, "system": {"type": "other"}}}), KNOWN)
    assert any("is other, the machine was made for debian 12" in each for each in told(verdict))


def test_a_clone_may_say_what_an_update_may_and_not_what_breaks_its_guest() -> None:
    final, verdict = admitted(clone({"domain": {"memory": {"current": 1024}}}), KNOWN)
    assert final is not None, told(verdict)
    _, verdict = admitted(clone({"domain": {"os": {"type": {"machine": "pc-q35-9.9"}}}}), KNOWN)
    (finding,) = verdict.findings
    assert finding.path == "spec.domain.os.type.machine"
    assert finding.help == "leave it out: a clone has its source's machine"


@pytest.mark.parametrize("said", ["web", "vm", "snapshot/web", "/web", "vm/web/x", ""])
def test_a_source_of_no_kind_is_refused_with_the_kinds(said: str) -> None:
    _, verdict = admitted(clone({}, said), KNOWN)
    (finding,) = verdict.findings
    assert finding.help == "write `vm/NAME` or `vmconfig/NAME`"


def test_an_unknown_source_is_refused_with_the_nearest_name_of_its_kind() -> None:
    _, verdict = admitted(clone({}, "vm/wep"), knowing({"wep": WHOLE}, {"web": WHOLE}))
    (finding,) = verdict.findings
    assert finding.help.startswith("did you mean `web`?")


def test_a_clone_created_again_from_what_is_stored_is_the_same_machine_without_its_source() -> None:
    first, _ = admitted(clone({}), KNOWN)
    assert first is not None
    second, verdict = admitted(first, knowing({}))
    assert second is not None, told(verdict)
    assert second["spec"] == first["spec"]


@pytest.mark.parametrize("obj", [None, 5, True, [], "x", {}, {"metadata": True}, {"spec": [], "metadata": []}])
@pytest.mark.parametrize("hook", [mutate, validate])
def test_no_object_is_an_error_of_the_service(obj: Any, hook: Any) -> None:
    for kind in KINDS:
        asked = replace(review(vm({}, kind=kind)), object=obj)
        assert not hook(asked, KNOWN).allowed
        hook(replace(asked, operation="UPDATE", old_object=vm({}, kind=kind)), KNOWN)
        hook(replace(asked, operation="UPDATE", object=vm({}, kind=kind), old_object=obj), KNOWN)


@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": 5},
        {"annotations": [CLONE]},
        {"annotations": {CLONE: 5}},
        {"annotations": {CLONE: None}},
        {"annotations": {CONFIG: {"a": "b"}}},
        {"annotations": {CONFIG: "web", CLONE: "vm/web"}},
        {"ownerReferences": {"kind": "VirtualMachineConfig"}},
        {"ownerReferences": [{"kind": "VirtualMachineConfig", "apiVersion": 5, "name": []}]},
        {"ownerReferences": [{"kind": "VirtualMachineConfig", "apiVersion": "kubevirt.io/v1", "name": {"a": 1}}]},
    ],
)
@pytest.mark.parametrize("hook", [mutate, validate])
def test_no_metadata_is_an_error_of_the_service(metadata: Tree, hook: Any) -> None:
    obj = vm({"features": FEATURES})
    obj["metadata"] = metadata
    for one in (review(obj), review(obj, vm({"features": FEATURES})), review(vm({}), {**obj, "spec": {}})):
        hook(one, KNOWN)
