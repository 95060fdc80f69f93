"""A running VM, asked by `vmconfig plan` of a real API server, and how much is stored of a long history."""

from __future__ import annotations

import json

from tests.cli.test_cli import vmconfig
from tests.cluster.cluster import Cluster
from tests.e2e.conftest import Tenant
from tests.e2e.test_life import features, inner, machine
from tests.e2e.test_status import apply_status

LARGEST = 200_000


def test_the_plan_of_a_running_vm_says_what_waits_and_since_when(tenant: Tenant, cluster: Cluster) -> None:
    where = ("--kubeconfig", str(cluster.kubeconfig()), "-n", tenant.namespace)
    domain = inner(tenant.create(machine("VM", "web", features())))["domain"]
    apply_status(tenant, {"node": "node-1", "desired": domain, "current": domain})
    nothing = vmconfig("plan", "vm/web", *where)
    assert (nothing.returncode, nothing.stdout) == (0, f"VM {tenant.namespace}/web runs on node-1, and nothing waits\n")

    changed = {**features(), "memory": "4Gi"}
    changed["storage"] = [changed["storage"][0], {"type": "disk", "source": "logs"}]
    changed["storage"][1]["name"] = "logs"
    tenant.kubectl("replace", "-f", "-", manifest=machine("VM", "web", changed))
    (found,) = json.loads(vmconfig("plan", "vm/web", "-o", "json", *where).stdout)
    waits = {(one["state"], one["path"].rpartition("[")[2]): one for one in found["waiting"]}
    assert {("hot-plug pending", "1]"), ("unplug requested", "data]")} <= waits.keys()
    assert any(one["state"] == "at the next reboot" and one["path"].endswith("memory.size") for one in found["waiting"])
    assert [one for one in found["waiting"] if not one["since"]] == []
    assert [one["exact"] for one in found["waiting"]] == [
        one["state"] == "unplug requested" for one in found["waiting"]
    ]
    assert [(one["list"], one["name"]) for one in found["removed"]] == [("disks", "data")]

    # The original again is no other VM than it was, and makes no new time.
    tenant.kubectl("replace", "-f", "-", manifest=machine("VM", "web", changed))
    (again,) = json.loads(vmconfig("plan", "vm/web", "-o", "json", *where).stdout)
    assert again == found


def test_what_is_stored_stays_small_whatever_the_history(tenant: Tenant) -> None:
    """With all that the API server keeps beside it: each update has sixty disks that were never there."""
    for turn in range(7):
        disks = [{"name": f"d-{turn}-{number}", "source": "c", "interface": "virtio-scsi"} for number in range(60)]
        for number, disk in enumerate(disks):
            disk["source"] = f"c-{turn}-{number}"
        manifest = machine("VM", "web", {**features(), "storage": disks})
        done = tenant.kubectl("create" if not turn else "replace", "-f", "-", manifest=manifest)
    assert "is forgotten: there is no room for more removed devices" in done.stderr
    stored = tenant.kubectl("get", "vmd", "web", "-o", "json", "--show-managed-fields").stdout
    size = len(json.dumps(json.loads(stored), separators=(",", ":")))
    assert 60_000 < size < LARGEST
