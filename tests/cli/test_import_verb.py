"""`vmconfig import`: one document or a folder, a map, and an exit code that says whether anything would be missed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from webhook.cli import main

XML = """<domain type='kvm'><name>{name}</name><memory>1048576</memory>
<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
<cpu mode='custom' match='exact'><model fallback='forbid'>Westmere</model></cpu>
<devices><controller type='usb' model='none'/>{devices}</devices></domain>"""
RNG = "<rng model='virtio'><backend model='random'/></rng>"


def write(folder: Path, name: str, devices: str = "") -> str:
    file = folder / f"{name}.xml"
    file.write_text(XML.format(name=name, devices=devices))
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
    said = capsys.readouterr().out
    assert said.startswith(f"{tmp_path / 'b.xml'}: /domain/devices/rng[2]: is not declared")


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
        ("networks: {default: Not A Name}", 1),
        ("images: {a: b}", 1),
        ("claims: [a]", 1),
        ("claims: {1: b}", 1),
    ],
)
def test_a_map_is_checked(tmp_path: Path, text: str, code: int) -> None:
    names = tmp_path / "map.yaml"
    names.write_text(text)
    assert main(["import", write(tmp_path, "a"), "--map", str(names)]) == code


def test_one_name_is_not_given_to_several_machines(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b")
    assert main(["import", "-f", str(tmp_path), "--name", "c"]) == 1
    assert main(["import", str(tmp_path / "a.xml"), "--name", "c"]) == 0


def test_no_document_is_a_finding(tmp_path: Path) -> None:
    assert main(["import"]) == 1
    assert main(["import", "-f", str(tmp_path)]) == 1


def test_a_mac_address_of_digits_alone_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nic = "<interface type='bridge'><mac address='02:00:00:00:00:09'/><source bridge='br0'/></interface>"
    names = tmp_path / "map.yaml"
    names.write_text("networks: {br0: lan}")
    assert main(["import", write(tmp_path, "a", nic), "--map", str(names)]) == 0
    vm = tmp_path / "vm.yaml"
    vm.write_text(capsys.readouterr().out)
    assert main(["check", str(vm)]) == 0
