"""What kubectl shows of VMs and of the API: short names, columns, a sentence for every field of `features`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.test_cli import vmconfig
from tests.cluster.cluster import Cluster
from tests.e2e.conftest import Tenant
from tests.e2e.service import ROOT
from webhook.kinds.crd import crds
from webhook.trees import Tree

FEATURES = crds()[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["features"]


def with_fields(schema: Tree, path: str) -> Iterator[tuple[str, Tree]]:
    """Every place below one that has fields, as `kubectl explain` names it."""
    schema = schema.get("items", schema)
    if "properties" in schema:
        yield path, schema
        for name, inner in schema["properties"].items():
            yield from with_fields(inner, f"{path}.{name}")


def machine(name: str, spec: Tree) -> Tree:
    return {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize("memory", [4096, "4Gi", "4194304Ki"])
def test_a_list_of_vms_shows_memory_in_one_unit(tenant: Tenant, memory: int | str) -> None:
    features = {"memory": memory, "cpu": {"count": 2}, "system": {"type": "debian", "version": 12}}
    tenant.create(machine("web", {"features": features}))
    head, row = tenant.kubectl("get", "vmd").stdout.splitlines()
    assert head.split() == ["NAME", "GUEST", "MEMORY", "(MIB)", "CPUS", "MACHINE", "AGE"]
    assert row.split()[:5] == ["web", "debian", "4096", "2", "pc-q35-7.2"]


def test_all_names_show_the_same_vm(tenant: Tenant) -> None:
    tenant.create(machine("web", {"features": {"memory": 512}}))
    for word in ("vmd", "vmdefinition", "vmdefinitions", "vmdefinitions.kubevirt.io", "all"):
        assert "vm.kubevirt.io/web" in tenant.kubectl("get", word, "-o", "name").stdout.split(), word


def test_explain_has_a_sentence_for_every_field_of_features(tenant: Tenant) -> None:
    for path, schema in with_fields(FEATURES, "vmd.spec.features"):
        told = tenant.kubectl("explain", path).stdout
        assert "<no description>" not in told, path
        words = " ".join(told.split())
        for name, inner in schema["properties"].items():
            assert f"{name} <" in words, (path, name)
            assert " ".join(inner["description"].split()) in words, (path, name)


def test_the_definitions_are_applied_as_the_command_says(cluster: Cluster, tenant: Tenant) -> None:  # noqa: ARG001
    made = subprocess.run(
        [sys.executable, "-m", "webhook.cli", "crd"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert made.stdout.startswith("# Apply with `kubectl apply --server-side -f FILE`")
    dry = ("--dry-run=server", "-f", "-")
    cluster.kubectl("apply", "--server-side", "--force-conflicts", *dry, input=made.stdout)
    plain = cluster.kubectl("apply", *dry, input=made.stdout, check=False)
    assert "metadata.annotations: Too long" in plain.stderr


def test_the_command_explains_a_vm_of_the_cluster_by_its_name(cluster: Cluster, tenant: Tenant) -> None:
    tenant.create(machine("web", {"features": {"memory": 512}}))
    asked = ("--kubeconfig", str(cluster.kubeconfig()), "-n", tenant.namespace)
    for word in ("vm/web", "VM/web", "vmd/web", "vmdefinitions/web"):
        done = vmconfig("explain", word, "spec.domain.memory.size", *asked)
        assert done.stdout.startswith("spec.domain.memory.size = 512\n  stored, as rule set"), done.stderr
    assert vmconfig("check", "vm/web", *asked).returncode == 0
    missing = vmconfig("explain", "vm/other", *asked)
    assert missing.returncode == 1
    assert f"vmd/other: is not in the namespace `{tenant.namespace}`" in missing.stdout
