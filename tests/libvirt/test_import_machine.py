"""Which machine and which CPU an import makes: the dump's own, or what is said where the dump leaves it open."""

from __future__ import annotations

import pytest

from webhook.libvirt.importing.imported import Imported, Map, examine

XML = """<domain type='{kind}'><name>vm</name><memory>1048576</memory>{top}
<os><type {type}>hvm</type></os>{cpu}</domain>"""
WESTMERE = "<cpu mode='custom' match='exact'><model>Westmere</model></cpu>"
Q35 = "arch='x86_64' machine='pc-q35-7.2'"


def examined(machine: str = Q35, cpu: str = WESTMERE, given: tuple[str, str] = ("", ""), **parts: str) -> Imported:
    said = {"kind": "kvm", "top": "", **parts}
    return examine(XML.format(type=machine, cpu=cpu, **said), Map(conventional=False), *given)


@pytest.mark.parametrize(
    ("alias", "way"),
    [
        ("arch='x86_64' machine='pc'", "`pc-i440fx-7.2`"),
        ("arch='x86_64'", "`pc-i440fx-7.2`"),
        ("arch='x86_64' machine='q35'", "`pc-q35-7.2`"),
        ("arch='aarch64' machine='virt'", "`virt-7.2`"),
        ("arch='s390x' machine='s390-ccw-virtio'", "`s390-ccw-virtio-7.2`"),
    ],
)
def test_the_way_out_of_an_alias_is_a_machine_of_its_family_and_works(alias: str, way: str) -> None:
    (finding,) = examined(alias).wrong
    assert (finding.path, finding.help) == ("os.type.machine", f"say it with `--machine`, like {way}")
    found = examined(alias, given=(way.strip("`"), ""))
    assert found.wrong == []
    assert found.domain["os"]["type"]["machine"] == way.strip("`")


@pytest.mark.parametrize(
    ("alias", "machine"), [("q35", "pc-i440fx-7.2"), ("pc", "pc-q35-7.2"), ("q35", "q35"), ("q35", "nonsense-7.2")]
)
def test_a_machine_of_another_family_or_without_a_version_is_refused(alias: str, machine: str) -> None:
    (finding,) = examined(f"arch='x86_64' machine='{alias}'", given=(machine, "")).wrong
    assert finding.path == "--machine"


def test_a_machine_beside_a_version_is_told_and_the_same_one_is_not() -> None:
    found = examined(given=("pc-q35-8.2", ""))
    assert found.domain["os"]["type"]["machine"] == "pc-q35-7.2"
    assert [told.path for told in found.told] == ["os.type.machine"]
    assert examined(given=("pc-q35-7.2", "")).told == []


def test_a_document_without_an_architecture_is_a_finding_whose_way_out_works() -> None:
    (finding,) = examined("machine='pc-q35-7.2'").wrong
    assert (finding.path, "arch='x86_64'" in finding.help) == ("os.type.arch", True)
    assert examined().wrong == []


def test_a_pc_of_32_bits_has_a_way_out_that_works() -> None:
    found = examined("arch='i686' machine='pc-i440fx-7.2'", cpu="")
    (finding,) = found.missing
    assert found.wrong == []
    assert "<model>qemu32</model>" in finding.help
    cpu = "<cpu mode='custom' match='exact'><model>qemu32</model></cpu>"
    found = examined("arch='x86_64' machine='pc-i440fx-7.2'", cpu=cpu)
    assert (found.wrong, found.missing) == ([], [])


@pytest.mark.parametrize("mode", ["host-passthrough", "host-model"])
def test_a_model_takes_the_place_of_the_hosts_cpu(mode: str) -> None:
    more = "<cache mode='passthrough'/><topology sockets='1' dies='1' cores='2' threads='1'/>"
    cpu = f"<cpu mode='{mode}' check='none' migratable='on'>{more}</cpu>"
    found = examined(cpu=cpu, given=("", "Skylake-Client"))
    assert found.wrong == []
    assert found.domain["cpu"] == {
        "mode": "custom",
        "match": "exact",
        "check": "partial",
        "fallback": "forbid",
        "model": "Skylake-Client",
        "topology": {"sockets": 1, "dies": 1, "cores": 2, "threads": 1},
    }


