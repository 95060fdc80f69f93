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
from tests.kubevirt.kubevirt import KubeVirt, Tree
from tests.kubevirt.launcher import boot
from tests.oracle.hypervisor import Hypervisor

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
