"""What an import makes of the forms that people have: firmware, names for the map, what the guest would miss."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from webhook.findings import Finding
from webhook.libvirt.importing.imported import Imported, Map, examine
from webhook.trees import Tree

UEFI: list[Tree] = yaml.safe_load(Path(__file__).with_name("uefi.yaml").read_text())
XML = """<domain type='kvm'><name>vm</name><memory>1048576</memory>
<os {attributes}><type arch='{arch}' machine='{machine}'>hvm</type>{os}</os>
<cpu mode='custom'><model>Westmere</model></cpu><devices>{devices}</devices></domain>"""
DISK = "<disk type='{type}'><source {source}/><target dev='vda' bus='virtio'/><alias name='{alias}'/></disk>"
NIC = "<interface type='{type}'><mac address='52:54:00:00:00:0A'/>{source}<alias name='{alias}'/></interface>"


def examined(names: Map | None = None, arch: str = "x86_64", machine: str = "pc-q35-7.2", **parts: str) -> Imported:
    said = {name: parts.get(name, "") for name in ("attributes", "os", "devices")}
    return examine(XML.format(arch=arch, machine=machine, **said), names or Map(conventional=False))


def paths(findings: list[Finding]) -> list[str]:
    return [finding.path for finding in findings]


@pytest.mark.parametrize("case", UEFI, ids=lambda case: case["title"])
def test_firmware_is_what_the_dump_means(case: Tree) -> None:
    found = examined(attributes=case.get("attributes", ""), os=case.get("os", ""))
    assert paths(found.wrong) == case.get("wrong", [])
    assert paths(found.told) == case.get("told", [])
    assert paths(found.missing) == case.get("missing", [])
    os = found.domain["os"]
    if "is" in case:
        assert [os.get("firmware"), os.get("secureBoot"), os.get("enrolledKeys")] == case["is"]
        assert "loader" not in os
        assert ({"feature": "smm", "state": True} in found.domain.get("features", [])) is (case["is"][1] is True)


@pytest.mark.parametrize("key", ["/images/a", "vda", "ua-root", "root"])
def test_the_map_finds_a_claim_by_any_name(key: str) -> None:
    disk = DISK.format(type="file", source="file='/images/a'", alias="ua-root")
    found = examined(Map({key: "claim"}), devices=disk)
    assert found.wrong == []
    assert found.domain["devices"]["disks"][0]["claim"] == "claim"


@pytest.mark.parametrize(
    ("type_", "source", "key"),
    [
        ("block", "dev='/dev/vg/a'", "/dev/vg/a"),
        ("volume", "pool='default' volume='a.qcow2'", "a.qcow2"),
        ("volume", "pool='default' volume='a.qcow2'", "default/a.qcow2"),
        ("network", "protocol='rbd' name='vms/a'", "vms/a"),
    ],
)
def test_the_map_finds_a_claim_by_any_kind_of_source(type_: str, source: str, key: str) -> None:
    found = examined(Map({key: "claim"}), devices=DISK.format(type=type_, source=source, alias="virtio-disk0"))
    assert found.wrong == []
    assert found.domain["devices"]["disks"][0]["claim"] == "claim"


@pytest.mark.parametrize("key", ["default", "virbr0", "52:54:00:00:00:0a", "52:54:00:00:00:0A", "net0"])
def test_the_map_finds_a_network_by_any_name_of_a_live_dump(key: str) -> None:
    nic = NIC.format(type="network", source="<source network='default' portid='p' bridge='virbr0'/>", alias="net0")
    found = examined(Map(networks={key: "lan"}, conventional=False), devices=nic)
    assert found.wrong == []
    assert found.domain["devices"]["interfaces"][0]["network"] == "lan"


def test_a_tap_of_a_launcher_is_found_by_its_alias_and_can_be_the_pods_own_network() -> None:
    nic = NIC.format(type="ethernet", source="<target dev='tap0' managed='no'/>", alias="ua-default")
    found = examined(Map(networks={"default": None}, conventional=False), devices=nic)
    assert found.wrong == []
    assert "network" not in found.domain["devices"]["interfaces"][0]
    assert found.domain["devices"]["interfaces"][0]["name"] == "default"


@pytest.mark.parametrize("source", ["<source bridge='br0'/>", "<target dev='tap0' managed='no'/>"])
def test_a_network_card_without_a_name_in_the_map_is_a_finding_with_the_line_to_add(source: str) -> None:
    found = examined(devices=NIC.format(type="bridge", source=source, alias="net0"))
    name = "br0" if "br0" in source else '"52:54:00:00:00:0A"'
    assert [finding.help for finding in found.wrong] == [f"add it to `networks` of the map: `{name}: NAME`"]


def test_an_encrypted_disk_gets_its_secret_by_the_map_and_is_a_finding_without() -> None:
    uuid = "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f"
    inside = f"<encryption format='luks'><secret type='passphrase' uuid='{uuid}'/></encryption>"
    disk = f"<disk type='file'><source file='/a'>{inside}</source><target dev='vda' bus='virtio'/></disk>"
    found = examined(Map({"/a": "claim"}, secrets={uuid: "key"}, conventional=False), devices=disk)
    assert found.domain["devices"]["disks"][0]["encryption"] == {"format": "luks", "secretName": "key"}
    assert (found.told, found.wrong) == ([], [])
    (finding,) = examined(Map({"/a": "claim"}, conventional=False), devices=disk).wrong
    assert (finding.path, finding.help) == (
        "devices.disks[0].encryption",
        f"add it to `secrets` of the map: `{uuid}: NAME`",
    )


def test_one_of_our_own_documents_without_its_secret_is_read_and_told() -> None:
    secret = "<secret type='passphrase' uuid='0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f'/>"
    source = f"<source file='/a'><encryption format='luks'>{secret}</encryption></source>"
    found = examined(Map({"/a": "claim"}), devices=f"<disk type='file'>{source}<target dev='vda' bus='virtio'/></disk>")
    assert found.domain["devices"]["disks"][0]["encryption"] == {"format": "luks"}
    assert [told.path for told in found.told] == ["devices.disks[0].encryption"]


@pytest.mark.parametrize(
    ("arch", "machine"), [("i686", "pc-i440fx-7.2"), ("ppc64", "pseries-7.2"), ("armv7l", "virt-7.2")]
)
def test_another_architecture_is_missed(arch: str, machine: str) -> None:
    assert "/domain/os/type/@arch" in paths(examined(arch=arch, machine=machine).missing)


def test_a_machine_that_is_not_modelled_is_wrong() -> None:
    assert paths(examined(machine="microvm-7.2").wrong) == ["os.type.machine"]
    assert paths(examined(machine="pc-q35-7.2").wrong) == []


@pytest.mark.parametrize(
    ("devices", "missing"),
    [
        ("<rng model='virtio'><backend model='random'/></rng>" * 2, ["/domain/devices/rng[2]"]),
        ("<tpm model='tpm-tis'><backend type='emulator'/></tpm>" * 2, ["/domain/devices/tpm[2]"]),
        ("<rng model='virtio'><backend model='random'/></rng>", []),
        ("<video><model type='vmvga'/></video>", ["/domain/devices/video/model/@type"]),
        ("<serial type='pty'/><serial type='pty'/>", []),
        ("<graphics type='vnc'><listen type='none'/><listen type='socket'/></graphics>", []),
        ("<graphics type='egl-headless'/>", []),
        ("<smartcard mode='host'/>", ["devices.smartcards[0]"]),
        ("<hostdev mode='subsystem' type='usb'><source/></hostdev>", ["devices.hostdevs[0]"]),
        ("<interface type='hostdev'><source/></interface>", ["devices.interfaces[0].type"]),
        ("<filesystem type='mount'><source dir='/a'/><target dir='a'/></filesystem>",
         ["devices.filesystems[0].driver.type"]),
    ],
)  # fmt: skip
def test_what_the_guest_would_miss_is_told_from_what_it_does_not_see(devices: str, missing: list[str]) -> None:
    assert paths(examined(Map({"/a": "claim"}), devices=devices).missing) == missing


def test_devices_that_say_nothing_of_themselves_are_kept() -> None:
    devices = examined(devices="<serial type='pty'/><video/><panic/>").domain["devices"]
    assert {name: len(entries) for name, entries in devices.items()} == {"serials": 1, "video": 1, "panics": 1}


def test_companions_of_a_controller_are_named_by_their_model() -> None:
    ehci = "<controller type='usb' index='0' model='ich9-ehci1'/>"
    uhci = "<controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/></controller>"
    names = [each["name"] for each in examined(devices=ehci + uhci).domain["devices"]["controllers"]]
    assert names == ["usb-0", "usb-0-ich9-uhci1"]


def test_a_scsi_disk_that_its_alias_alone_tells_is_missed_and_one_that_its_address_tells_is_not() -> None:
    disk = "<disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/><alias name='{}'/></disk>"
    assert paths(examined(Map({"/a": "claim"}), devices=disk.format("ua-root")).missing) == ["devices.disks[0].serial"]
    assert examined(Map({"/a": "claim"}), devices=disk.format("scsi0-0-0-0")).missing == []


NAMELESS = [
    "<disk type='network'><source protocol='nbd'><host name='10.0.0.1' port='10809'/></source>{}</disk>",
    "<disk type='nvme'><source type='pci' namespace='1'><address domain='0' bus='1'/></source>{}</disk>",
    "<disk type='vhostuser'><source type='unix' path='/tmp/a'/>{}</disk>",
    "<disk type='network' device='cdrom'><source protocol='nbd'><host name='h'/></source>{}</disk>",
    "<disk type='file'><source file=''/>{}</disk>",
    "<disk type='block'>{}</disk>",
]
TARGET = "<target dev='vda' bus='virtio'/>"


@pytest.mark.parametrize("disk", NAMELESS)
def test_a_disk_whose_source_has_no_name_is_a_finding_and_no_blank_disk(disk: str) -> None:
    found = examined(devices=disk.format(TARGET))
    key = "/tmp/a" if "/tmp/a" in disk else "vda"
    (finding,) = found.wrong
    assert finding.path == "devices.disks[0].source"
    assert finding.help.endswith(f"add it to `claims` of the map: `{key}: NAME`")
    named = examined(Map({key: "claim"}, conventional=False), devices=disk.format(TARGET))
    assert (named.wrong, named.missing) == ([], [])
    assert named.domain["devices"]["disks"][0]["claim"] == "claim"


@pytest.mark.parametrize(
    "disk",
    [
        "<disk type='file' device='cdrom'>{}</disk>",
        "<disk type='file' device='floppy'><source startupPolicy='optional'/>{}</disk>",
        "<disk type='file'><source file='/var/lib/vmconfig/claims/_blank_vda/disk.img'/>{}</disk>",
    ],
)
def test_an_empty_drive_and_a_blank_disk_of_our_own_need_no_name(disk: str) -> None:
    assert examined(devices=disk.format(TARGET)).wrong == []


def test_a_folder_of_a_socket_is_a_finding_and_no_blank_folder() -> None:
    folder = "<filesystem type='mount'><driver type='virtiofs'/><source socket='/run/a'/><target dir='a'/></filesystem>"
    assert [each.help for each in examined(devices=folder).wrong] == ["add it to `claims` of the map: `a: NAME`"]


@pytest.mark.parametrize(
    ("sources", "keys"),
    [
        (("pool='fast' volume='disk1'", "pool='slow' volume='disk1'"), ["fast/disk1", "slow/disk1"]),
        (("protocol='iscsi' name='a' query='1'", "protocol='rbd' name='a'"), ["vda", "vdb"]),
        (("file='/a'", "file='/b'"), ["/a", "/b"]),
        (("file='/a'", "file='/a'"), ["/a", "/a"]),
    ],
)
def test_each_source_is_proposed_a_key_of_its_own(sources: tuple[str, str], keys: list[str]) -> None:
    kinds = {"pool": "volume", "protocol": "network", "file": "file"}
    disks = "".join(
        f"<disk type='{kinds[source.partition('=')[0]]}'><source {source}/><target dev='{dev}' bus='virtio'/></disk>"
        for source, dev in zip(sources, ("vda", "vdb"), strict=True)
    )
    helps = [f"add it to `claims` of the map: `{key}: NAME`" for key in keys]
    assert [finding.help for finding in examined(devices=disks).wrong] == helps
    found = examined(Map(dict.fromkeys(keys, "claim"), conventional=False), devices=disks)
    assert found.wrong == []
