"""What an XML of another tool becomes: references by the map, a versioned machine, a list of what stays behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from webhook.domain import domain_shape
from webhook.findings import Refused
from webhook.libvirt.capturing.frontend import frontend_of
from webhook.libvirt.importing.imported import Map, import_domain
from webhook.libvirt.xml.parse import read
from webhook.libvirt.xml.render import render
from webhook.machines.controllers import compact, whole

XML = """<domain type="kvm" id="7">
  <name>Web 1</name>
  <memory unit="GiB">2</memory>
  <os><type arch="x86_64" machine="{machine}">hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-kvm</emulator>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2"/><source file="/images/a.qcow2"/><target dev="vda" bus="virtio"/>
    </disk>
    <interface type="bridge"><source bridge="br0"/><mac address="52:54:00:00:00:09"/><model type="virtio"/></interface>
    <serial type="file"><source path="/tmp/log"/><target port="0"/></serial>
    <hostdev mode="subsystem" type="pci"><source><address bus="6"/></source></hostdev>
    <controller type="xenbus"/>
  </devices>
</domain>"""
NAMES = Map(claims={"/images/a.qcow2": "web-root"}, networks={"br0": "lan"})


def test_the_map_names_claims_and_networks() -> None:
    found = import_domain(XML.format(machine="pc-q35-7.2"), NAMES)
    assert found.name == "Web 1"
    assert found.domain["devices"]["disks"][0]["claim"] == "web-root"
    assert found.domain["devices"]["interfaces"][0]["network"] == "lan"
    assert "source" not in found.domain["devices"]["disks"][0]


def test_what_is_the_hosts_is_listed_and_not_carried_over() -> None:
    found = import_domain(XML.format(machine="pc-q35-7.2"), NAMES)
    assert {finding.path for finding in found.left} == {
        "/domain/devices/controller/@type",
        "emulator",
        "devices.disks[0].driver.type",
        "devices.serials[0].type",
        "devices.serials[0].source.path",
        "devices.hostdevs[0]",
    }
    assert "hostdevs" not in found.domain["devices"]
    assert found.domain["devices"]["serials"] == [{"target": {"port": 0}}]


def test_an_image_without_a_name_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        import_domain(XML.format(machine="pc-q35-7.2"), Map())
    assert [finding.path for finding in refused.value.findings] == ["devices.disks[0].source"]


def test_a_machine_without_a_version_is_refused_unless_one_is_said() -> None:
    with pytest.raises(Refused) as refused:
        import_domain(XML.format(machine="q35"), NAMES)
    assert [finding.path for finding in refused.value.findings] == ["os.type.machine"]
    found = import_domain(XML.format(machine="q35"), NAMES, "pc-q35-7.2")
    assert found.domain["os"]["type"]["machine"] == "pc-q35-7.2"


def test_a_version_that_the_xml_has_is_kept() -> None:
    found = import_domain(XML.format(machine="pc-q35-rhel9.2.0"), NAMES, "pc-q35-7.2")
    assert found.domain["os"]["type"]["machine"] == "pc-q35-rhel9.2.0"


def test_the_proposals_own_xml_comes_back_whole() -> None:
    xml = (Path(__file__).parent / "proposal.xml").read_text()
    images = {str(source) for source in _files(read(xml).domain)}
    found = import_domain(xml, Map(claims=dict.fromkeys(images, "image"), networks={"mgmtnet": "mgmtnet"}))
    again = read(render(found.domain, "vm")).domain
    meant = compact(whole(read(xml).domain))
    assert frontend_of(again, domain_shape()) == frontend_of(meant, domain_shape())


def _files(domain: dict[str, Any]) -> list[str]:
    return [disk["source"]["file"] for disk in domain["devices"]["disks"] if "file" in disk.get("source", {})]
