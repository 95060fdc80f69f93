"""The CustomResourceDefinitions: structural, real, small enough, and taken by the real API server."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import yaml

from tests.cluster.cluster import Cluster
from webhook.kinds.crd import crds
from webhook.trees import Tree


def schemas(tree: Tree, path: str) -> Iterator[tuple[str, Tree]]:
    """Every schema node below one."""
    yield path, tree
    for name, inner in tree.get("properties", {}).items():
        yield from schemas(inner, f"{path}.{name}")
    if "items" in tree:
        yield from schemas(tree["items"], f"{path}[]")


def whole() -> Iterator[tuple[str, Tree]]:
    for crd in crds():
        for version in crd["spec"]["versions"]:
            yield from schemas(version["schema"]["openAPIV3Schema"], crd["spec"]["names"]["kind"])


def test_every_property_has_a_type_but_three_that_no_schema_can_say_and_texts_that_are_understood_as_maps() -> None:
    untyped = {path for path, node in whole() if not node.get("type") and not node.get("x-kubernetes-int-or-string")}
    assert {re.split(r"\.features\.|\.cpu\.|\.(?=address$)", path)[-1] for path in untyped} == {
        "graphics", "numa", "numa[].cpus", "address",
    }  # fmt: skip
    assert all(dict(whole())[path]["x-kubernetes-preserve-unknown-fields"] for path in untyped)


def test_unknown_names_reach_the_service_wherever_a_tenant_writes_and_nowhere_else() -> None:
    for path, node in whole():
        if "properties" in node:
            of_a_spec = path.startswith(("VM.spec", "VirtualMachineConfig.spec.template.spec", "VMSnapshot.spec"))
            tenants = of_a_spec and not re.search(r"\.abi\.(tombstones|removed|history)|\.spec\.provenance", path)
            assert node.get("x-kubernetes-preserve-unknown-fields", False) == tenants, path


def test_every_field_of_features_has_a_sentence_of_its_own() -> None:
    of_classes = re.compile(r"(Goal\.|Names a \w+\.| )+")
    described = {path: node.get("description", "") for path, node in whole() if ".spec.features" in path}
    assert len(described) > 80
    assert [path for path, text in described.items() if not of_classes.sub("", text)] == []


def test_every_kind_has_a_short_name_and_is_found_by_get_all() -> None:
    names = [crd["spec"]["names"] for crd in crds()]
    assert [each["shortNames"] for each in names] == [["vmd"], ["vmconfig"], ["vmds"]]
    assert all(each["categories"] == ["all"] for each in names)


def test_lists_of_devices_are_keyed_by_name() -> None:
    found = dict(whole())
    disks = found["VM.spec.domain.devices.disks"]
    assert disks["x-kubernetes-list-type"] == "map"
    assert disks["x-kubernetes-list-map-keys"] == ["name"]
    assert disks["items"]["required"] == ["name"]


def test_a_definition_stays_below_a_megabyte() -> None:
    for crd in crds():
        assert len(json.dumps(crd)) < 1_000_000


def test_backend_fields_say_so_in_their_description() -> None:
    found = dict(whole())
    assert "Backend (host-path)" in found["VM.spec.domain.devices.disks[].source.file"]["description"]


def test_the_api_server_stores_them_and_explains_fields(cluster: Cluster) -> None:
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(crds()))
    for crd in crds():
        cluster.wait_established(crd["metadata"]["name"])
    status = json.loads(cluster.kubectl("get", "crd", "vmdefinitions.kubevirt.io", "-o", "json").stdout)["status"]
    assert not [one for one in status["conditions"] if one["type"] == "NonStructuralSchema"]
    for _ in range(50):
        told = cluster.kubectl("explain", "vmd.spec.domain.devices.disks", check=False)
        if told.returncode == 0:
            break
        time.sleep(0.2)
    assert "CD-ROM" in told.stdout
    assert "bootOrder" in told.stdout


def test_what_the_schema_can_refuse_it_refuses_without_the_webhook(cluster: Cluster) -> None:
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(crds()))
    for spec, word in (
        ({"domain": {"devices": {"disks": [{"name": "a", "device": "teapot"}]}}}, "teapot"),
        ({"domain": {"vcpu": {"count": 0}}}, "count"),
        ({"domain": {"uuid": "x"}}, "uuid"),
    ):
        vm = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": {"name": "x"}, "spec": spec}
        # kube-system is the namespace that the webhooks leave alone.
        refused = cluster.kubectl("-n", "kube-system", "create", "-f", "-", input=yaml.safe_dump(vm), check=False)
        assert refused.returncode != 0
        assert word in refused.stderr
