"""Our definitions beside KubeVirt's in one cluster, whichever come first: all are served, under their own names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.cluster.cluster import Cluster, running
from tests.waiting import until
from webhook.kinds import GROUP, KINDS, SNAPSHOT, VERSION
from webhook.kinds.crd import crds
from webhook.trees import Tree

KUBEVIRT: dict[str, dict[str, list[str]]] = yaml.safe_load((Path(__file__).parent / "kubevirt.yaml").read_text())
CONDITIONS = {"NamesAccepted": "True", "Established": "True"}


def kubevirts() -> list[Tree]:
    """Definitions with the names of KubeVirt's in our group; what else is in them does not matter."""
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{GROUP}"},
            "spec": {
                "group": GROUP,
                "scope": "Namespaced",
                "names": {
                    "kind": kind,
                    "listKind": f"{kind}List",
                    "plural": plural,
                    "singular": kind.lower(),
                    "shortNames": short,
                    "categories": ["all"],
                },
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": anything}],
            },
        }
        for kind, (plural, *short) in KUBEVIRT[GROUP].items()
    ]


def test_no_name_of_ours_is_one_of_kubevirts_in_any_group() -> None:
    theirs = {
        name for kinds in KUBEVIRT.values() for kind, names in kinds.items() for name in (kind, kind.lower(), *names)
    }
    theirs |= {f"{kind}List" for kinds in KUBEVIRT.values() for kind in kinds}
    for kind in (*KINDS.values(), SNAPSHOT):
        ours = {kind.name, f"{kind.name}List", kind.plural, kind.singular, *kind.short_names}
        assert not ours & theirs, kind.name


def _apply(cluster: Cluster, obj: Tree) -> None:
    """Kubectl learns of a new kind some time after it is established."""
    text = yaml.safe_dump(obj)
    until(lambda: cluster.kubectl("apply", "-f", "-", input=text, check=False).returncode == 0)


@pytest.mark.parametrize("order", ["kubevirt first", "kubevirt second"])
def test_whichever_comes_first_all_are_served_and_found_by_their_names(tmp_path: Path, order: str) -> None:
    both = [kubevirts(), crds()] if order == "kubevirt first" else [crds(), kubevirts()]
    with running(tmp_path) as cluster:
        for made in both:
            cluster.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump_all(made))
            for each in made:
                cluster.wait_established(each["metadata"]["name"])
        found = json.loads(cluster.kubectl("get", "crd", "-o", "json").stdout)["items"]
        assert len(found) == len(kubevirts()) + len(crds())
        for each in found:
            conditions = {one["type"]: one["status"] for one in each["status"]["conditions"]}
            assert conditions.items() >= CONDITIONS.items(), each["metadata"]["name"]
        for version, kind, spec in (("v1", "VirtualMachine", {}), (VERSION, "VM", {"features": {"memory": 512}})):
            obj = {"apiVersion": f"{GROUP}/{version}", "kind": kind, "metadata": {"name": kind.lower()}, "spec": spec}
            _apply(cluster, obj)
        for word, name in {
            **dict.fromkeys(["vm", "vms", "virtualmachine", "virtualmachines"], "virtualmachine"),
            **dict.fromkeys(["vmd", "vmdefinition", "vmdefinitions"], "vm"),
        }.items():
            (listed,) = cluster.kubectl("get", word, "-o", "jsonpath={.items[*].metadata.name}").stdout.split()
            assert listed == name, word
        # Kubectl writes a kind here, not a resource: who copies `vm.kubevirt.io/vm` beside KubeVirt gets KubeVirt's.
        everything = cluster.kubectl("get", "all", "-o", "name").stdout.split()
        assert {f"virtualmachine.{GROUP}/virtualmachine", f"vm.{GROUP}/vm"} <= set(everything)
