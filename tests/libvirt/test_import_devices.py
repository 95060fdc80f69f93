"""Devices whose meaning a dump has outside of them: port groups, models that are not said, OpenGL of the host."""

from __future__ import annotations

import pytest

from webhook.libvirt.importing.imported import Imported, Map, examine

XML = """<domain type='kvm'><name>vm</name><memory>1048576</memory>
<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
<cpu mode='custom'><model>Westmere</model></cpu><devices>{devices}</devices></domain>"""
MAC = "52:54:00:00:00:0a"
NIC = f"<interface type='{{type}}'><mac address='{MAC}'/>{{source}}{{more}}</interface>"
GROUP = "<source network='ovs-net' portgroup='vlan-10'/>"
VIRTIO = "<model type='virtio'/>"
ADDRESS = "<address type='pci' domain='0' bus='1' slot='0' function='0'/>"


def examined(devices: str, **networks: str) -> Imported:
    return examine(XML.format(devices=devices), Map({"/lun": "lun"}, networks, conventional=False))


@pytest.mark.parametrize("key", ["vlan-10", "ovs-net/vlan-10", MAC])
def test_a_port_group_has_a_network_of_its_own(key: str) -> None:
    found = examined(NIC.format(type="network", source=GROUP, more=VIRTIO), **{"ovs-net": "trunk", key: "tenants"})
    assert found.wrong == []
    assert found.domain["devices"]["interfaces"][0]["network"] == "tenants"


def test_a_port_group_is_not_the_whole_network() -> None:
    (finding,) = examined(NIC.format(type="network", source=GROUP, more=VIRTIO), **{"ovs-net": "trunk"}).wrong
    assert finding.help == "add it to `networks` of the map: `ovs-net/vlan-10: NAME`"


def test_a_network_without_a_port_group_goes_by_its_name() -> None:
    nic = NIC.format(type="network", source="<source network='ovs-net'/>", more=VIRTIO)
    found = examined(nic, **{"ovs-net": "trunk", "vlan-10": "tenants"})
    assert found.domain["devices"]["interfaces"][0]["network"] == "trunk"


def test_the_address_of_a_card_comes_before_the_network_of_many() -> None:
    nic = NIC.format(type="bridge", source="<source bridge='br0'/>", more=VIRTIO)
    assert examined(nic, br0="lan", **{MAC: "dmz"}).domain["devices"]["interfaces"][0]["network"] == "dmz"
    assert examined(nic, br0="lan").domain["devices"]["interfaces"][0]["network"] == "lan"


def test_a_device_of_the_host_is_refused_and_no_name_is_asked_for() -> None:
    nic = NIC.format(type="hostdev", source="<source/>", more="")
    lun = "<disk type='block' device='lun'><source dev='/dev/sdb'/><target dev='sda' bus='scsi'/></disk>"
    found = examined(nic + lun)
    missing = {each.path for each in found.missing}
    assert (found.wrong, missing) == ([], {"devices.interfaces[0].type", "devices.disks[0].device"})


def test_a_device_that_stays_is_asked_for_beside_one_that_goes() -> None:
    hostdev, nic = (NIC.format(type=kind, source="<source bridge='br0'/>", more="") for kind in ("hostdev", "bridge"))
    assert [each.path for each in examined(hostdev + nic).wrong] == ["devices.interfaces[1].source"]


def test_a_function_from_a_pool_is_refused_and_a_card_of_a_hand_written_document_is_told() -> None:
    source = "<source network='pool'/>"
    found = examined(NIC.format(type="network", source=source, more=ADDRESS), pool="fast")
    assert [each.path for each in found.missing] == ["devices.interfaces[0].model"]
    found = examined(NIC.format(type="network", source=source, more=""), pool="fast")
    assert (found.missing, [each.path for each in found.told]) == ([], ["devices.interfaces[0].model"])
    found = examined(NIC.format(type="network", source=source, more=ADDRESS + VIRTIO), pool="fast")
    assert (found.missing, found.told) == ([], [])


def test_a_vdpa_card_without_a_model_is_virtio() -> None:
    nic = NIC.format(type="vdpa", source="<source dev='/dev/vhost-vdpa-0'/>", more="")
    found = examined(nic, **{MAC: "fast"})
    assert found.domain["devices"]["interfaces"][0]["model"] == "virtio"
    assert found.told == []


@pytest.mark.parametrize(("value", "missing"), [("yes", ["devices.video[0].acceleration.accel3D"]), ("no", [])])
def test_a_display_that_draws_by_the_hosts_gpu_is_refused_and_another_is_not(value: str, missing: list[str]) -> None:
    gl = "<graphics type='spice'><gl enable='yes'/></graphics>"
    video = f"<video><model type='virtio'><acceleration accel3d='{value}'/></model></video>"
    assert [each.path for each in examined(gl + video).missing] == missing


def test_a_display_that_loses_its_port_takes_one_that_is_free() -> None:
    found = examined("<graphics type='vnc' port='5911' autoport='no'/>")
    assert "autoport" not in found.domain["devices"]["graphics"][0]
    assert "devices.graphics[0].autoport" in {each.path for each in found.left}


def test_a_display_that_had_one_that_was_free_still_has() -> None:
    found = examined("<graphics type='vnc' port='-1' autoport='yes'/>")
    assert "devices.graphics[0].autoport" not in {each.path for each in found.left}


@pytest.mark.parametrize(
    ("audios", "left"),
    [
        ("<audio id='1' type='none'/><audio id='2' type='pulseaudio'/>", {1: 1}),
        ("<audio id='1' type='none'/><audio id='2' type='spice'/>", {1: 1, 2: 2}),
    ],
)
def test_a_sound_card_keeps_the_backend_that_there_is_and_no_other(audios: str, left: dict[int, int]) -> None:
    cards = "".join(f"<sound model='ich6'><audio id='{number}'/></sound>" for number in (1, 2))
    sounds = examined(f"<graphics type='spice'/>{cards}{audios}").domain["devices"]["sounds"]
    assert {index + 1: card["audio"] for index, card in enumerate(sounds) if "audio" in card} == left
