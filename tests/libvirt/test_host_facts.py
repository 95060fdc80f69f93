"""VMs on hosts: what the facts of a host make of them, and what is said of a host that lacks something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from webhook.admission.context import AdmissionContext
from webhook.admission.offline import domain_of, expand_object
from webhook.features.platform import Site
from webhook.findings import Finding, Refused
from webhook.kinds import declared_fields
from webhook.libvirt.bundle import bundle
from webhook.libvirt.host.facts import Host, cpu_set, numbers, read_host
from webhook.libvirt.xml.parse import read
from webhook.libvirt.xml.render import render
from webhook.policy import Policies, shipped
from webhook.trees import Tree

HOSTS = yaml.safe_load((Path(__file__).parent / "cases" / "hosts.yaml").read_text())
FILES = yaml.safe_load((Path(__file__).parent / "cases" / "host_files.yaml").read_text())
POLICIES = Policies(shipped(), declared_fields())


def completed(case: Tree, host: Host) -> Tree:
    """The domain of a case's VM, as it would be stored at a site of such hosts."""
    spec = {"features": {"system": {"type": "linux"}, **case.get("features", {})}, "domain": case.get("domain", {})}
    metadata = {"name": "vm", "namespace": "tenant"}
    vm = {"apiVersion": "kubevirt.io/v1alpha1", "kind": "VM", "metadata": metadata, "spec": spec}
    context = AdmissionContext(policies=POLICIES, site=Site(domain_type=host.type_for("x86_64")))
    made, findings, _ = expand_object(vm, context)
    assert [str(finding) for finding in findings] == []
    assert made is not None
    return domain_of(made)[0]


def outcome(make: Callable[[], Any]) -> tuple[Any, list[Finding]]:
    """What is made, or why it is not."""
    try:
        return make(), []
    except Refused as refused:
        return "", refused.findings


@pytest.mark.parametrize("case", HOSTS["cases"], ids=lambda case: case["title"])
def test_a_vm_on_a_host(case: Tree) -> None:
    host = read_host({**HOSTS["base"], **case.get("host", {})})
    domain = completed(case, host)
    made, lacks = outcome(lambda: "".join(bundle(domain, "vm", host).documents()))
    assert [str(finding) for finding in lacks] == case.get("lacks", [])
    assert [part for part in case.get("has", ()) if part not in made] == []
    assert [part for part in case.get("has not", ()) if part in made] == []


@pytest.mark.parametrize("case", FILES, ids=lambda case: case["title"])
def test_a_host_file(case: Tree) -> None:
    _, refused = outcome(lambda: read_host(case["file"]))
    assert [str(finding) for finding in refused] == case.get("refused", [])


def test_the_guest_sees_the_same_with_a_host_and_without() -> None:
    """But for the image of its firmware, whose choice is read of its path."""
    host = read_host(HOSTS["base"])
    features = {"storage": [{"type": "disk", "source": "root"}], "network": [{"source": "lan"}], "rng": True}
    domain = completed({"features": features}, host)
    placed, isolated = (read(xml).domain for xml in (bundle(domain, "vm", host).domain, render(domain, "vm")))
    placed["devices"] = {**placed["devices"], "disks": isolated["devices"]["disks"]}
    placed["devices"]["interfaces"] = isolated["devices"]["interfaces"]
    assert placed == isolated


# What a host file has, so that random trees go deep.
KEYS = (
    "hypervisors", "nodes", "cores", "cpus", "id", "taken", "claims", "networks", "devices", "name", "pci", "mdev",
    "file", "firmware", "arch", "podNetwork", "addresses", "hugepages", "size", "free",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_no_host_file_yields_an_exception(tree: Any) -> None:
    _, refused = outcome(lambda: read_host(tree))
    assert all(finding.path and finding.problem and finding.help for finding in refused)


@given(st.sets(st.integers(0, 300), min_size=1))
def test_a_set_of_cpus_is_read_as_it_is_written(cpus: set[int]) -> None:
    assert numbers(cpu_set(sorted(cpus))) == sorted(cpus)
