"""`vmconfig import`: one document or a folder, a map, and an exit code that says whether anything would be missed."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
import yaml

from webhook.cli import main

XML = """<domain type='kvm'><name>{name}</name><uuid>{uuid}</uuid><memory>1048576</memory>
<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
<cpu mode='custom' match='exact'><model fallback='forbid'>Westmere</model></cpu>
<devices><controller type='usb' model='none'/>{devices}</devices></domain>"""
RNG = "<rng model='virtio'><backend model='random'/></rng>"


def write(folder: Path, name: str, devices: str = "") -> str:
    file = folder / f"{name}.xml"
    file.write_text(XML.format(name=name, uuid=uuid5(NAMESPACE_OID, name), devices=devices))
    return str(file)


def test_a_machine_is_marked_as_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", write(tmp_path, "web")]) == 0
    vm = yaml.safe_load(capsys.readouterr().out)
    assert vm["spec"]["abi"] == {"policy": "frozen", "origin": "imported"}
    assert vm["metadata"] == {"name": "web"}


def test_all_machines_of_a_folder_are_imported_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "b")
    write(tmp_path, "a")
    assert main(["import", "-f", str(tmp_path)]) == 0
    vms = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [vm["metadata"]["name"] for vm in vms] == ["a", "b"]


def test_a_machine_that_would_miss_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b", RNG * 2)
    assert main(["import", "-f", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"{tmp_path / 'b.xml'}: /domain/devices/rng[2]: is not declared")
    assert [vm["metadata"]["name"] for vm in yaml.safe_load_all(said.out)] == ["a"]


def test_one_random_number_generator_is_not_refused(tmp_path: Path) -> None:
    assert main(["import", write(tmp_path, "a", RNG)]) == 0


def test_what_was_the_hosts_is_told_by_device_and_refuses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serial = "<serial type='unix'><source mode='bind' path='/tmp/s'/><target port='0'/></serial>"
    assert main(["import", write(tmp_path, "a", serial)]) == 0
    assert capsys.readouterr().err == "not carried over: devices.serials[0]: source.mode, source.path\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("networks: {default: ~}", 0),
        ("claims: {a: b}\nsecrets: {c: d}", 0),
        ("claims: {a: ~}", 1),
        ("networks: {default: team-a/front}", 0),
        ("networks: {default: Not A Name}", 1),
        ("claims: {a: team-a/b}", 1),
        ("images: {a: b}", 1),
        ("claims: [a]", 1),
        ("claims: {1: b}", 1),
    ],
)
def test_a_map_is_checked(tmp_path: Path, text: str, code: int) -> None:
    names = tmp_path / "map.yaml"
    names.write_text(text)
    assert main(["import", write(tmp_path, "a"), "--map", str(names)]) == code


@pytest.mark.parametrize(
    ("key", "code"), [("00:00:00:00:00:01", 1), ('"00:00:00:00:00:01"', 0), ("52:54:00:aa:00:01", 0)]
)
def test_an_address_that_some_read_as_a_number_needs_quotes_in_a_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, code: int
) -> None:
    names = tmp_path / "map.yaml"
    names.write_text(f"networks:\n  {key}: lan\n")
    assert main(["import", write(tmp_path, "a"), "--map", str(names)]) == code
    assert ("write it in quotes" in capsys.readouterr().err) is bool(code)


def test_one_name_is_not_given_to_several_machines(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b")
    assert main(["import", "-f", str(tmp_path), "--name", "c"]) == 1
    assert main(["import", str(tmp_path / "a.xml"), "--name", "c"]) == 0


def test_no_document_is_a_finding(tmp_path: Path) -> None:
    assert main(["import"]) == 1
    assert main(["import", "-f", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("networks: {default: Not A Name}", "networks: {br0: network}"),
        ("secrets: {a: ~}", "secrets: {UUID: secret}"),
        ("network: {a: b}", "write `networks`"),
    ],
)
def test_the_way_out_of_a_wrong_map_is_about_its_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, way: str
) -> None:
    names = tmp_path / "map.yaml"
    names.write_text(text)
    assert main(["import", write(tmp_path, "a"), "--map", str(names)]) == 1
    assert way in capsys.readouterr().err


def test_names_of_the_map_that_no_device_has_are_told_and_others_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "map.yaml"
    names.write_text("claims: {/a: root, /z: root}\nsecrets: {key: luks}")
    assert main(["import", write(tmp_path, "a", disk("/a")), "--map", str(names)]) == 0
    note = f"note: {names}: no device here needs `/z` of `claims`, `key` of `secrets`\n"
    assert capsys.readouterr().err.endswith(note)
    names.write_text("claims: {/a: root}")
    assert main(["import", str(tmp_path / "a.xml"), "--map", str(names)]) == 0
    assert "no device here" not in capsys.readouterr().err


def test_files_and_folders_are_taken_with_and_without_a_flag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    below = tmp_path / "below"
    below.mkdir()
    files = [write(tmp_path, "a"), write(tmp_path, "b"), write(below, "c")]
    for words in ([files[0], files[1], str(below)], ["-f", files[0], "-f", str(below), files[1]]):
        assert main(["import", *words]) == 0
        names = [vm["metadata"]["name"] for vm in yaml.safe_load_all(capsys.readouterr().out)]
        assert sorted(names) == ["a", "b", "c"]


def disk(image: str, more: str = "") -> str:
    return f"<disk type='file'><source file='{image}'/><target dev='vda' bus='virtio'/>{more}</disk>"


def nic(address: str) -> str:
    return (
        f"<interface type='bridge'><mac address='{address}'/><source bridge='br0'/><model type='virtio'/></interface>"
    )


def imported(tmp_path: Path, machines: dict[str, str], claims: dict[str, str]) -> int:
    folder = tmp_path / "dumps"
    folder.mkdir()
    for name, devices in machines.items():
        write(folder, name, devices)
    names = tmp_path / "map.yaml"
    names.write_text(yaml.safe_dump({"claims": claims, "networks": {"br0": "lan"}}))
    return main(["import", "-f", str(folder), "--map", str(names)])


@pytest.mark.parametrize(
    ("machines", "claims", "place"),
    [
        ({"web_1": "", "web.1": ""}, {}, "name"),
        ({"a": disk("/a"), "b": disk("/b")}, {"vda": "root"}, "devices.disks[0].claim"),
        ({"a": disk("/a"), "b": disk("/b", "<readonly/>")}, {"vda": "root"}, "devices.disks[0].claim"),
        ({"a": nic("52:54:00:00:00:0a"), "b": nic("52:54:00:00:00:0A")}, {}, "devices.interfaces[0].mac.address"),
    ],
)
def test_machines_that_would_be_one_are_refused_and_the_others_are_not(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    machines: dict[str, str],
    claims: dict[str, str],
    place: str,
) -> None:
    assert imported(tmp_path, {**machines, "other": ""}, claims) == 1
    said = capsys.readouterr()
    folder = tmp_path / "dumps"
    first, second = sorted(machines)
    assert f"{folder / first}.xml: {place}: is `" in said.err
    assert f"{folder / second}.xml: {place}: is `" in said.err
    assert [vm["metadata"]["name"] for vm in yaml.safe_load_all(said.out)] == ["other"]


@pytest.mark.parametrize(
    ("machines", "claims"),
    [
        ({"a": disk("/a"), "b": disk("/b")}, {"/a": "root-a", "/b": "root-b"}),
        ({"a": disk("/a", "<readonly/>"), "b": disk("/b", "<readonly/>")}, {"vda": "root"}),
        ({"a": nic("52:54:00:00:00:0a"), "b": nic("52:54:00:00:00:0b")}, {}),
    ],
)
def test_machines_of_their_own_are_not_refused(
    tmp_path: Path, machines: dict[str, str], claims: dict[str, str]
) -> None:
    assert imported(tmp_path, machines, claims) == 0


def test_a_claim_of_two_disks_of_one_machine_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    devices = disk("/a") + disk("/b").replace("vda", "vdb")
    assert imported(tmp_path, {"a": devices}, {"/a": "root", "/b": "root"}) == 1
    assert (
        "devices.disks[1].claim: `root` is the claim of `spec.domain.devices.disks[0]` too" in capsys.readouterr().err
    )


def test_a_name_that_had_to_change_is_told_and_a_kept_one_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", write(tmp_path, "Web_1"), write(tmp_path, "web-2")]) == 0
    said = capsys.readouterr().err
    assert said == f"{tmp_path / 'Web_1.xml'}: note: the name `Web_1` is `web-1` here\n"


def test_what_is_not_consistent_is_refused_at_the_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = "<address type='pci' domain='0' bus='0' slot='5' function='0'/>"
    devices = RNG.replace("</rng>", f"{address}</rng>") + disk("/a", address)
    assert imported(tmp_path, {"a": devices}, {"/a": "root"}) == 1
    assert "spec.domain.devices" in capsys.readouterr().err


def test_a_parallel_port_of_a_file_is_imported_and_passes_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", write(tmp_path, "a", "<parallel type='file'><source path='/tmp/lp'/></parallel>")]) == 0
    vm = tmp_path / "vm.yaml"
    vm.write_text(capsys.readouterr().out)
    assert main(["check", str(vm)]) == 0


def test_a_document_is_alone_on_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vm = tmp_path / "vm.yaml"
    vm.write_text("apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {name: v}\nspec: {features: {memori: 1Gi}}\n")
    for words in (["expand"], ["render"], ["expand", "-o", "json"]):
        assert main([*words, str(vm)]) == 1
        said = capsys.readouterr()
        assert (said.out, "memori" in said.err) == ("", True)
    assert main(["check", str(vm)]) == 1
    assert "memori" in capsys.readouterr().out


def test_a_mac_address_of_digits_alone_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = tmp_path / "map.yaml"
    names.write_text("networks: {br0: lan}")
    assert main(["import", write(tmp_path, "a", nic("02:00:00:00:00:09")), "--map", str(names)]) == 0
    vm = tmp_path / "vm.yaml"
    vm.write_text(capsys.readouterr().out)
    assert main(["check", str(vm)]) == 0


def test_identities_that_get_drawn_are_told_and_stated_ones_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = tmp_path / "map.yaml"
    names.write_text("networks: {br0: lan}")
    whole = Path(write(tmp_path, "a", nic("52:54:00:00:00:0a")))
    assert main(["import", str(whole), "--map", str(names)]) == 0
    assert "drawn" not in capsys.readouterr().err
    bare = re.sub("<(uuid>.*</uuid|mac .*?/)>", "", whole.read_text())
    whole.write_text(bare)
    assert main(["import", str(whole), "--map", str(names)]) == 0
    notes = [line.partition(":")[0] for line in capsys.readouterr().err.replace("note: ", "").splitlines()]
    assert notes == ["uuid is not said, and gets drawn", "devices.interfaces[0].mac is not said, and gets drawn"]


def test_a_seed_makes_the_same_identities_each_time_and_another_seed_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(write(tmp_path, "a"))
    file.write_text(re.sub("<uuid>.*</uuid>", "", file.read_text()))
    printed = []
    for seed in ("x", "x", "y"):
        assert main(["import", str(file), "--seed", seed]) == 0
        printed.append(yaml.safe_load(capsys.readouterr().out)["spec"]["domain"]["uuid"])
    assert printed[0] == printed[1] != printed[2]


@pytest.mark.parametrize("form", ["{hex}", " {text} ", "{spaced}"])
def test_a_uuid_is_taken_in_every_form_that_libvirt_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    file, uuid = Path(write(tmp_path, "a")), uuid5(NAMESPACE_OID, "a")
    said = form.format(hex=uuid.hex, text=uuid, spaced=f"{uuid.hex[:8]} {uuid.hex[8:]}")
    file.write_text(file.read_text().replace(str(uuid), said))
    assert main(["import", str(file)]) == 0
    assert UUID(yaml.safe_load(capsys.readouterr().out)["spec"]["domain"]["uuid"]) == uuid


def test_a_uuid_of_too_few_digits_is_refused(tmp_path: Path) -> None:
    file, uuid = Path(write(tmp_path, "a")), uuid5(NAMESPACE_OID, "a")
    file.write_text(file.read_text().replace(str(uuid), uuid.hex[:-1]))
    assert main(["import", str(file)]) == 1
