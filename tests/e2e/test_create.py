"""Creation on a real API server: complete, the same as offline, or refused with everything that is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import Tenant
from tests.e2e.service import ROOT
from tests.identities import without_identities

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if path.stem != "proposal-domain-backend")


def offline(path: Path) -> dict[str, Any]:
    """What `vmconfig expand` makes of a file."""
    command = [sys.executable, "-m", "webhook.cli", "expand", "-o", "yaml", str(path)]
    made = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    tree: dict[str, Any] = yaml.safe_load(made.stdout)
    return tree


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_created_example_is_stored_as_the_offline_expansion_says(tenant: Tenant, path: Path) -> None:
    stored = tenant.create(path.read_text())
    expected = offline(path)
    assert without_identities(stored["spec"]) == without_identities(expected["spec"])
    assert "domain" in (stored["spec"] if stored["kind"] == "VM" else stored["spec"]["template"]["spec"])


@pytest.mark.parametrize("name", ["win11", "Windows Server 2022", "http://redhat.com/rhel/9.4"])
def test_a_guests_name_as_people_write_it_passes_the_schema_and_stays(tenant: Tenant, name: str) -> None:
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "named"}}
    stored = tenant.create(yaml.safe_dump({**head, "spec": {"features": {"system": {"type": name}}}}))
    assert stored["spec"]["features"]["system"] == {"type": name}
    assert stored["spec"]["domain"]["os"]["firmware"] == "efi"


def test_a_warning_with_its_help_reaches_the_tenant(tenant: Tenant) -> None:
    features = {"system": {"type": "linux", "arch": "riscv64"}}
    head = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "warned"}}
    done = tenant.kubectl("create", "-f", "-", manifest={**head, "spec": {"features": features}})
    warning = next(line for line in done.stderr.splitlines() if "spec.domain.os.type.machine" in line)
    assert warning.startswith("Warning: ")
    assert "; help: " in warning


def test_the_proposals_backend_fields_are_all_refused_and_nothing_else(refused: Any) -> None:
    text = (ROOT / "examples" / "proposal-domain-backend.yaml").read_text()
    said = refused("create", "-f", "-", manifest=text)
    message = "\n".join(line for line in said.splitlines() if not line.startswith("Warning: "))
    paths = set(re.findall(r"^.*?(spec\.\S+?): ", message, re.M))
    devices = "spec.domain.devices"
    assert paths == {
        f"{devices}.channels[0].source.mode",
        f"{devices}.channels[0].source.path",
        f"{devices}.rng.path",
        f"{devices}.disks[1].source.file",
        f"{devices}.disks[1].driver.cache",
        f"{devices}.disks[1].driver.io",
        f"{devices}.interfaces[0].source.bridge",
        f"{devices}.interfaces[0].filterRef.filter",
        f"{devices}.graphics[0].listen.network",
        f"{devices}.graphics[0].listen.type",
        f"{devices}.graphics[0].port",
        f"{devices}.graphics[0].tlsPort",
        f"{devices}.graphics[0].passwd",
        f"{devices}.graphics[0].passwdValidTo",
    }
    assert message.count("help: ") == len(paths)


def test_a_password_is_never_shown_in_a_refusal(refused: Any) -> None:
    vm = {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "VM",
        "metadata": {"name": "secretive"},
        "spec": {"domain": {"devices": {"graphics": [{"type": "vnc", "passwd": "hunter2-hunter2"}]}}},
    }
    message = refused("create", "-f", "-", manifest=vm)
    assert "graphics[0].passwd" in message
    assert "hunter2" not in message


def test_a_manifest_with_several_mistakes_hears_of_all_at_once(refused: Any) -> None:
    vm = {
        "apiVersion": "kubevirt.io/v1alpha1",
        "kind": "VM",
        "metadata": {"name": "wrong"},
        "spec": {
            "features": {"memory": "lots", "system": {"type": "windows", "version": 10}},
            "domain": {"devices": {"disks": [{"source": {"file": "/etc/passwd"}}]}},
        },
    }
    message = refused("create", "--validate=false", "-f", "-", manifest=vm)
    assert "spec.features.memory" in message
    assert "spec.domain.devices.disks[0].source.file" in message