def test_the_hosts_cpu_without_a_model_is_told() -> None:
    found = examined(cpu="<cpu mode='host-passthrough'/>")
    assert found.wrong == []
    assert found.domain["cpu"]["mode"] == "host-passthrough"
    assert ["--cpu" in told.problem for told in found.told] == [True]


def test_a_model_of_the_dump_is_kept_and_told() -> None:
    found = examined(given=("", "Skylake-Client"))
    assert found.domain["cpu"]["model"] == "Westmere"
    assert [told.path for told in found.told] == ["cpu"]
    assert examined().told == []


@pytest.mark.parametrize(("model", "near"), [("skylake-client", "Skylake-Client"), ("Skylak", "Skylake")])
def test_a_model_that_libvirt_does_not_have_is_a_finding_with_near_names(model: str, near: str) -> None:
    (finding,) = examined(cpu="<cpu mode='host-model'/>", given=("", model)).wrong
    assert (finding.path, near in finding.help) == ("--cpu", True)


def test_a_node_of_another_architecture_keeps_its_cpu() -> None:
    cpu = "<cpu mode='host-passthrough'/>"
    found = examined("arch='aarch64' machine='virt-7.2'", cpu=cpu, given=("", "Skylake-Client"))
    assert (found.wrong, found.domain["cpu"]["mode"]) == ([], "host-passthrough")


def test_emulation_is_told_and_kvm_is_not() -> None:
    assert [told.path for told in examined(kind="qemu").told] == ["type"]
    assert examined(kind="kvm").told == []


@pytest.mark.parametrize("pages", ["<hugepages/>", "<hugepages><page size='2048' unit='KiB'/></hugepages>"])
def test_huge_pages_are_listed_with_and_without_a_size(pages: str) -> None:
    found = examined(top=f"<memoryBacking>{pages}</memoryBacking>")
    assert any(left.path.startswith("memoryBacking.hugepages") for left in found.left)
    assert [told.path for told in found.told] == ["memoryBacking.hugepages"]
    locked = examined(top="<memoryBacking><locked/></memoryBacking>")
    assert (locked.told, [left.path for left in locked.left]) == ([], ["memoryBacking.locked"])


def test_io_threads_that_serve_nothing_are_told() -> None:
    assert [told.path for told in examined(top="<iothreads>1</iothreads>").told] == ["iothreads"]


def test_what_of_the_hosts_cpu_goes_with_it_is_told_and_what_stays_is_not() -> None:
    cpu = "<cpu mode='host-passthrough'>{}</cpu>"
    follows = "<maxphysaddr mode='passthrough'/><cache mode='passthrough'/>"
    stated = "<maxphysaddr mode='emulate' bits='42'/><cache level='3' mode='emulate'/>"
    for inside, left in ((follows, ["cpu.cache.mode", "cpu.maxPhysAddr.mode"]), (stated, [])):
        found = examined(cpu=cpu.format(inside), given=("", "Skylake-Client"))
        assert [one.path for one in found.left] == left
        assert "cache" not in found.domain["cpu"] if left else "cache" in found.domain["cpu"]


@pytest.mark.parametrize(("kind", "form"), [("xen", "hvm"), ("xen", "linux"), ("lxc", "exe")])
def test_a_machine_of_another_hypervisor_is_not_told_to_leave_its_type_out(kind: str, form: str) -> None:
    found = examine(XML.format(type=Q35, cpu="", kind=kind, top="").replace(">hvm<", f">{form}<"), Map())
    helps = {one.path: one.help for one in found.missing}
    assert set(helps) == ({"/domain/@type"} if form == "hvm" else {"/domain/@type", "/domain/os/type"})
    assert all(way.startswith("make it a machine of QEMU's first") for way in helps.values())
