"""What policies say of a spec of which no machine could be made: what it leaves out is not gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admission.sourced import FEATURES, admitted, knowing, machine, of_config, review, told, vm
from webhook.admission.mutate import mutate
from webhook.declare.tree import copied
from webhook.trees import Tree

# Only an admin could say this; the tenants who update it, or are given it by a configuration, could not.
GRANTED: Tree = {
    "cputune": {"quota": 50000, "period": 100000},
    "devices": {
        "disks": [
            {"name": "root", "driver": {"cache": "none"}},
            {"name": "host", "type": "block", "source": {"dev": "/dev/sdb"}},
        ]
    },
}
WHOLE = machine({"domain": GRANTED})
KNOWN = knowing({"web": WHOLE})
OTHER: Tree = {**FEATURES, "system": {"type": "other"}}
IS_OTHER = "spec.features.system: is other, the machine was made for debian 12 and stays so"


def refusal(spec: Any, stored: Tree = WHOLE) -> list[str]:
    verdict = mutate(review(vm(spec), vm(stored)), KNOWN)
    assert not verdict.allowed
    return told(verdict)


@pytest.mark.parametrize("features", [{"memory": "8Gi"}, {"memory": "8Gi", "storage": FEATURES["storage"]}])
def test_a_vm_that_contradicts_its_configuration_is_told_of_that_alone(features: Tree) -> None:
    _, verdict = admitted(of_config({"features": features}), KNOWN)
    assert told(verdict) == ["spec.features.memory: is `8Gi`, but VirtualMachineConfig `web` says `2Gi`"]


def test_one_that_does_not_contradict_it_has_what_was_granted() -> None:
    final, verdict = admitted(of_config({"features": {"memory": "2Gi"}}), KNOWN)
    assert final is not None, told(verdict)
    assert final["spec"]["domain"]["cputune"] == GRANTED["cputune"]


@pytest.mark.parametrize(
    "domain",
    [
        None,
        {},
        {"devices": {"disks": [{"name": "data"}]}},
        {"devices": {"disks": [{"name": "root"}, {"name": "host"}]}},
        {"cputune": {}},
        WHOLE["domain"],
    ],
)
def test_an_update_that_is_refused_has_not_lost_what_it_leaves_out(domain: Tree | None) -> None:
    spec = {"features": OTHER} if domain is None else {"features": OTHER, "domain": copied(domain)}
    assert refusal(spec) == [IS_OTHER]


def test_one_that_is_malformed_has_not_either() -> None:
    (finding,) = refusal({"features": {**FEATURES, "memory": True}})
    assert finding.startswith("spec.features.memory: `true` is no amount of memory")


def test_one_that_says_otherwise_is_told_of_that_too() -> None:
    found = refusal({"features": OTHER, "domain": {"cputune": {"quota": 70000}}})
    assert found[0] == IS_OTHER
    assert [each for each in found[1:] if "spec.domain.cputune.quota" in each and "70000" in each]
    assert len(found) == 2


def test_one_that_gives_a_granted_device_something_else_is_told_of_that_too() -> None:
    changed = {"name": "host", "type": "block", "serial": "ANOTHER"}
    found = refusal({"features": OTHER, "domain": {"devices": {"disks": [changed]}}})
    assert "spec.domain.devices.disks[0].source.dev: was granted to a device whose `serial` was another" in found


def test_where_devices_cannot_be_told_apart_nothing_is_told_of_what_was_granted() -> None:
    pair = [{"name": name, "network": "lan"} for name in ("a", "b")]
    features = {name: value for name, value in FEATURES.items() if name != "network"}
    own = {"cputune": GRANTED["cputune"], "devices": {"interfaces": pair}}
    stored = machine({"features": features, "domain": own})
    spec = {"features": features, "domain": {"devices": {"interfaces": [{"network": "elsewhere"}]}}}
    assert refusal(spec, stored) == ["spec.domain.devices.interfaces[0]: has no name and may be any of `a`, `b`"]
