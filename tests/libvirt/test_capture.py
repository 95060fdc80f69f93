"""Which device of a running domain is which of the VM, and that nothing is guessed."""

from __future__ import annotations

import pytest

from webhook.libvirt.capturing.capture import capture
from webhook.trees import Tree

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


@pytest.mark.parametrize(
    ("slot", "stored", "told"), [(0, "dimm:0", False), (1, "dimm:0", True), (0, "dimm:0,base=0x1", True)]
)
def test_where_qemu_puts_a_dimm_is_no_other_slot(slot: int, stored: str, told: bool) -> None:
    xml = (
        "<domain><devices><memory model='dimm'><target><size unit='KiB'>1024</size><node>0</node></target>"
        f"<alias name='ua-a'/><address type='dimm' slot='{slot}' base='0x100000000'/></memory></devices></domain>"
    )
    device = {"name": "a", "model": "dimm", "target": {"size": 1, "node": 0}, "address": stored}
    found = capture({"devices": {"memories": [device]}}, xml)
    assert [one.path.rpartition(".")[2] for one in found.findings] == ["address"] * told
    assert found.domain["devices"]["memories"] == [device]
