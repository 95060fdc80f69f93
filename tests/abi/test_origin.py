"""An imported machine stays as it was found: creation adds nothing, and an update only what it asks for."""

from __future__ import annotations

from copy import deepcopy

import pytest

from webhook.abi.changes import changed
from webhook.abi.origin import wrong_origin
from webhook.admission.context import AdmissionContext
from webhook.admission.explain import explain
from webhook.admission.offline import expand_object
from webhook.admission.validate import unfrozen
from webhook.expand.imported import complete_imported
from webhook.expand.pipeline import expand, extend
from webhook.features.platform import Site
from webhook.findings import Refused
from webhook.kinds.spec import declared_fields
from webhook.libvirt.importing.imported import Map, import_domain
from webhook.policy import Policies, shipped
from webhook.rule_sets import NEWEST
from webhook.trees import Tree

CONTEXT = AdmissionContext(policies=Policies(shipped(), declared_fields()), site=Site())
XML = """<domain type='kvm'><name>vm</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
<memory unit='KiB'>1048576</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='{machine}'>hvm</type></os>
<cpu mode='custom' match='exact'><model fallback='forbid'>Nehalem</model></cpu>
<devices><disk type='file' device='disk'><source file='/images/a'/><target dev='{disk}' bus='{bus}'/></disk></devices>
</domain>"""

NAMES = Map({"/images/a": "root"})


def imported(machine: str = "pc-q35-7.2", disk: str = "vda", bus: str = "virtio") -> Tree:
    found = import_domain(XML.format(machine=machine, disk=disk, bus=bus), NAMES)
    assert complete_imported(found.domain, found.type, lambda n: bytes(range(n))) == []
    return {"abi": {"policy": "frozen", "origin": "imported"}, "domain": found.domain}


def vm(spec: Tree) -> Tree:
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm", "namespace": "tenant"}}
    return {**head, "spec": spec}


def stored(spec: Tree) -> Tree:
    return expand(spec, CONTEXT, "spec").spec


def test_creation_adds_nothing_to_an_imported_machine() -> None:
    spec = imported()
    made, findings, _ = expand_object(vm(spec), CONTEXT)
    assert findings == []
    assert made is not None
    assert made["spec"]["domain"] == spec["domain"]
    assert made["spec"]["abi"] == {**spec["abi"], "ruleSet": NEWEST}


def test_creation_adds_to_the_same_domain_without_the_mark() -> None:
    spec = imported()
    del spec["abi"]["origin"]
    assert stored(spec)["domain"] != spec["domain"]


@pytest.mark.parametrize(
    ("machine", "disk", "bus"),
    [("pc-q35-7.2", "vda", "virtio"), ("pc-i440fx-7.2", "hda", "ide"), ("pc-q35-7.2", "sda", "sata")],
)
def test_an_update_adds_what_it_asks_for_and_nothing_else(machine: str, disk: str, bus: str) -> None:
    before = stored(imported(machine, disk, bus))
    asked = {"storage": [{"source": "data", "interface": "virtio"}]}
    after = extend({**deepcopy(before), "features": asked}, before, CONTEXT, "spec").spec
    assert list(unfrozen(before, after, "spec")) == []
    disks = after["domain"]["devices"]["disks"]
    assert disks[0] == before["domain"]["devices"]["disks"][0]
    assert "serial" not in disks[0]
    assert disks[1]["claim"] == "data"
    assert disks[1]["serial"]
    for listed, entries in before["domain"]["devices"].items():
        if listed not in ("disks", "controllers"):
            assert after["domain"]["devices"][listed] == entries
    assert after["domain"].keys() == before["domain"].keys()
    assert after["domain"]["devices"].keys() == before["domain"]["devices"].keys()


def test_an_update_without_the_domain_changes_nothing() -> None:
    before = stored(imported())
    after = extend({"abi": {"origin": "imported"}}, before, CONTEXT, "spec").spec
    assert after["domain"] == before["domain"]


def test_an_incomplete_imported_machine_is_refused() -> None:
    spec = imported()
    del spec["domain"]["devices"]["disks"][0]["address"]
    _, findings, _ = expand_object(vm(spec), CONTEXT)
    assert [finding.path for finding in findings] == ["spec.domain.devices.disks[0].address"]


