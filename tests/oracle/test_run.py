"""`vmconfig host` and `vmconfig run` with a real libvirtd and QEMU: from a few words to a prompt, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_cli import vmconfig
from tests.oracle.console import console
from tests.oracle.daemon import libvirtd, uri
from webhook.libvirt.host.facts import read_host

EXAMPLES = Path(__file__).parents[2] / "examples"
# A boot sector: it writes `boot: ` to the first serial port, waits for a key there, and begins again.
LOADER = bytes.fromhex("31c08ed8be207cac84c07406baf803eeebf5bafd03eca80174f8baf803ecebe4") + b"\r\nboot: \0"
# libvirt: VIR_DOMAIN_XML_INACTIVE.
INACTIVE = 2
# The examples that are run, with the name of each and the prompt that it ends at.
PROMPTS = {
    "ubuntu-server": ("web-1", "boot: "),
    "i440fx-legacy": ("legacy", "boot: "),
    "uefi-server": ("uefi-1", "Shell>"),
}


@pytest.fixture(scope="module")
def daemon(schemas: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("libvirtd")
    with libvirtd(folder) as connection:
        yield uri(folder), connection


@pytest.fixture
def libvirt_here(daemon: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The connection; `virsh` has the same."""
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", daemon[0])
    return daemon[1]


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """An emulating host with an image for each claim of the examples; the boot disks of two have a boot loader."""
    sector = LOADER.ljust(510, b"\0") + b"\x55\xaa"
    claims = []
    for name in ("web-1-root", "web-1-data", "legacy-root", "uefi-1-root"):
        image = tmp_path / f"{name}.img"
        image.write_bytes((sector if name in ("web-1-root", "legacy-root") else b"").ljust(1 << 20, b"\0"))
        claims.append({"name": name, "file": str(image)})
    facts = {
        "hypervisors": [{"arch": "x86_64", "type": "qemu"}],
        "nodes": [{"id": 0, "cores": [{"cpus": "0"}]}],
        "claims": claims,
        "networks": [{"name": name, "user": True} for name in ("frontend", "storage", "mgmtnet")],
        "firmware": [
            {
                "arch": "x86_64",
                "loader": "/usr/share/OVMF/OVMF_CODE_4M.fd",
                "template": "/usr/share/OVMF/OVMF_VARS_4M.fd",
            }
        ],
    }
    file = tmp_path / "host.yaml"
    file.write_text(yaml.safe_dump(facts))
    return file


@pytest.mark.parametrize("example", PROMPTS)
def test_an_example_runs_to_a_prompt_and_nothing_is_left_of_it(example: str, host: Path, libvirt_here: Any) -> None:
    name, prompt = PROMPTS[example]
    file = str(EXAMPLES / f"{example}.yaml")
    started = vmconfig("run", "--host", str(host), file)
    assert started.returncode == 0, started.stdout
    assert f"{name} runs, emulated" in started.stdout
    assert f"console: virsh console {name}" in started.stdout
    assert bool(re.search("^display: vnc://127.0.0.1:", started.stdout, re.M)) == (example == "i440fx-legacy")
    with console(name) as shown:
        shown.prompt(prompt)
    again = vmconfig("run", "--host", str(host), file)
    assert again.returncode == 1
    assert f"libvirt has a domain `{name}` already" in again.stderr
    assert vmconfig("run", "--stop", file).returncode == 0
    assert libvirt_here.listAllDomains() == []
    assert "has no domain" in vmconfig("run", "--stop", file).stderr


def test_the_captured_vm_is_the_same_machine_at_its_next_start(host: Path, tmp_path: Path, libvirt_here: Any) -> None:
    """The cells that match this host are captured at the first start, and stay."""
    features = {"system": {"type": "linux"}, "memory": 512, "cpu": {"count": 1, "max": 2}, "numa": "match-host"}
    vm = {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "VM",
        "metadata": {"name": "near"},
        "spec": {"features": features},
    }
    few, kept = tmp_path / "few.yaml", tmp_path / "kept.yaml"
    few.write_text(yaml.safe_dump(vm))
    first = vmconfig("run", "--host", str(host), "-o", "yaml", str(few))
    assert "captured: spec.domain.cpu.numa[0]" in first.stderr
    kept.write_text(first.stdout)
    # That this host emulates is not the VM's own: another host, and a cluster, take it as it is.
    assert "type" not in yaml.safe_load(first.stdout)["spec"]["domain"]
    assert vmconfig("check", str(kept)).returncode == 0
    before = libvirt_here.lookupByName("near").XMLDesc(INACTIVE)
    assert vmconfig("run", "--stop", str(few)).returncode == 0
    second = vmconfig("run", "--host", str(host), "-o", "yaml", str(kept))
    assert "captured" not in second.stderr
    assert yaml.safe_load(second.stdout) == yaml.safe_load(first.stdout)
    assert libvirt_here.lookupByName("near").XMLDesc(INACTIVE) == before
    assert vmconfig("run", "--stop", str(kept)).returncode == 0


def test_a_hypervisor_that_the_vm_states_is_kept(host: Path, tmp_path: Path, libvirt_here: Any) -> None:
    vm = {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "VM",
        "metadata": {"name": "own"},
        "spec": {"features": {"system": {"type": "linux"}, "memory": 512}, "domain": {"type": "qemu"}},
    }
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump(vm))
    done = vmconfig("run", "--host", str(host), "-o", "yaml", str(file), "--level", "privileged")
    assert yaml.safe_load(done.stdout)["spec"]["domain"]["type"] == "qemu", done.stdout
    assert vmconfig("run", "--stop", str(file)).returncode == 0
    assert libvirt_here.listAllDomains() == []


def test_a_domain_of_somebody_else_is_not_stopped(libvirt_here: Any) -> None:
    made = libvirt_here.defineXML(
        "<domain type='qemu'><name>web-1</name><memory>1024</memory><os><type>hvm</type></os></domain>"
    )
    try:
        stopped = vmconfig("run", "--stop", str(EXAMPLES / "ubuntu-server.yaml"))
        assert stopped.returncode == 1
        assert "`vmconfig run` has not started the domain `web-1`" in stopped.stderr
        assert [domain.name() for domain in libvirt_here.listAllDomains()] == ["web-1"]
    finally:
        made.undefine()


def test_what_cannot_start_leaves_nothing(host: Path, libvirt_here: Any) -> None:
    (host.parent / "legacy-root.img").unlink()
    done = vmconfig("run", "--host", str(host), str(EXAMPLES / "i440fx-legacy.yaml"))
    assert done.returncode == 1
    assert "libvirt: `virsh start` failed" in done.stderr
    assert libvirt_here.listAllDomains() == []


def test_the_host_file_of_this_machine_is_one(libvirt_here: Any) -> None:  # noqa: ARG001
    made = vmconfig("host")
    assert made.returncode == 0, made.stdout
    host = read_host(yaml.safe_load(made.stdout))
    assert host.types["x86_64"] in ("kvm", "qemu")
    assert host.nodes[0].cores
    assert {image["loader"] for image in host.firmware} >= {"/usr/share/OVMF/OVMF_CODE_4M.fd"}


def test_without_libvirt_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, schemas: Path) -> None:  # noqa: ARG001
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", f"qemu+unix:///system?socket={tmp_path}/none")
    silent = vmconfig("host")
    assert (silent.returncode, "help: start libvirt" in silent.stderr) == (1, True)
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = vmconfig("run", "--stop", str(EXAMPLES / "ubuntu-server.yaml"))
    assert (missing.returncode, "help: install libvirt and QEMU" in missing.stderr) == (1, True)
