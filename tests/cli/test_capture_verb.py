"""`vmconfig capture`: VMs from the sources that every verb takes, each with the dump of its own domain."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.test_cli import vmconfig

UUID = "c7a5fdbd-edaf-9455-926a-d65c16db180{}"


def dump(folder: Path, file: str, name: str, number: int = 1) -> str:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"<domain type='kvm'><name>{name}</name><uuid>{UUID.format(number)}</uuid><memory unit='MiB'>{number * 512}"
        "</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os></domain>"
    )
    return str(path)


def vms(folder: Path, *vms: str) -> str:
    """A manifest of VMs, each by its name, or by its name and its UUID."""
    documents = [
        f"apiVersion: kubevirt.io/v1alpha1\nkind: VM\nmetadata: {{name: {name}, namespace: team-a}}\n"
        f"spec: {{domain: {{{f'uuid: {uuid}' if uuid else ''}}}}}\n"
        for name, _, uuid in (vm.partition("=") for vm in vms)
    ]
    path = folder / "vms.yaml"
    path.write_text("---\n".join(documents))
    return str(path)


def sizes(output: str) -> dict[str, int]:
    return {one["metadata"]["name"]: one["spec"]["domain"]["memory"]["size"] for one in yaml.safe_load_all(output)}


def test_each_vm_gets_the_facts_of_its_own_dump_whatever_the_order(tmp_path: Path) -> None:
    found = [dump(tmp_path, "1.xml", "db", 1), dump(tmp_path, "2.xml", "team-a_web", 2)]
    found.append(dump(tmp_path, "3.xml", "other", 3))
    manifest = vms(tmp_path, "web", "db", f"by-uuid={UUID.format(3).upper()}")
    done = vmconfig("capture", manifest, *(word for file in found for word in ("--xml", file)))
    assert (done.returncode, sizes(done.stdout)) == (0, {"db": 512, "web": 1024, "by-uuid": 1536})
    assert "VM team-a/db: added: spec.domain.memory.size" in done.stderr


def test_a_folder_of_dumps_and_one_of_manifests_are_taken(tmp_path: Path) -> None:
    for number, name in enumerate(("db", "web"), 1):
        dump(tmp_path, f"dumps/{name}.xml", name, number)
    (tmp_path / "manifests").mkdir()
    vms(tmp_path / "manifests", "db", "web")
    done = vmconfig("capture", "-f", str(tmp_path / "manifests"), "--xml", str(tmp_path / "dumps"))
    assert (done.returncode, sizes(done.stdout)) == (0, {"db": 512, "web": 1024})


def test_every_file_of_a_folder_that_is_no_domain_is_named(tmp_path: Path) -> None:
    dump(tmp_path, "dumps/db.xml", "db")
    for name, text in (("cut", "<domain><name>a"), ("network", "<network/>")):
        (tmp_path / "dumps" / f"{name}.xml").write_text(text)
    done = vmconfig("capture", vms(tmp_path, "db"), "--xml", str(tmp_path / "dumps"))
    assert done.returncode == 1
    assert "cut.xml" in done.stderr
    assert "network.xml" in done.stderr
    assert "db.xml" not in done.stderr


def test_one_vm_and_one_dump_belong_together(tmp_path: Path) -> None:
    done = vmconfig("capture", vms(tmp_path, "web"), "--xml", dump(tmp_path, "a.xml", "another"))
    assert (done.returncode, sizes(done.stdout)) == (0, {"web": 512})
    assert done.stderr.startswith("added: ")


@pytest.mark.parametrize(
    ("names", "dumps", "problems"),
    [
        (("web", "db"), ("db",), ["VM team-a/web: has none of the dumps"]),
        (("web",), ("web", "db"), ["1.xml: is the domain `db`, which is none of the VMs"]),
        (("web",), ("web", "team-a_web"), ["has", "0.xml", "1.xml"]),
    ],
)
def test_a_vm_without_its_one_dump_and_a_dump_without_its_vm_are_findings(
    names: tuple[str, ...], dumps: tuple[str, ...], problems: list[str], tmp_path: Path
) -> None:
    found = [dump(tmp_path, f"{number}.xml", name, number + 1) for number, name in enumerate(dumps)]
    done = vmconfig("capture", vms(tmp_path, *names), *(word for file in found for word in ("--xml", file)))
    assert done.returncode == 1
    assert all(problem in done.stderr for problem in problems), done.stderr
    assert "help: the domain's name or UUID has to be the VM's" in done.stderr


PORTS = "".join(
    f"<controller type='pci' index='{index}' model='{model}'>{at}</controller>"
    for index, model, at in (
        (0, "pcie-root", ""),
        (1, "pcie-root-port", "<address type='pci' bus='0x00' slot='0x02' function='0x0' multifunction='on'/>"),
        (2, "pcie-root-port", "<address type='pci' bus='0x00' slot='0x02' function='0x1'/>"),
    )
)


def cards(folder: Path, mac: str, second: int) -> str:
    """The dump of a machine with a card of this MAC address on bus 1, and one on another bus."""
    path = Path(dump(folder, "1.xml", "web"))
    both = "".join(
        f"<interface type='ethernet'><mac address='{address}'/><model type='virtio'/>"
        f"<address type='pci' bus='0x0{bus}' slot='0x00' function='0x0'/></interface>"
        for address, bus in ((mac, 1), ("52:54:00:00:00:02", second))
    )
    path.write_text(path.read_text().replace("</domain>", f"<devices>{PORTS}{both}</devices></domain>"))
    return str(path)


@pytest.mark.parametrize(
    ("mac", "second", "path", "problem"),
    [
        ("gg:00:00:00:00:01", 2, "/domain/devices/interface[1]/mac/@address", "is not a unicast MAC address"),
        ("52:54:00:00:00:01", 1, "spec.domain.devices.interfaces[1].address", "is the place of"),
        ("52:54:00:00:00:02", 2, "spec.domain.devices.interfaces[1].mac.address", "is taken by"),
    ],
)
def test_what_no_review_takes_is_refused_of_a_dump_as_well(
    tmp_path: Path, mac: str, second: int, path: str, problem: str
) -> None:
    done = vmconfig("capture", vms(tmp_path, "web"), "--xml", cards(tmp_path, mac, second))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"VM team-a/web: {path}: " in done.stderr
    assert problem in done.stderr
    assert "help:" in done.stderr


def test_what_a_review_takes_is_captured(tmp_path: Path) -> None:
    done = vmconfig("capture", vms(tmp_path, "web"), "--xml", cards(tmp_path, "52:54:00:00:00:01", 2))
    assert done.returncode == 0, done.stderr
    devices = yaml.safe_load(done.stdout)["spec"]["domain"]["devices"]
    assert [card["address"] for card in devices["interfaces"]] == ["0000:01:00.0", "0000:02:00.0"]


def test_what_the_service_fills_in_need_not_be_in_a_capture(tmp_path: Path) -> None:
    manifest = Path(vms(tmp_path, "web"))
    nameless = "spec: {domain: {devices: {controllers: [{type: scsi, index: 0, model: virtio-scsi}]}}}"
    manifest.write_text(manifest.read_text().replace("spec: {domain: {}}", nameless))
    done = vmconfig("capture", str(manifest), "--xml", dump(tmp_path, "1.xml", "web"))
    assert done.returncode == 0, done.stderr


def test_a_vm_that_its_domain_contradicts_is_named_and_nothing_is_printed_of_any(tmp_path: Path) -> None:
    found = [dump(tmp_path, "1.xml", "db", 1), dump(tmp_path, "2.xml", "web", 2)]
    manifest = Path(vms(tmp_path, "web", "db"))
    manifest.write_text(manifest.read_text().replace("spec: {domain: {}}", "spec: {domain: {vcpu: {count: 4}}}", 1))
    done = vmconfig("capture", str(manifest), *(word for file in found for word in ("--xml", file)))
    assert done.returncode == 1
    assert "VM team-a/web: spec.domain.vcpu.count: is `4`, but the running domain has `1`" in done.stderr
    assert ("VM team-a/db: spec" not in done.stderr, done.stdout) == (True, "")