def test_a_pc_that_names_no_cpu_is_refused_since_no_policy_would_see_it() -> None:
    spec = imported()
    del spec["domain"]["cpu"]
    _, findings, _ = expand_object(vm(spec), CONTEXT)
    assert [finding.path for finding in findings] == ["spec.domain.cpu.model"]


def test_what_a_policy_refuses_it_refuses_of_an_imported_machine_too() -> None:
    spec = imported()
    spec["domain"]["devices"]["disks"][0]["source"] = {"file": "/etc/passwd"}
    _, findings, _ = expand_object(vm(spec), CONTEXT)
    assert [finding.path for finding in findings] == ["spec.domain.devices.disks[0].source.file"]


def test_an_imported_machine_follows_no_rule_set() -> None:
    spec = imported()
    spec["abi"]["policy"] = "latest"
    with pytest.raises(Refused) as refused:
        stored(spec)
    assert [finding.path for finding in refused.value.findings] == ["spec.abi.policy"]


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ({"origin": "imported"}, {"origin": "imported"}, []),
        ({"origin": "imported"}, {}, ["spec.abi.origin"]),
        ({}, {"origin": "imported"}, ["spec.abi.origin"]),
        ({}, {}, []),
        (None, {"origin": "imported"}, []),
        (None, {"origin": "imported", "policy": "latest"}, ["spec.abi.policy"]),
        (None, {"policy": "latest"}, []),
    ],
)
def test_an_origin_does_not_change(before: Tree | None, after: Tree, refused: list[str]) -> None:
    assert [finding.path for finding in wrong_origin(before, after, "spec")] == refused


def test_explain_says_that_a_value_is_as_imported() -> None:
    [explained] = explain(vm(imported()), "spec.domain.devices.disks[0].target.bus", CONTEXT)
    assert explained.value == "virtio"
    assert explained.reasons == ["as imported: the machine was found so, and best practice adds nothing to it"]


def told(features: Tree) -> list[str]:
    """What is told of features that are first said of an imported machine, and how its memory is stored then."""
    before = stored(imported())
    after = extend({**deepcopy(before), "features": features}, before, CONTEXT, "spec").spec
    memory = after["domain"]["memory"]
    return [*(finding.path for finding in changed(before, after, "spec")), str(memory)]


def test_amounts_at_boot_that_a_dump_leaves_unsaid_are_all_that_there_is() -> None:
    assert told({"memory": "1Gi", "cpu": {"count": 1}}) == ["spec.features", "{'size': 1024}"]


def test_memory_that_follows_a_feature_is_a_number_in_both_of_its_fields() -> None:
    changes = ["spec.domain.memory.size", "spec.domain.memory.current"]
    assert told({"memory": "2Gi"}) == [*changes, "{'size': 2048, 'current': 2048}"]


@pytest.mark.parametrize(
    ("word", "listed"), [("graphics", "graphics"), ("console", "serials"), ("rng", "rng"), ("balloon", "memballoon")]
)
def test_a_word_that_declines_takes_away_what_an_imported_machine_has(word: str, listed: str) -> None:
    more = "<console type='pty'/><graphics type='vnc'/><rng model='virtio'><backend model='random'/></rng></devices>"
    found = import_domain(XML.format(machine="pc-q35-7.2", disk="vda", bus="virtio").replace("</devices>", more), NAMES)
    assert complete_imported(found.domain, found.type, lambda n: bytes(range(n))) == []
    before = stored({"abi": {"policy": "frozen", "origin": "imported"}, "domain": found.domain})
    assert before["domain"]["devices"][listed], "libvirt makes a serial port of the console"
    made = extend({**deepcopy(before), "features": {word: False}}, before, CONTEXT, "spec").spec
    gone = made["domain"]["devices"].pop(listed, {"model": "none"})
    kept = {name: device for name, device in before["domain"]["devices"].items() if name != listed}
    assert (gone["model"], made["domain"]["devices"]) == ("none", kept)
