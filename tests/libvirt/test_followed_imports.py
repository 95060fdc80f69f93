"""The help of what an import refuses, followed: the finding is gone, and the machine is admitted as it is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from tests.consistency.vms import context
from webhook.admission.offline import expand_object
from webhook.expand.imported import complete_imported
from webhook.libvirt.importing.imported import Imported, Map, examine
from webhook.trees import Tree

CASES: list[Tree] = yaml.safe_load(Path(__file__).with_name("followed.yaml").read_text())
XML = """<domain type='qemu'><name>vm</name><memory unit='GiB'>1</memory><vcpu>1</vcpu>
<os><type {arch} machine='{machine}'>hvm</type>{os}</os>{cpu}<devices>{devices}</devices></domain>"""
CPU = "<cpu mode='custom' match='exact'><model>Westmere</model></cpu>"
IDS = [case["title"] for case in CASES]


def examined(given: Tree) -> Imported:
    said = {"arch": "x86_64", "machine": "pc-q35-7.2", "os": "", "cpu": CPU, "devices": "", **given.get("xml", {})}
    said["arch"] = f"arch='{said['arch']}'" if said["arch"] else ""
    names = Map(*(given.get(part, {}) for part in ("claims", "networks", "secrets")), conventional=False)
    return examine(XML.format(**said), names, given.get("machine", ""))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_what_is_refused_says_the_way_out(case: Tree) -> None:
    found = examined(case)
    helps = {each.path: each.help for each in (*found.wrong, *found.missing)}
    assert helps == case["help"]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_who_takes_the_way_out_has_the_machine(case: Tree) -> None:
    found = examined(case["followed"])
    assert [str(each) for each in (*found.wrong, *found.missing)] == []
    assert complete_imported(found.domain, found.type, random.Random("made").randbytes) == []
    spec = {"abi": {"policy": "frozen", "origin": "imported"}, "domain": found.domain}
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "vm", "namespace": "tenant"}}
    made, findings, _ = expand_object({**head, "spec": spec}, context())
    assert [str(finding) for finding in findings] == []
    assert made is not None
