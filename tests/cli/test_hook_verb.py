"""`vmconfig hook` as KubeVirt's sidecar shim calls it, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.cli.test_cli import ROOT, vmconfig
from tests.kubevirt.test_hook_restate import RNG, disk, domain, frozen, instance

VMI = json.dumps(instance(frozen({"rng": "pci 0d:00.0"}), rng={}))
MEASURED = """
import sys
from webhook.cli import main
assert main(sys.argv[1:]) == 0
status = open("/proc/self/status").read()
modules = {name.partition(".")[0] for name in sys.modules}
print(status.partition("VmHWM:")[2].split()[0], *sorted(modules), file=sys.stderr)
"""


def test_the_domain_is_printed_with_the_places_of_the_machine_and_nothing_else() -> None:
    done = vmconfig("hook", "--vmi", VMI, "--domain", domain(RNG))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("<domain ")
    assert done.stdout.endswith("</domain>")
    assert 'bus="0x0d"' in done.stdout


def test_a_vm_without_a_machine_is_printed_as_it_came() -> None:
    done = vmconfig("hook", "--vmi", "{}", "--domain", "<domain  type='kvm'/>\n")
    assert (done.returncode, done.stdout) == (0, "<domain  type='kvm'/>\n")


def test_a_guest_that_would_miss_a_device_does_not_start() -> None:
    done = vmconfig("hook", "--vmi", VMI, "--domain", domain())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("spec.domain.devices.rng: is in the VM and in its frozen machine")
    assert "help:" in done.stderr


def test_what_is_no_json_is_a_wrong_call() -> None:
    done = vmconfig("hook", "--vmi", "{", "--domain", domain())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "vmconfig: --vmi: is no JSON\n")


def test_it_loads_no_library_that_only_the_service_needs_and_takes_less_than_40_mb() -> None:
    command = [sys.executable, "-c", MEASURED, "hook", "--vmi", VMI]
    large = domain(RNG, *(disk(f"disk-{at}", "scsi") for at in range(200)))
    done = subprocess.run([*command, "--domain", large], cwd=ROOT, capture_output=True, text=True, check=True)
    memory, *modules = done.stderr.split()
    assert int(memory) < 40_000
    assert {"webhook", "orjson"} <= {*modules}
    assert {"fastapi", "kubernetes", "lxml", "pydantic", "re2", "uvicorn"}.isdisjoint(modules)
