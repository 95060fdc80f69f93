"""A restored machine, started for real: QEMU and the firmware tell the guest what they told it at the snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.admission.stored_objects import Stored, machine
from tests.oracle.hypervisor import Hypervisor
from tests.oracle.matrix import MACHINES
from tests.oracle.test_boot import PC, seen
from webhook.trees import Tree


def domain_of(stored: Stored) -> Tree:
    """The domain of the VM as a host without KVM runs it."""
    return {**stored.objects["VM", "here", "web"]["spec"]["domain"], "type": "qemu"}


@pytest.mark.parametrize("family", PC)
def test_snapshot_change_restore_is_the_same_machine(family: str, hypervisor: Hypervisor, tmp_path: Path) -> None:
    stored = Stored()
    stored.send(machine(features={"memory": 512, "system": {"type": "linux", **MACHINES[family]}}))
    before = seen(domain_of(stored), hypervisor, tmp_path, tables=True)
    assert {"ua-root", "ua-tools", "ua-front", "ua-back"} <= set(before[1])
    assert stored.snapshot().obj
    changes = {
        "memory": 768,
        "cpu": {"count": 3},
        "storage": [{"source": "root"}, {"source": "data"}],
        "network": [{"source": "front"}, {"source": "other"}],
    }
    assert stored.change("web", {"features": changes}).obj
    assert seen(domain_of(stored), hypervisor, tmp_path, tables=True)[2] != before[2]
    assert stored.change("web", {"restoreFrom": {"snapshot": "before"}}).obj
    assert seen(domain_of(stored), hypervisor, tmp_path, tables=True) == before


def test_a_nic_that_is_a_placeholder_is_where_it_was_with_its_address(hypervisor: Hypervisor, tmp_path: Path) -> None:
    stored = Stored()
    stored.send(machine(features={"memory": 512, "system": {"type": "linux", **MACHINES["q35"]}}))
    before = seen(domain_of(stored), hypervisor, tmp_path, tables=False)
    nics = domain_of(stored)["devices"]["interfaces"]
    stored.snapshot()
    stored.change("web", {"features": {"network": [{"source": "front"}]}})
    devices = {
        "interfaces": [{"name": "back", "placeholder": True}],
        "disks": [{"name": "tools", "placeholder": True}],
    }
    assert stored.change("web", {"restoreFrom": {"snapshot": "before", "devices": devices}}).obj
    after = seen(domain_of(stored), hypervisor, tmp_path, tables=False)
    assert after[:2] == before[:2]
    restored = domain_of(stored)["devices"]["interfaces"]
    assert [nic["mac"] for nic in restored] == [nic["mac"] for nic in nics]
    assert restored[1]["link"] == "down"
