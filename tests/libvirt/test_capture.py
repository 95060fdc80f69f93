"""Which device of a running domain is which of the VM, and that nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.libvirt.capture import capture

Tree = dict[str, Any]
DISKS = "".join(
    f"<disk type='file' device='disk'><source file='/{name}'/><target dev='{name}' bus='virtio'/>"
    f"<serial>S-{name}</serial>{alias}</disk>"
    for name, alias in (("vda", "<alias name='ua-one'/>"), ("vdb", "<alias name='virtio-disk1'/>"))
)


def captured(disks: list[Tree], xml: str = DISKS) -> tuple[list[str], list[str], list[Tree]]:
    found = capture({"devices": {"disks": disks}}, f"<domain><devices>{xml}</devices></domain>")
    return [finding.path for finding in found.findings], found.added, found.domain["devices"]["disks"]


def test_two_disks_that_nothing_tells_apart_are_a_finding_and_never_four_disks() -> None:
    findings, added, disks = captured([{"claim": "my-disk"}, {"claim": "data"}])
    assert findings == ["spec.domain.devices.disks"]
    assert added == []
    assert disks == [{"claim": "my-disk"}, {"claim": "data"}]


@pytest.mark.parametrize(
    "told",
    [
        ({"name": "one"}, {"name": "two"}),
        ({"serial": "S-vda"}, {}),
        ({"target": {"dev": "vda"}}, {"target": {"dev": "vdb"}}),
        ({}, {"target": {"dev": "vdb"}}),
        ({"name": "one"}, {}),
    ],
)
def test_two_disks_that_something_tells_apart_are_found(told: tuple[Tree, Tree]) -> None:
    findings, _, disks = captured([{"claim": "a", **told[0]}, {"claim": "b", **told[1]}])
    assert findings == []
    assert [(disk["claim"], disk["serial"]) for disk in disks] == [("a", "S-vda"), ("b", "S-vdb")]


def test_the_only_disk_that_it_can_be_is_it() -> None:
    findings, _, disks = captured([{"claim": "a", "device": "cdrom"}, {"claim": "b", "device": "disk"}], DISKS[:136])
    assert findings == []
    assert len(disks) == 2
    assert disks[1]["target"]["dev"] == "vda"


def test_a_disk_more_is_added_where_the_others_are_known() -> None:
    findings, added, disks = captured([{"claim": "a", "target": {"dev": "vda"}}])
    assert findings == []
    assert added[-1] == "spec.domain.devices.disks[1]"
    assert len(disks) == 2
