"""With places chosen no device that stays is found elsewhere by the guest, but those of which it was said.

The judge is KubeVirt's own code with the real libvirt; the same edits without us, and with addresses merely copied,
show that it would find what moves.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubevirt.conftest import Boots
from tests.kubevirt.copied import copied
from tests.kubevirt.edits import edited, machine
from tests.kubevirt.frozen import GATES, Life
from tests.kubevirt.guest_places import Places, moved, places
from tests.kubevirt.histories import History
from tests.kubevirt.kubevirt import KubeVirt
from tests.kubevirt.launcher import boot
from tests.oracle.hypervisor import Hypervisor
from webhook.kubevirt.starting.site import Site
from webhook.trees import Tree

TABLE = yaml.safe_load((Path(__file__).parent / "edits.yaml").read_text())
# 2,000 histories of so many edits each, in as many tests; of every so manieth it is counted what moves without us.
HISTORIES, EDITS, TESTS, COUNTED = 2000, 3, 10, 10


@pytest.fixture(scope="session")
def started(kubevirt: KubeVirt, hypervisor: Hypervisor) -> Callable[[Tree], Places]:
    """Like `booted`, with the feature gates that the histories need."""
    return lambda vm: places(boot(kubevirt, hypervisor, vm, gates=GATES))


@pytest.mark.parametrize("row", TABLE["edits"], ids=lambda row: row["title"])
def test_an_edit_moves_only_what_is_said(kubevirt: KubeVirt, booted: Boots, row: dict[str, Any]) -> None:
    asked = TABLE["base"]
    manifest = machine(asked["cards"], tuple(asked["disks"]), **asked["devices"])
    life = Life(kubevirt)
    life.store(manifest)
    assert life.stored is not None
    first = booted(life.stored)
    said = life.store(edited(manifest, *row["edits"]))
    found = moved(first, booted(life.stored))
    assert found == sorted(said)
    assert len(found) == row["chosen"]


@pytest.mark.thorough
@pytest.mark.parametrize("part", range(TESTS))
def test_what_moves_over_a_history_was_said(kubevirt: KubeVirt, started: Callable[[Tree], Places], part: int) -> None:
    counts: Counter[str] = Counter()
    size = HISTORIES // TESTS
    for seed in range(part * size, (part + 1) * size):
        history, life = History(seed), Life(kubevirt)
        plain = copy.deepcopy(history.vm)
        life.store(history.vm)
        assert life.stored is not None
        first = started(life.stored)
        edits = []
        for each in history.edits(EDITS):
            edits.append(each)
            life.store(history.vm)
        found = moved(first, started(life.stored))
        assert set(found) <= life.warned, (seed, edits)
        counts["chosen"] += len(found)
        counts["chosen, in histories"] += bool(found)
        if seed % COUNTED == 0:
            _count(counts, started, (plain, edits, found))
    print(dict(counts))
    assert counts["plain"] > counts["copied"] > counts["chosen of these"]


def _count(
    counts: Counter[str],
    started: Callable[[Tree], Places],
    history: tuple[Tree, list[Any], list[str]],
) -> None:
    """What moves of the same history without us."""
    plain, edits, found = history
    first = started(plain)
    counts["plain"] += len(moved(first, started(edited(plain, *edits))))
    counts["copied"] += len(moved(first, started(edited(copied(plain, first), *edits))))
    counts["chosen of these"] += len(found)


def test_a_preference_and_an_instance_type_that_change_move_nothing_but_what_is_passed_through(
    kubevirt: KubeVirt, hypervisor: Hypervisor
) -> None:
    """KubeVirt looks both up at each start; a VM that states what the preference said then is the same machine."""
    preference = _object("VirtualMachineClusterPreference", "windows", {"devices": dict(PREFERRED)})
    kind = _object("VirtualMachineClusterInstancetype", "big", {"cpu": {"guest": 2}, "memory": {"guest": "4Gi"}})
    objects = [preference, kind]
    manifest = machine(2, ("virtio", "sata"))
    template = manifest["spec"]["template"]["spec"]
    del template["domain"]["cpu"], template["domain"]["memory"]
    for entry in template["domain"]["devices"]["disks"]:
        entry["disk"] = {}
    manifest["spec"] |= {"preference": {"name": "windows"}, "instancetype": {"name": "big"}}
    found = {(each["kind"], each["metadata"]["name"]): each for each in objects}
    life = Life(kubevirt, Site(find=lambda kind, _, name: found.get((kind, name))), objects)
    life.store(manifest)
    first = _started(life, hypervisor)
    assert first["disk disk1"].startswith("pci ")
    assert "rng" in first
    preference["spec"]["devices"] = {"preferredDiskBus": "scsi", "preferredAutoattachMemBalloon": False}
    assert life.store(manifest) == ()
    assert moved(first, _started(life, hypervisor)) == []
    kind["spec"]["gpus"] = [{"name": "gpu", "deviceName": "vendor/gpu"}]
    assert set(moved(first, _started(life, hypervisor))) == {"memballoon", "rng"}


def test_a_card_that_kubevirt_adds_has_the_preferred_model_with_us_as_without(
    kubevirt: KubeVirt, hypervisor: Hypervisor
) -> None:
    preference = _object("VirtualMachineClusterPreference", "old", {"devices": {"preferredInterfaceModel": "e1000"}})
    manifest = machine(0)
    manifest["spec"]["preference"] = {"name": "old"}
    life = Life(kubevirt, Site(find=lambda *_: preference), [preference])
    life.stored = kubevirt.admit(copy.deepcopy(manifest), None, gates=GATES, objects=[preference]).vm
    without = _started(life, hypervisor)["interface default"]
    # Behind a bridge, where a virtio card would be on a root port.
    assert without.count("/") == 2
    life.stored = None
    life.store(manifest)
    assert _started(life, hypervisor)["interface default"] == without


PREFERRED = {"preferredDiskBus": "virtio", "preferredRng": {}, "preferredAutoattachInputDevice": True}


def _object(kind: str, name: str, spec: Tree) -> Tree:
    version = "instancetype.kubevirt.io/v1beta1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _started(life: Life, hypervisor: Hypervisor) -> Places:
    assert life.stored is not None
    return places(boot(life.kubevirt, hypervisor, life.stored, gates=GATES, objects=life.objects))
