"""What a node's agent writes of the machine that runs: whole configurations, each with one owner."""

from __future__ import annotations

import json

from tests.e2e.conftest import Tenant
from tests.e2e.test_life import features, inner, machine
from webhook.trees import Tree


def apply_status(tenant: Tenant, status: Tree, manager: str = "agent") -> Tree:
    manifest = {
        "apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "web"}, "status": status,
    }  # fmt: skip
    tenant.kubectl(
        "apply", "--server-side", "--subresource=status", f"--field-manager={manager}", "-f", "-", manifest=manifest
    )
    stored = tenant.kubectl("get", "vmd", "web", "-o", "json", "--show-managed-fields").stdout
    found: Tree = json.loads(stored)
    return found


def test_an_agent_owns_a_configuration_as_a_whole(tenant: Tenant) -> None:
    domain = inner(tenant.create(machine("VM", "web", features())))["domain"]
    stored = apply_status(tenant, {"phase": "Running", "desired": domain, "current": domain})
    assert stored["status"] == {"phase": "Running", "desired": domain, "current": domain}
    (owned,) = [each for each in stored["metadata"]["managedFields"] if each["manager"] == "agent"]
    assert owned["fieldsV1"] == {"f:status": {"f:phase": {}, "f:desired": {}, "f:current": {}}}


def test_what_an_agent_leaves_out_of_a_configuration_is_gone(tenant: Tenant) -> None:
    """A device that was unplugged: nothing of it is kept beside what the agent writes."""
    domain = inner(tenant.create(machine("VM", "web", features())))["domain"]
    apply_status(tenant, {"current": domain})
    fewer = {**domain, "devices": {**domain["devices"], "interfaces": domain["devices"]["interfaces"][:1]}}
    assert apply_status(tenant, {"current": fewer})["status"]["current"] == fewer
