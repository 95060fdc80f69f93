"""Every kind of device that libvirt has, stated with as little as can be: what is rendered leaves nothing open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.oracle.hypervisor import Hypervisor
from tests.oracle.matrix import MACHINES
from tests.oracle.visible import differences
from webhook.domain.devices import KINDS
from webhook.libvirt.xml.render import render

CASES = yaml.safe_load((Path(__file__).parent / "devices.yaml").read_text())
ROWS = [(case, machine) for case in CASES for machine in case["machines"]]
# Of these there is one in every VM of the matrix, or libvirt 9.0 does not know them.
ELSEWHERE = {"channels", "rng", "memballoon", "audios"}
NEWER = {"cryptos", "pstore", "leases"}


@pytest.mark.parametrize(("case", "machine"), ROWS, ids=[f"{case['title']} on {machine}" for case, machine in ROWS])
def test_a_stated_device_is_completed(
    case: dict[str, Any], machine: str, hypervisor: Hypervisor, complete: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    system = {"type": "linux", **MACHINES[machine]}
    xml = render(complete({"features": {"system": system}, "domain": case["domain"]}), "vm")
    assert differences(xml, hypervisor.completed(xml)) == []


def test_every_kind_of_device_has_a_case() -> None:
    covered = {kind for case in CASES for kind in case["domain"].get("devices", {})}
    assert set(KINDS) - covered - ELSEWHERE - NEWER == set()
