"""What a frozen VM leaves to its first boot: cells that match the host's NUMA, once."""

from __future__ import annotations

import pytest

from webhook.admission.context import AdmissionContext
from webhook.admission.offline import expand_object
from webhook.admission.validate import unfrozen
from webhook.declare import members
from webhook.kinds import declared_fields
from webhook.policy import Policies, shipped
from webhook.trees import Tree

FEATURES = {"system": {"type": "linux"}, "memory": 2048, "cpu": {"topology": {"cores": 2}}}
CELLS = [{"cell": 0, "cpus": [0, 1], "memory": 2048}]


def stored(features: Tree) -> Tree:
    """The spec of a VM of these words, as it is stored."""
    vm = {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "VM",
        "metadata": {"name": "vm"},
        "spec": {"features": {**FEATURES, **features}},
    }
    made, findings, _ = expand_object(vm, AdmissionContext(policies=Policies(shipped(), declared_fields())))
    assert findings == []
    assert made is not None
    spec: Tree = made["spec"]
    return spec


def with_cells(spec: Tree, cells: list[Tree]) -> Tree:
    domain = spec["domain"]
    return {**spec, "domain": {**domain, "cpu": {**domain["cpu"], "numa": cells}}}


def test_cells_that_match_the_hosts_are_taken_into_a_frozen_vm() -> None:
    spec = stored({"numa": "match-host"})
    assert "numa" not in spec["domain"]["cpu"]
    assert [*unfrozen(spec, with_cells(spec, CELLS), "spec")] == []


def test_they_do_not_change_once_they_are_there() -> None:
    spec = with_cells(stored({"numa": "match-host"}), CELLS)
    other = with_cells(spec, [{**CELLS[0], "cpus": [0]}, {"cell": 1, "cpus": [1], "memory": 1024}])
    found = [*unfrozen(spec, other, "spec")]
    assert {finding.rule for finding in found} == {"frozen"}
    assert any(finding.path.startswith("spec.domain.cpu.numa") for finding in found)


@pytest.mark.parametrize("features", [{}, {"numa": [{"cpus": [0, 1], "memory": 2048}]}])
def test_a_vm_that_does_not_match_a_host_has_its_cells_at_create(features: Tree) -> None:
    spec = stored(features)
    assert [{**cell, "cpus": members(cell["cpus"])} for cell in spec["domain"]["cpu"]["numa"]] == CELLS
    assert [*unfrozen(spec, with_cells(spec, [*CELLS, {"cell": 1, "cpus": [], "memory": 1024}]), "spec")] != []
