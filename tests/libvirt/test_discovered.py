"""What a machine's libvirt says becomes a host file, and nothing that it does not say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from webhook.cli.host import kvm_opens
from webhook.libvirt.host.discovered import Answers, discovered, firmware
from webhook.libvirt.host.facts import read_host

CAPABILITIES = """<capabilities>
  <host><topology><cells num='2'>
    <cell id='0'><memory unit='KiB'>8388608</memory><cpus num='4'>
      <cpu id='0' siblings='0,2'/><cpu id='2' siblings='0,2'/><cpu id='1' siblings='1,3'/><cpu id='3' siblings='1,3'/>
    </cpus></cell>
    <cell id='1'><memory unit='KiB'>4194304</memory><cpus num='1'><cpu id='4' siblings='4'/></cpus></cell>
  </cells></topology></host>
  <guest><arch name='x86_64'><domain type='qemu'/><domain type='kvm'/></arch></guest>
  <guest><arch name='aarch64'><domain type='qemu'/></arch></guest>
  <guest><arch name='i686'><domain type='qemu'/></arch></guest>
</capabilities>"""
PAGES = "Node 0:\n4KiB: 100\n2048KiB: 512\n1048576KiB: 0\n\nNode 1:\n4KiB: 100\n2048KiB: 0\n"
PINNED = """<domain><memory unit='KiB'>1048576</memory><vcpu cpuset='0,2'>1</vcpu>
  <cputune><vcpupin vcpu='0' cpuset='0'/><emulatorpin cpuset='2'/></cputune>
  <numatune><memory mode='strict' nodeset='0'/></numatune></domain>"""
SHARED = """<domain><memory unit='KiB'>2097152</memory><vcpu cpuset='0-4'>2</vcpu>
  <cputune><vcpupin vcpu='0' cpuset='0-4'/></cputune></domain>"""
VFIO = """<device><name>pci_0000_06_00_1</name><driver><name>{driver}</name></driver><capability type='pci'>
  <domain>0</domain><bus>6</bus><slot>0</slot><function>1</function>
  <product id='0x1eb8'/><vendor id='0x10de'/></capability></device>"""
MDEV = """<device><name>pci_0000_07_00_0</name><capability type='pci'><capability type='mdev_types'>
  <type id='nvidia-11'><availableInstances>4</availableInstances></type>
  <type id='nvidia-12'><availableInstances>0</availableInstances></type></capability></capability></device>"""


def volume(name: str, kind: str = "file", form: str = "raw") -> str:
    target = f"<target><path>/pool/{name}</path><format type='{form}'/></target>"
    return f"<volume type='{kind}'><name>{name}</name>{target}</volume>"


def test_architectures_nodes_and_pages_are_those_of_libvirt() -> None:
    made = discovered(Answers(CAPABILITIES, PAGES))
    assert made["hypervisors"] == [{"arch": "x86_64", "type": "kvm"}, {"arch": "aarch64", "type": "qemu"}]
    cores = [{"cpus": "0,2"}, {"cpus": "1,3"}]
    pages = [{"size": "2Mi", "free": 512}]
    assert made["nodes"] == [
        {"id": 0, "free": 8192, "cores": cores, "hugepages": pages},
        {"id": 1, "free": 4096, "cores": [{"cpus": "4"}]},
    ]
    assert made.keys() == {"hypervisors", "nodes"}


def test_a_running_vm_takes_its_memory_and_the_cpus_that_it_has_for_itself() -> None:
    made = discovered(Answers(CAPABILITIES, domains=[PINNED, SHARED]))
    assert made["taken"] == "0,2"
    assert [node["free"] for node in made["nodes"]] == [8192 - 1024 - 1024, 4096 - 1024]


def test_a_running_vm_does_not_take_cpus_that_it_shares() -> None:
    assert "taken" not in discovered(Answers(CAPABILITIES, domains=[SHARED]))


def test_volumes_are_claims_of_their_name() -> None:
    volumes = [volume("web.qcow2", form="qcow2"), volume("data.img"), volume("raw", "block"), volume("share", "dir")]
    assert discovered(Answers(CAPABILITIES, volumes=volumes))["claims"] == [
        {"name": "web", "file": "/pool/web.qcow2", "format": "qcow2"},
        {"name": "data", "file": "/pool/data.img"},
        {"name": "raw", "block": "/pool/raw"},
        {"name": "share", "folder": "/pool/share"},
    ]


def test_two_volumes_of_one_name_are_no_claim() -> None:
    made = discovered(Answers(CAPABILITIES, volumes=[volume("a.img"), volume("a.iso"), volume("b.img")]))
    assert [claim["name"] for claim in made["claims"]] == ["b"]


def test_functions_that_are_set_aside_and_mediated_types_that_are_free_are_devices() -> None:
    made = discovered(Answers(CAPABILITIES, devices=[VFIO.format(driver="vfio-pci"), MDEV]))
    assert made["devices"] == [
        {"name": "pci-10de-1eb8", "pci": "0000:06:00.1"},
        {"name": "nvidia-11", "mdev": "nvidia-11", "parent": "pci_0000_07_00_0", "free": 4},
    ]


def test_a_function_that_the_host_uses_is_no_device() -> None:
    assert "devices" not in discovered(Answers(CAPABILITIES, devices=[VFIO.format(driver="nvme")]))


def test_networks_keep_their_names_where_a_vm_can_say_them() -> None:
    made = discovered(Answers(CAPABILITIES, networks=["default", "My Net"]))
    assert made["networks"] == [{"name": "default", "network": "default"}]


def test_what_is_found_is_a_host_file() -> None:
    everything = Answers(
        CAPABILITIES,
        PAGES,
        networks=["default"],
        volumes=[volume("a.img")],
        devices=[VFIO.format(driver="vfio-pci"), MDEV],
        domains=[PINNED],
    )
    assert read_host(discovered(everything)).taken == {0, 2}


def descriptor(code: str, *features: str) -> str:
    return json.dumps(
        {
            "interface-types": ["uefi"],
            "mapping": {
                "device": "flash",
                "executable": {"filename": code, "format": "raw"},
                "nvram-template": {"filename": "/fw/vars", "format": "raw"},
            },
            "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}],
            "features": list(features),
        }
    )


def test_firmware_is_what_descriptors_name_the_first_folder_first(tmp_path: Path) -> None:
    own, system = tmp_path / "own", tmp_path / "system"
    own.mkdir()
    system.mkdir()
    (system / "40-secure.json").write_text(descriptor("/fw/secure", "secure-boot", "enrolled-keys"))
    (system / "50-hidden.json").write_text(descriptor("/fw/hidden"))
    (system / "60-plain.json").write_text(descriptor("/fw/old"))
    (system / "70-gone.json").write_text(descriptor("/fw/gone"))
    (system / "80-broken.json").write_text("{")
    (own / "50-hidden.json").write_text("")
    (own / "60-plain.json").write_text(descriptor("/fw/new"))
    assert firmware([own, system, tmp_path / "none"], lambda path: path != "/fw/gone") == [
        {"arch": "x86_64", "loader": "/fw/secure", "template": "/fw/vars", "secureBoot": True, "enrolledKeys": True},
        {"arch": "x86_64", "loader": "/fw/new", "template": "/fw/vars"},
    ]


def test_kvm_is_there_where_the_user_who_runs_qemu_opens_it_and_else_it_is_not() -> None:
    secmodel = "<secmodel><model>dac</model><doi>0</doi><baselabel type='kvm'>+64055:+993</baselabel></secmodel>"
    labelled = CAPABILITIES.replace("<host>", f"<host>{secmodel}")
    assert labelled != CAPABILITIES
    for opens, kind in ((True, "kvm"), (False, "qemu")):
        asked: list[int] = []
        answers = Answers(labelled, PAGES, kvm=lambda user, opens=opens, asked=asked: asked.append(user) or opens)
        assert discovered(answers)["hypervisors"][0] == {"arch": "x86_64", "type": kind}
        assert asked == [64055]


@pytest.mark.parametrize(
    ("mode", "user", "opens"),
    [(0o666, 65534, True), (0o600, 65534, False), (0o660, 65534, False), (0o600, 0, True), (0o644, 65534, False)],
)
def test_kvm_is_opened_by_whom_the_device_lets(tmp_path: Path, mode: int, user: int, opens: bool) -> None:
    device = tmp_path / "kvm"
    device.touch()
    device.chmod(mode)
    assert kvm_opens(device, "", user) == opens


def test_kvm_that_is_not_there_is_not_opened_and_another_machine_is_believed(tmp_path: Path) -> None:
    assert not kvm_opens(tmp_path / "none", "qemu:///system", 0)
    assert kvm_opens(tmp_path / "none", "qemu+ssh://root@other/system", 0)
